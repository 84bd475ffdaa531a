"""The table `[optics.distortion]` of a printer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from pmsl.profiles.tables.strict_struct import Sourced, Value

Ratio = Annotated[float, Meta(gt=0)]
Degree = Annotated[int, Meta(ge=1, le=5)]
Mark = tuple[float, float, float, float]
Homography = tuple[float, float, float, float, float, float, float, float]


class Distortion(Sourced, frozen=True, kw_only=True):
    """Where the points of a picture land on the plate: radial, then scale and skew, then keystone, each if given; or as marks show.

    Geometry is drawn where the inverse of it says, so that it lands where it is meant to.

    Attributes
    ----------
    keystone : Value of eight float, e.g. [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.01, 0.0]
        ``a b c d e f g h`` of the homography ``x' = (a x + b y + c) / (g x + h y + 1)``, ``y' = (d x + e y + f) / (g x + h y + 1)``; x and
        y from the middle of the field in units of half of it, so that its corners are (±1, ±1).
    radial : Value of (float, float), e.g. [0.001, 0.0]
        k1 and k2: a point goes ``1 + k1 r² + k2 r⁴`` times as far from `center`, r in units of half the field's width.
    center : Value of (float, float), e.g. [0.0, 0.0]
        Where `radial` is measured from: x and y from the middle of the field in units of half its width; left out: the middle.
    scale : Value of (float, float), e.g. [1.002, 0.998]
        Real size of pixels over `pitch_um`, along x and y.
    skew : Value of float, e.g. 0.001
        How far columns lean: a point moves along x by so much of its distance from the middle along y.
    marks : Value of rows of float, e.g. [[0.0, 0.0, 2.0, -1.0], [19456.0, 0.0, 19450.0, 3.0]]
        Measured marks, a row each: x and y in the picture, x and y where it landed on the plate, all in µm from the field's lower corner,
        instead of all above; a polynomial of `degree` is laid through them by least squares. In a file the name of a text file of numbers
        (rows of four, commas or blanks) may stand in its place.
    degree : int
        Of that polynomial; of degree n it has (n + 1)(n + 2) / 2 unknowns along each axis, and takes as many marks or more.
    flat_field : {"measured", "ideal"}
        Whether light that distortion makes denser or thinner is in the measured `[optics.flat_field]` already, or is reckoned here: then a
        field without one counts as even in the picture.
    """

    keystone: Value[Homography] | None = None
    radial: Value[tuple[float, float]] | None = None
    center: Value[tuple[float, float]] | None = None
    scale: Value[tuple[Ratio, Ratio]] | None = None
    skew: Value[float] | None = None
    marks: Value[list[Mark]] | None = None
    degree: Degree = 3
    flat_field: Literal["measured", "ideal"] = "measured"

    def __post_init__(self) -> None:
        if not self.stated:
            raise ValueError("give keystone, radial, scale or skew, or marks")
        formulas = [name for name in self.stated if name != "marks"]
        if self.marks is not None and formulas:
            raise ValueError(f"give marks or {', '.join(formulas)}, not both: marks are all of the distortion")
        if self.center is not None and self.radial is None:
            raise ValueError("center belongs to radial: give radial too, or leave center out")
        if self.marks is None:
            if self.degree != 3:
                raise ValueError("degree belongs to marks: give marks too, or leave degree out")
        elif len(self.marks.value) < self.unknowns:
            raise ValueError(
                f"marks are {len(self.marks.value)}; a polynomial of degree {self.degree} has {self.unknowns} unknowns along each axis: "
                f"give {self.unknowns} marks or more, or lower degree"
            )

    @property
    def stated(self) -> dict[str, Value[Any]]:
        """What it is given by, by key."""
        named = {name: getattr(self, name) for name in ("radial", "center", "scale", "skew", "keystone", "marks")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def unknowns(self) -> int:
        """Coefficients along each axis of a polynomial through marks."""
        return (self.degree + 1) * (self.degree + 2) // 2
