"""Would the group's own host take a print file? What its validator looks for, beside what cannot be read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pmsl.formats.byu.print_file import Image, Position
from pmsl.formats.byu.read import OpenPrintFile, open_file
from pmsl.formats.byu.slabs import settings_of
from pmsl.formats.byu.table import group_departures
from pmsl.formats.container import layer_writer
from pmsl.formats.protocol import VerifyOptions

NOT_UNPACKED = re.compile(r"\.csv|\.log|exposure_data")
NEEDED_POSITION = (
    *("thickness_um", "up_mm", "initial_wait_ms", "up_mm_s", "up_mm_s2", "up_wait_ms", "down_mm_s", "down_mm_s2", "final_wait_ms"),
)
GRAY_8 = (8, 0)  # depth and colour type in the head of a PNG
NEEDED_IMAGE = ("file", "time_ms", "engine", "wavelength_nm", "power", "focus_um", "before_ms", "after_ms")


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Read every image, and look for what the host would not take."""
    opened = open_file(path, options.panel)
    table = opened.table
    wrong = [f"{opened.root}: table and images lie in a folder; the host looks in the root of the zip"] if opened.root else []
    wrong += table.departures
    wrong += [f"variable {name!r} is an expression itself, which the host does not follow" for name in sorted(table.variables.nested)]
    wrong += group_departures(table)
    wrong += _defaults(opened)
    wrong += _images(opened)
    wrong += [f"{n}: the host does not unpack such a name" for n in sorted(opened.source.names()) if NOT_UNPACKED.search(n)]
    return [*wrong, *layer_writer.problems(opened.job, options)]


def _defaults(opened: OpenPrintFile) -> Iterator[str]:
    """Yield the default settings that are not there: the schema wants all of them."""
    defaults = opened.table.file.defaults
    for settings, needed, kind in ((defaults.position, NEEDED_POSITION, Position), (defaults.image, NEEDED_IMAGE, Image)):
        keys = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
        for name in needed:
            if getattr(settings, name) is None:
                yield f"the default settings do not say {keys[name]!r}"


def _images(opened: OpenPrintFile) -> Iterator[str]:
    """Yield images that a layer names and that are not there, or no gray PNG files of 8 bits, whether they are shown or not."""
    names = opened.source.names()
    default = opened.table.file.defaults.image.file
    named = {default} if default else set()
    once = {id(layer): layer for layer in opened.table.layers()}
    shown = (image for layer in once.values() for image in settings_of(layer, opened.table, [])[1])
    listed = {image.file for image in shown if image.file}
    for file in sorted(named | listed):
        member = f"{opened.images}/{file}"
        if member not in names or not file.endswith(".png"):
            yield f"{member}{', the default image,' if file == default else ''} is missing, or no .png"
        elif file in listed:
            data = opened.source.read(member)
            if data[12:16] != b"IHDR" or tuple(data[24:26]) != GRAY_8:
                yield f"{member}: is no PNG image of 8-bit gray"
