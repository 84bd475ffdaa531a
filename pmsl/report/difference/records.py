"""What a comparison of two jobs says."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

Kind = Literal["grid", "heights", "light", "times", "motion", "profiles", "design"]
KINDS: tuple[Kind, ...] = get_args(Kind)
AREA = "µm²"  # unit of the light of pixels of other sizes


class JobDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not the same, in all layers where it is not.

    Attributes
    ----------
    kind : Kind
    key : str
        What it is: ``"lift_um"``, ``"resin.dp_um"``.
    a, b : object
        The two values, where they differ most; None where a job has none.
    layers : tuple of int or None
        First and last layer concerned; None for the whole job.
    n_layers : int
        How many layers.
    largest : float or None
        By how much numbers differ at most.
    """

    kind: Kind
    key: str
    a: Any = None
    b: Any = None
    layers: tuple[int, int] | None = None
    n_layers: int = 0
    largest: float | None = None


class LightDifference(msgspec.Struct, frozen=True, kw_only=True):
    """How the light of a layer differs.

    Attributes
    ----------
    layer : int
    largest : float
        The most a pixel differs by, in `unit`.
    share : float
        The same, of what a white pixel of the layer gets, or of the larger area.
    unit : str
        ``"mJ/cm²"``; ``"s of white"`` where the doses of a job are not known; ``"µm²"`` of area where pixels have other sizes.
    n_px : int
        Pixels that differ, of all engines and offsets.
    a, b : float
        What the pixel gets that differs most, or the areas.
    at_um : tuple of float
        Middle (x, y) of that pixel in the first job's field, the stage's offset not added [µm].
    box_um : tuple of tuple of float
        ((x, y), (x, y)) around all that differ of that engine at that offset, likewise [µm].
    engine : int
        Light engine of that pixel.
    offset_um : tuple of float
        Offset (x, y) of the stage at its exposures [µm].
    """

    layer: int
    largest: float
    share: float
    unit: str
    n_px: int
    a: float
    b: float
    at_um: tuple[float, float] = (0.0, 0.0)
    box_um: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    engine: int = 0
    offset_um: tuple[float, float] = (0.0, 0.0)

    @property
    def share_words(self) -> str:
        """The share in percent, and of what."""
        return f"{100 * self.share:.3g} % of {'the area' if self.unit == AREA else 'white'}"


class JobDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two jobs held against each other.

    Attributes
    ----------
    differences : tuple of JobDifference
        Equal ones of several layers together; those of light by their largest, each layer in `light`.
    light : tuple of LightDifference
        Of every layer whose light differs.
    light_unit : str
        What light was compared in.
    notes : tuple of str
        What could not be compared, and what a file does not say.
    """

    differences: tuple[JobDifference, ...]
    light: tuple[LightDifference, ...]
    light_unit: str
    notes: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """True where nothing differs."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {"alike": self.alike, **plain}
