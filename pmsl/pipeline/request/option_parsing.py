"""Text of an option → numbers, or one clear UsageError."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pmsl.errors import UsageError
from pmsl.profiles.process import MOST_OFFSET_UM, Correction, LayerHeights

if TYPE_CHECKING:
    from pmsl.mesh.placing.copies import Copy, PackedCopy


MOST_FACTORS = 10_000


def numbers(text: str, option: str, counts: Collection[int], example: str) -> tuple[float, ...]:
    """Read comma-separated finite numbers, as many as one of `counts`."""
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text!r}: expected numbers like {example}") from None
    if len(values) not in counts or not all(math.isfinite(v) for v in values):
        many = f"{counts[0]} to {counts[-1]}" if isinstance(counts, range) else " or ".join(str(c) for c in counts)
        raise UsageError(f"{option} {text!r}: expected {many} finite number{'s' * (many != '1')} like {example}")
    return values


def at_um(text: str | None) -> tuple[float, float] | None:
    """Read ``X,Y`` [µm]."""
    if text is None:
        return None
    x, y = numbers(text, "--at", (2,), "1000,500")
    return x, y


def rotate_deg(text: str | None) -> tuple[float, float, float]:
    """Read ``RX,RY,RZ`` [°]."""
    if text is None:
        return (0.0, 0.0, 0.0)
    rx, ry, rz = numbers(text, "--rotate", (3,), "0,0,90")
    return rx, ry, rz


def scale(text: str | None) -> tuple[float, float, float]:
    """Read ``S`` or ``SX,SY,SZ``, all above 0."""
    if text is None:
        return (1.0, 1.0, 1.0)
    values = numbers(text, "--scale", (1, 3), "1.02 or 1.02,1.02,1")
    if min(values) <= 0:
        raise UsageError(f"--scale {text}: every factor must be above 0")
    sx, sy, sz = values * 3 if len(values) == 1 else values
    return sx, sy, sz


def pitch_um(text: str | None) -> tuple[float, float] | None:
    """Read ``P`` or ``PX,PY`` [µm], above 0."""
    if text is None:
        return None
    values = numbers(text, "--pitch-um", (1, 2), "7.6 or 7.6,7.6")
    if min(values) <= 0:
        raise UsageError(f"--pitch-um {text}: the pitch must be above 0 µm")
    return values[0], values[-1]


def field_px(text: str | None) -> tuple[int, int] | None:
    """Read ``COLSxROWS`` and return (rows, cols)."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,8})[x×](\d{1,8})", text.strip(), re.IGNORECASE)
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise UsageError(f"--field {text!r}: expected COLSxROWS like 2560x1600, whole numbers of pixels (not mm: pixels times --pitch-um)")
    return int(match[2]), int(match[1])


def fields(text: str | None) -> Literal["auto"] | tuple[int, int] | None:
    """Read ``auto`` or ``NXxNY``, fields along x and y."""
    if text is None:
        return None
    if text.strip().lower() == "auto":
        return "auto"
    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.strip(), re.IGNORECASE)
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise UsageError(f"--fields {text!r}: expected auto, or fields along x and y like 6x10")
    return int(match[1]), int(match[2])


def positive(value: float | None, option: str, unit: str) -> float | None:
    """Refuse a number that is not finite and above 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise UsageError(f"{option} {value:g}: must be a finite number above 0 {unit}".rstrip())
    return value


def layer_heights(text: str | None) -> LayerHeights | None:
    """Read ``auto:MIN,MAX[,STAIR]`` [µm]."""
    if text is None:
        return None
    word, colon, rest = text.partition(":")
    if word.strip() != "auto" or not colon:
        raise UsageError(f"--layer-heights {text}: give auto:MIN,MAX or auto:MIN,MAX,STAIR in µm, as auto:5,40,2")
    values = numbers(rest, "--layer-heights auto:", (2, 3), "5,40,2")
    if min(values) <= 0 or max(values) > 1e5:
        raise UsageError(f"--layer-heights {text}: each must be above 0 and at most 100000 µm")
    if values[1] < values[0]:
        raise UsageError(f"--layer-heights {text}: MAX must be at least MIN")
    return LayerHeights(min_um=values[0], max_um=values[1], stair_um=values[2] if len(values) > 2 else None)


def factors(text: str | None, option: str) -> tuple[float, ...] | None:
    """Read ``F,F,…``, finite and above 0; ``none`` is an empty list."""
    if text is None:
        return None
    if text.strip() == "none":
        return ()
    values = numbers(text, option, range(1, MOST_FACTORS + 1), "10,5,2.5, or none")
    if min(values) <= 0:
        raise UsageError(f"{option} {text}: every factor must be above 0")
    return values


def offset_um(value: float | None, option: str) -> float | None:
    """Refuse a distance that no contour is moved by."""
    if value is not None and not abs(value) <= MOST_OFFSET_UM:
        raise UsageError(f"{option} {value:g}: must be a distance of at most {MOST_OFFSET_UM:g} µm; is the unit right?")
    return value


def corrections(text: str | None) -> tuple[Correction, ...] | None:
    """Read a list like ``edges,printthrough``; ``none`` is an empty one. Each may be named once: they are solved together, not in turn."""
    if text is None:
        return None
    names = [] if text.strip() == "none" else [word.strip() for word in text.split(",")]
    known = get_args(Correction)
    for name in names:
        if name not in known:
            raise UsageError(f"--correct {text!r}: {name!r} is no correction; choose from {', '.join(known)}, or none")
        if names.count(name) > 1:
            raise UsageError(f"--correct {text!r}: {name} is named {names.count(name)} times; each is applied once")
    return tuple(name for name in known if name in names)


def copies(text: str | None, packed: bool = False) -> tuple[int, int] | list[Copy] | list[PackedCopy] | int | None:
    """Read ``NXxNY``, ``N``, or the name of a file that lists copies, those that are `packed` without places."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:[x×](\d{1,6}))?", text.strip(), re.IGNORECASE)
    if match is None:
        from pmsl.mesh.placing.copies import Copy, PackedCopy
        from pmsl.mesh.placing.copies_file import read_list

        return read_list(Path(text), PackedCopy) if packed else read_list(Path(text), Copy)
    return int(match[1]) if match[2] is None else (int(match[1]), int(match[2]))


def spacing_um(text: str | None) -> tuple[float, float] | None:
    """Read ``S`` or ``SX,SY`` [µm], 0 or more."""
    if text is None:
        return None
    values = numbers(text, "--spacing-um", (1, 2), "200 or 200,150")
    if min(values) < 0:
        raise UsageError(f"--spacing-um {text}: is the gap between the boxes of neighbours; 0 or more")
    return values[0], values[-1]
