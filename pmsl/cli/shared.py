"""Options that several commands have, as decorators; a command shows them in the order they stand above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

__all__ = [
    "FILE",
    "depth",
    "dose",
    "doses",
    "force",
    "format",
    "irradiance",
    "json",
    "lossy",
    "panel",
    "panel_options",
    "profiles",
    "repair",
    "rotate",
    "scale",
    "threads",
    "unit",
    "weld",
]

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(readable=False)  # any name, for shells that complete it: who opens the file says what is wrong with it


def _with(command: F, options: Sequence[Callable[[F], F]]) -> F:
    """Add options to a command; its help lists them in this order."""
    for option in reversed(options):
        command = option(command)
    return command


_PROFILES = (
    click.option("--printer", metavar="P", help="Library name or TOML file [default: microfluidics-7.6um]."),
    click.option("--resin", metavar="R", help="Library name or TOML file [default: pegda-nps-1.0-385]."),
    click.option("--process", metavar="F", help="Library name or TOML file [default: default]."),
    click.option("--layer-um", type=float, metavar="H", help="Layer height [µm]; overrides the process."),
    click.option("--exposure-s", type=float, metavar="S", help="How long white is shown in ordinary layers [s]; instead of a margin."),
    click.option("--bottom-dose-factors", metavar="F,F,…", help="Dose factors of the first layers, from the plate up, or none."),
    click.option("--xy-offset-um", type=float, metavar="D", help="Move contours outward (or in, below 0) before coverage [µm]."),
    click.option("--bottom-xy-offset-um", type=float, metavar="D", help="Instead of that in layers with a bottom dose factor above 1."),
    click.option("--pitch-um", metavar="P|PX,PY", help="Pixel pitch at the image plane [µm]."),
    click.option("--field", metavar="COLSxROWS", help="Pixels of the field."),
)


def profiles(command: F) -> F:
    """Add the options that choose printer, resin and process, and what overrides them."""
    return _with(command, _PROFILES)


_DOSES = (
    click.option("--dose-scale", metavar="F[,F…]", help="Dose factor of all meshes, or of each."),
    click.option(
        "--region",
        multiple=True,
        callback=lambda _context, _option, values: list(values),
        metavar="MESH=F",
        help="Dose factor of what lies inside another mesh; may be repeated.",
    ),
    click.option("--regions", type=FILE, metavar="FILE.toml", help="Regions as tables [[region]], with focus, power, waits, a dilation."),
)


def doses(command: F) -> F:
    """Add the options that give parts and places doses of their own."""
    return _with(command, _DOSES)


_PANEL = (
    click.option("--printer", metavar="P", help="Library name or TOML file: the printer of a file that does not say its pixels."),
    click.option("--pitch-um", metavar="P|PX,PY", help="Pixel pitch at the image plane of a file that does not say it [µm]."),
    click.option("--field", metavar="COLSxROWS", help="Pixels of the frames of a file that does not say them."),
)


def panel(command: F) -> F:
    """Add the options that say what panel a job's frames are for, as `panel_options` reads them."""
    return _with(command, _PANEL)


def panel_options(printer: str | None, pitch_um: str | None, field: str | None) -> dict[str, Any]:
    """Return the options of `panel` as `pmsl.read` and `pmsl.verify` take them."""
    from pmsl.pipeline import options
    from pmsl.profiles import find_printer

    return {
        "printer": None if printer is None else find_printer(printer),
        "pitch_um": options.pitch_um(pitch_um),
        "field": options.field_px(field),
    }


irradiance = click.option("--irradiance", type=float, metavar="MW_CM2", help="Measured irradiance of a white pixel [mW/cm²].")
unit = click.option(
    "--unit",
    type=click.Choice(["um", "mm", "cm", "m", "inch"]),
    default="mm",
    show_default=True,
    help="Unit of the mesh; a format that carries its unit wins.",
)
repair = click.option(
    "--repair",
    type=click.Choice(["auto", "none", "strict"]),
    default="auto",
    show_default=True,
    help="Mend meshes that are open, doubled or turned, and say so; leave them; or refuse them.",
)
weld = click.option(
    "--weld-um",
    type=float,
    metavar="U",
    help="Join vertices at open edges within U µm of the mesh, 0 for none [default: a twentieth of a pixel].",
)
rotate = click.option("--rotate", metavar="RX,RY,RZ", help="Degrees about fixed x, y, z, in that order.")
scale = click.option("--scale", metavar="S|SX,SY,SZ", help="Factor, or one for each axis.")
threads = click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Layers worked on at a time [default: one a processor].")
format = click.option("--format", metavar="NAME", help="Format [default: by suffix; a folder or .zip is native].")
depth = click.option(
    "--depth",
    type=click.IntRange(1, 8),
    metavar="BITS",
    help="Only the grays a device of so many bits shows: the nearest light, dithered from 4 bits down.",
)
dose = click.option("--dose", is_flag=True, help="Also write the dose map of every layer.")
force = click.option("--force", is_flag=True, help="Replace a job of the same format, or an empty folder.")
lossy = click.option("--lossy", is_flag=True, help="Do what the format cannot hold as well as it can, and list it.")
json = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
