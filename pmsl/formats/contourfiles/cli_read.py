"""Reads Common Layer Interface files, ASCII and binary, of whoever wrote them: strictly, a layer at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from pmsl.errors import JobError

LONGEST = 1 << 30  # bytes of a file that is read
LAYER = struct.Struct("<Hf")
GEOMETRY = b"$$GEOMETRYSTART"
LONG_HEADER = 1 << 20
TURNS = (0, 1, 2)  # inner, outer, open


class CliPolyline(msgspec.Struct, frozen=True, eq=False):
    """A polyline: its number, its direction (0 inner, 1 outer, 2 open), its points (n, 2) float64 [µm]."""

    number: int
    turn: int
    points_um: np.ndarray


class CliHatches(msgspec.Struct, frozen=True, eq=False):
    """Hatches: their number, and from and to of each, (n, 2, 2) float64 [µm]."""

    number: int
    lines_um: np.ndarray


class CliLayer(msgspec.Struct, frozen=True, eq=False):
    """One layer: the height of its upper surface [µm], and its lines, in the order they are drawn in each list."""

    top_um: float
    polylines: list[CliPolyline]
    hatches: list[CliHatches]


def read_layers(path: Path) -> Iterator[CliLayer]:
    """Yield the layers of a file, the one of height 0 that only states where the first begins included.

    Raises
    ------
    JobError
        No such file, or one that is damaged.
    """
    try:
        if path.stat().st_size > LONGEST:
            raise JobError(f"{path}: has {path.stat().st_size} bytes, at most {LONGEST} are read")
        data = path.read_bytes()
    except OSError as err:
        raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err
    end = data.find(b"$$HEADEREND", 0, LONG_HEADER)
    if not data.lstrip().startswith(b"$$HEADERSTART") or end < 0:
        raise JobError(f"{path}: no header of a CLI file ($$HEADERSTART to $$HEADEREND)")
    body = end + len(b"$$HEADEREND")
    try:
        words = _header(data[:end])
        unit_um = 1e3 * float(words.get("UNITS", b"1"))
        if not 0 < unit_um < 1e9:
            raise ValueError(f"$$UNITS is {unit_um * 1e-3:g} mm")
        layers = _binary(data, body, "ALIGN" in words) if "BINARY" in words else _ascii(data, body)
        yield from _in_um(layers, unit_um)
    except (ValueError, struct.error, OverflowError, IndexError) as err:
        raise JobError(f"{path}: its layers cannot be read ({err}); the file is damaged, copy or write it again") from err


def _header(data: bytes) -> dict[str, bytes]:
    """Return the keywords of the header with what stands behind each; comments are left out."""
    parts = data.split(b"//")
    words = {}
    for line in b"".join(parts[::2]).split(b"$$")[1:]:
        name, _, value = line.strip().partition(b"/")
        words[name.decode("ascii")] = value
    return words


def _in_um(layers: Iterator[CliLayer], unit_um: float) -> Iterator[CliLayer]:
    """Scale layers, and hold them against the format's rules."""
    below = -np.inf
    for layer in layers:
        top = layer.top_um * unit_um
        if not (np.isfinite(top) and top > below):
            raise ValueError(f"a layer is at {top:g} µm, the one before at {below:g} µm")
        below = top
        polylines = [CliPolyline(p.number, p.turn, p.points_um * unit_um) for p in layer.polylines]
        hatches = [CliHatches(h.number, h.lines_um * unit_um) for h in layer.hatches]
        for line in polylines:
            if line.turn not in TURNS or len(line.points_um) < (2 if line.turn == 2 else 4):
                raise ValueError(f"a polyline with direction {line.turn} and {len(line.points_um)} points")
            if line.turn != 2 and (line.points_um[0] != line.points_um[-1]).any():
                raise ValueError("a closed polyline does not end where it begins")
        for points in (*(p.points_um for p in polylines), *(h.lines_um for h in hatches)):
            if not np.isfinite(points).all():
                raise ValueError("a point that is no number")
        yield CliLayer(top, polylines, hatches)


def _ascii(data: bytes, start: int) -> Iterator[CliLayer]:
    begin, end = data.find(GEOMETRY, start), data.rfind(b"$$GEOMETRYEND")
    if begin < 0 or end < 0:
        raise ValueError("no $$GEOMETRYSTART, or no $$GEOMETRYEND")
    layer: CliLayer | None = None
    for command in data[begin + len(GEOMETRY) : end].split(b"$$")[1:]:
        name, _, rest = command.partition(b"//")[0].strip().partition(b"/")
        if name == b"LAYER":
            if layer is not None:
                yield layer
            layer = CliLayer(float(rest), [], [])
        elif name in (b"POLYLINE", b"HATCHES") and layer is not None:
            _add(layer, name == b"HATCHES", rest.split(b","))
        else:
            raise ValueError(f"the command {name[:20]!r} is not known, or stands before the first layer")
    if layer is not None:
        yield layer


def _add(layer: CliLayer, hatches: bool, words: list[bytes]) -> None:
    counts = [int(word) for word in words[: 2 if hatches else 3]]
    values = np.array(words[len(counts) :], np.float64)
    many = counts[-1]
    if many < 0 or len(values) != many * (4 if hatches else 2):
        raise ValueError(f"{many} {'hatches' if hatches else 'points'} are said, {len(values)} numbers are there")
    if hatches:
        layer.hatches.append(CliHatches(counts[0], values.reshape(-1, 2, 2)))
    else:
        layer.polylines.append(CliPolyline(counts[0], counts[1], values.reshape(-1, 2)))


def _binary(data: bytes, at: int, aligned: bool) -> Iterator[CliLayer]:
    """Yield layers; command, its numbers, its coordinates: short ones of 16 bits without sign, long ones of 32."""
    layer: CliLayer | None = None
    while at < len(data):
        (command,) = struct.unpack_from("<H", data, at)
        at += 4 if aligned else 2
        if command in (127, 128):
            (height,) = struct.unpack_from("<f" if command == 127 else "<H", data, at)
            at += 4 if command == 127 or aligned else 2
            if layer is not None:
                yield layer
            layer = CliLayer(float(height), [], [])
            continue
        if command not in (129, 130, 131, 132) or layer is None:
            raise ValueError(f"the command {command} at byte {at} is not known, or stands before the first layer")
        short, hatches = command in (129, 131), command in (131, 132)
        of = "<i4" if not short else "<u2"
        head = np.frombuffer(data, of, 2 if hatches else 3, at)
        many, at = int(head[-1]), at + head.nbytes
        values = np.frombuffer(data, "<u2" if short else "<f4", _checked(many) * (4 if hatches else 2), at)
        at += -(-values.nbytes // 4) * 4 if aligned else values.nbytes
        if not short and not np.isfinite(values).all():
            raise ValueError(f"a coordinate before byte {at} is no finite number")
        places = values.astype(np.float64)
        if hatches:
            layer.hatches.append(CliHatches(int(head[0]), places.reshape(-1, 2, 2)))
        else:
            layer.polylines.append(CliPolyline(int(head[0]), int(head[1]), places.reshape(-1, 2)))
    if layer is not None:
        yield layer


def _checked(many: int) -> int:
    if many < 0:
        raise ValueError(f"{many} points")
    return many
