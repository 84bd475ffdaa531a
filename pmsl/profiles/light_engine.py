"""Light engines of a printer: the device that makes the frames, and further engines beside the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from pmsl.profiles.distortion.distortion_table import Distortion
from pmsl.profiles.motion import Wait
from pmsl.profiles.optics import Optics, Positive, Response
from pmsl.profiles.orientation import Diamond, Orientation
from pmsl.profiles.tables.strict_struct import Sourced, Value

if TYPE_CHECKING:
    from pmsl.profiles.distortion.field_map import FieldMap

Count = Annotated[int, Meta(ge=1, le=1 << 24)]
EngineName = Annotated[str, Meta(min_length=1, max_length=80)]
Corner = Annotated[float, Meta(ge=-1e7, le=1e7)]


class Dmd(Sourced, frozen=True, kw_only=True):
    """The device that makes the frames: a micromirror device, or a panel.

    Of a diamond lattice mirrors stand on their corners, and every other row is shifted by half a mirror's width: shape is
    that of its frames, the pitch is along the mirrors' edges.

    Attributes
    ----------
    chip : str, e.g. "DLP6500"
        Its name, for people.
    shape : Value of (int, int), e.g. [1080, 1920]
        Rows and columns of a frame [pixels].
    lattice : {"orthogonal", "diamond"}
        Mirrors in rows and columns, or on their corners.
    bit_depth : {8}
        Bits of a gray level.
    frame_locked : bool
        Whether the engine shows whole frames of `frame_s` only: times are then multiples of it.
    frame_s : Value of float, e.g. 0.016
        How long a frame of a frame-locked engine lasts.
    """

    chip: str
    shape: Value[tuple[Count, Count]]
    lattice: Literal["orthogonal", "diamond"] = "orthogonal"
    bit_depth: Literal[8] = 8
    frame_locked: bool = False
    frame_s: Value[Positive] | None = None

    def __post_init__(self) -> None:
        if self.frame_locked and self.frame_s is None:
            raise ValueError("frame_locked = true needs frame_s")


class LightEngineProfile(Sourced, frozen=True, kw_only=True):
    """A light engine beside the first one of a printer: another wavelength, another pitch, another part of the plate.

    Attributes
    ----------
    name : str, e.g. "fine"
        What parts, jobs and its host call it.
    origin_um : Value of (float, float), e.g. [0.0, 0.0]
        Where the lower corner of its field lies in the field of the first engine.
    dmd : Dmd
        The device that makes its frames.
    orientation : Orientation
        Which way its frames lie.
    optics : Optics
        Its pixels, wavelength, light and blur.
    response : Response
        Gray level to its light.
    settle_s : Value of float, e.g. 0.5
        Wait after a change to or from it, before the light; left out: none.
    """

    NESTED: ClassVar[tuple[str, ...]] = ("dmd", "optics", "response")

    name: EngineName
    origin_um: Value[tuple[Corner, Corner]]
    dmd: Dmd
    orientation: Orientation = Orientation()
    optics: Optics
    response: Response = Response()
    settle_s: Value[Wait] | UnsetType = UNSET

    def __post_init__(self) -> None:
        check_optics(self.dmd, self.orientation, self.optics)


def turn_of(dmd: Dmd, orientation: Orientation) -> Orientation:
    """Return how frames lie, the device's lattice included.

    Parameters
    ----------
    dmd : Dmd
    orientation : Orientation
    """
    if dmd.lattice == "orthogonal":
        return orientation
    return Diamond(row=orientation.row, col=orientation.col, frame=dmd.shape.value)


def check_optics(dmd: Dmd, orientation: Orientation, optics: Optics) -> None:
    """Refuse optics that the device cannot have.

    Parameters
    ----------
    dmd : Dmd
    orientation : Orientation
    optics : Optics

    Raises
    ------
    ValueError
        What a diamond lattice cannot have; a blur, or a flat field, larger than the field.
    """
    _check_lattice(dmd, orientation, optics)
    shape = field_px_of(dmd, orientation)
    for width, field, axis in zip(optics.psf.width_px(optics.pitch_um.value), shape, "yx", strict=True):
        if width > field:
            raise ValueError(f"optics.psf is {width:.4g} px wide along {axis}; the field has {field} px")
    flat = optics.flat_field
    if flat is not None and flat.grid is not None:
        rows, cols = len(flat.grid.value), len(flat.grid.value[0])
        if rows > shape[0] or cols > shape[1]:
            raise ValueError(f"optics.flat_field.grid is {cols}x{rows}, finer than the device's {shape[1]}x{shape[0]} pixels")
    try:
        field_map_of(dmd, orientation, optics)
    except ValueError as err:
        raise ValueError(f"optics.distortion: {err}") from err


def field_px_of(dmd: Dmd, orientation: Orientation) -> tuple[int, int]:
    """Return (rows, cols) of the field: the device's own, or of a diamond lattice the square grid its mirrors are cells of.

    Parameters
    ----------
    dmd : Dmd
    orientation : Orientation
    """
    turn = turn_of(dmd, orientation)
    return turn.field if isinstance(turn, Diamond) else dmd.shape.value


def field_map_of(dmd: Dmd, orientation: Orientation, optics: Optics) -> FieldMap | None:
    """Return where the points of an engine's picture land on the plate; None where they land on a square grid.

    Parameters
    ----------
    dmd : Dmd
    orientation : Orientation
    optics : Optics

    Raises
    ------
    ValueError
        A distortion that folds, or marks that do not determine one.
    """
    if not isinstance(optics.distortion, Distortion):
        return None
    from pmsl.profiles.distortion.distortion_map import known_map  # few printers state any

    (rows, cols), (px, py) = field_px_of(dmd, orientation), optics.pitch_um.value
    return known_map(optics.distortion, (cols * px, rows * py), (px, py))


def _check_lattice(dmd: Dmd, orientation: Orientation, optics: Optics) -> None:
    """Refuse what a diamond lattice cannot have."""
    if dmd.lattice == "orthogonal":
        return
    try:
        turn_of(dmd, orientation)
    except ValueError as err:
        raise ValueError(f"orientation: {err}") from err
    px, py = optics.pitch_um.value
    if px != py:
        raise ValueError(f"optics.pitch_um is {px:g} × {py:g}; mirrors of a diamond lattice are squares: give their edge twice")
    if optics.flat_field is not None:
        raise ValueError("optics.flat_field is not offered for a diamond lattice; leave it out, the host must even out the field")
    if isinstance(optics.distortion, Distortion) and optics.distortion.flat_field == "ideal":
        raise ValueError("optics.distortion.flat_field = 'ideal' is not offered for a diamond lattice; the host must even out the field")
