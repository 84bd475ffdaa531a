"""Layers → the table of a print file: a name for settings that repeat, a count for layers that do, a group for sequences of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from pmsl.formats.byu.print_file import Image, Layer, Position

LONGEST = 32  # layers of a group, equal ones in a row counted once
WORTH = 3  # an entry of several images that comes so often has a group of its own


class Row(NamedTuple):
    """One layer of the file with its settings in full; no images where it shows nothing."""

    position: Position
    images: tuple[Image, ...]


@dataclass(slots=True)
class SettingsLayout:
    """What of a table is made of its layers."""

    named_positions: dict[str, Position] = field(default_factory=dict)
    named_images: dict[str, Image] = field(default_factory=dict)
    groups: dict[str, list[Layer]] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)


def laid_out(rows: Sequence[Row], position: Position, image: Image) -> SettingsLayout:
    """Return the table's part of the layers; `position` and `image` are the defaults, which a layer that says nothing has."""
    out = SettingsLayout()
    short = [Row(_less(row.position, position), tuple(_less(i, image) for i in row.images)) for row in rows]
    positions = _names(Counter(row.position for row in short if row.position != Position()), "position", 1)
    images = _names(Counter(_settings(i) for row in short for i in row.images), "exposure", 1)
    out.named_positions = {name: settings for settings, name in positions.items()}
    out.named_images = {name: settings for settings, name in images.items()}
    entries = _counted([_entry(row, positions, images) for row in short])
    _group(entries, out)
    return out


def _less(own: Any, default: Any) -> Any:
    """Return what of settings differs from the default; an image's file stays."""
    same = {f: None for f in own.__struct_fields__ if f not in ("comment", "file") and getattr(own, f) == getattr(default, f)}
    return msgspec.structs.replace(own, **same)


def _settings(image: Image) -> Image:
    """Return an image's settings without its file."""
    return msgspec.structs.replace(image, file=None)


def _names(counts: Counter[Any], word: str, least: int) -> dict[Any, str]:
    """Give settings that are used more than `least` times a name each, in the order they come in."""
    return {settings: f"{word} {i}" for i, settings in enumerate((s for s, n in counts.items() if n > least and s != type(s)()), 1)}


def _entry(row: Row, positions: dict[Position, str], images: dict[Image, str]) -> Layer:
    position = None if row.position == Position() else row.position
    if position in positions:
        position = Position(named=positions[position])
    shown = [Image(file=i.file, named=images[_settings(i)]) if _settings(i) in images else i for i in row.images]
    return Layer(position=position, images=shown or [Image()])  # the default: black


def _counted(entries: Sequence[Layer]) -> list[Layer]:
    """Join equal entries in a row."""
    out: list[Layer] = []
    keys: list[bytes] = []
    for entry in entries:
        key = msgspec.json.encode(entry)
        if keys and keys[-1] == key:
            out[-1] = msgspec.structs.replace(out[-1], count=(out[-1].count or 1) + 1)
        else:
            out.append(entry)
            keys.append(key)
    return out


def _group(entries: list[Layer], out: SettingsLayout) -> None:
    """Put entries into `out`: sequences that repeat at once as a group called several times, what comes back later as one called again."""
    keys = [msgspec.json.encode(entry) for entry in entries]
    often = Counter(key for key, entry in zip(keys, entries, strict=True) if len(entry.images or ()) > 1)
    names: dict[tuple[bytes, ...], str] = {}

    def call(first: int, length: int, times: int) -> Layer:
        key = tuple(keys[first : first + length])
        if key not in names:
            names[key] = f"layers {len(names) + 1}"
            out.groups[names[key]] = entries[first : first + length]
        return Layer(group=names[key], count=times if times > 1 else None)

    at = 0
    while at < len(entries):
        length, times = _repeated(keys, at)
        if times > 1:
            out.layers.append(call(at, length, times))
        elif often[keys[at]] >= WORTH:
            length = 1
            out.layers.append(call(at, 1, 1))
        else:
            length = 1
            out.layers.append(entries[at])
        at += length * times


def _repeated(keys: Sequence[bytes], at: int) -> tuple[int, int]:
    """Return the length of the sequence from `at` on that repeats at once, and how often, such that most entries are saved."""
    best, saved = (1, 1), 1
    for length in range(2, min(LONGEST, (len(keys) - at) // 2) + 1):
        if keys[at] != keys[at + length]:
            continue
        times = 1
        while keys[at : at + length] == keys[at + times * length : at + (times + 1) * length]:
            times += 1
        if length * (times - 1) > saved:
            best, saved = (length, times), length * (times - 1)
    return best
