"""The panels of Prusa's resin printers, and how frames of a panel are turned."""

from __future__ import annotations

from dataclasses import dataclass

from pmsl.formats.adapt.capability import Capability
from pmsl.profiles.printer import Orientation

TURN = Orientation(row="-x", col="+y")  # portrait, mirrored in x: what PrusaSlicer writes for these printers
MIN_LAYER_UM = 10.0  # the firmware prints 50 µm where it reads less than 9.9
MOST_LAYERS = 100_000  # names have five digits


@dataclass(frozen=True, slots=True)
class Sl1Panel:
    """A printer's name in the file (none: the job's own), what it shows, and bounds of its times (min, max normal, max first) [s]."""

    model: str | None
    capability: Capability
    bounds_s: tuple[float, float, float]


def _panel(model: str, rows: int, cols: int, pitch_um: float) -> Sl1Panel:
    """Make the panel of a printer; rows and columns as the file has them."""
    capability = Capability(
        min_layer_um=MIN_LAYER_UM,
        layer_step_um=0.001,
        variable_layers="first",
        multi_exposure=False,
        per_layer_exposure="rule",
        exposure_min_s=0.1,
        exposure_max_s=120.0,
        exact_size=(rows, cols),
        exact_pitch_um=(pitch_um, pitch_um),
        orientation=TURN,
        needs_thumbnail=True,
        name_rules="ends in .sl1 or .sl1s",
        holds=frozenset(),
    )
    return Sl1Panel(model, capability, (0.1, 60.0, 120.0))


SL1_PANEL = _panel("SL1", 2560, 1440, 47.25)
SL1S_PANEL = _panel("SL1S", 2560, 1620, 50.0)
PANELS = {"SL1": SL1_PANEL, "SL1S": SL1S_PANEL, "M1": _panel("M1", 2560, 1620, 50.0)}  # an M1 has the panel of an SL1S
GENERIC = Sl1Panel(
    None,
    Capability(
        min_layer_um=MIN_LAYER_UM,
        layer_step_um=1.0,  # other hosts cut layer heights to whole µm
        variable_layers="none",
        multi_exposure=False,
        per_layer_exposure="rule",
        exposure_min_s=0.001,
        needs_thumbnail=True,
        name_rules="ends in .sl1 or .sl1s",
        holds=frozenset(),
    ),
    (0.001, float("inf"), float("inf")),
)


def display_of(turn: Orientation) -> dict[str, str]:
    """Return the settings by which PrusaSlicer turns frames: orientation of the display and mirroring along x and y."""
    portrait = turn.row[1] == "x"
    mirror_x = turn.col == ("+y" if portrait else "-x")
    mirror_y = turn.row == ("+x" if portrait else "+y")
    return {
        "display_orientation": "portrait" if portrait else "landscape",
        "display_mirror_x": str(int(mirror_x)),
        "display_mirror_y": str(int(mirror_y)),
    }


def turn_of(settings: dict[str, str]) -> Orientation:
    """Undo `display_of`; what a file leaves out is what PrusaSlicer takes: portrait, mirrored in x."""
    portrait = settings.get("display_orientation", "portrait") == "portrait"
    mirror_x, mirror_y = settings.get("display_mirror_x", "1") == "1", settings.get("display_mirror_y", "0") == "1"
    if portrait:
        return Orientation(row="+x" if mirror_y else "-x", col="+y" if mirror_x else "-y")
    return Orientation(row="+y" if mirror_y else "-y", col="-x" if mirror_x else "+x")
