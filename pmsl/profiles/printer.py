"""Printer: the micromirror device, the stage and the limits; its light is in `pmsl.profiles.optics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType, structs

from pmsl.profiles.distortion.distortion_table import Distortion as Distortion
from pmsl.profiles.laser import Laser as Laser
from pmsl.profiles.laser import check_spot
from pmsl.profiles.light_engine import Count as Count
from pmsl.profiles.light_engine import Dmd as Dmd
from pmsl.profiles.light_engine import EngineName, check_optics, field_map_of, turn_of
from pmsl.profiles.light_engine import LightEngineProfile as LightEngineProfile
from pmsl.profiles.motion import Rate, Wait, move_time_s
from pmsl.profiles.optics import FlatField as FlatField
from pmsl.profiles.optics import LightSetting as LightSetting
from pmsl.profiles.optics import Optics as Optics
from pmsl.profiles.optics import Positive as Positive
from pmsl.profiles.optics import Psf as Psf
from pmsl.profiles.optics import Response as Response
from pmsl.profiles.orientation import Axis as Axis
from pmsl.profiles.orientation import Diamond as Diamond
from pmsl.profiles.orientation import Orientation as Orientation
from pmsl.profiles.tables.strict_struct import Sourced, Strict, Value
from pmsl.profiles.tables.versions import set_schema

if TYPE_CHECKING:
    from pmsl.profiles.distortion.field_map import FieldMap

Slope = Annotated[float, Meta(ge=-100, le=100)]


class XyStage(Sourced, frozen=True, kw_only=True):
    """What moves the picture over the plate, for plates larger than a field.

    Attributes
    ----------
    travel_um : Value of (float, float)
        How far it goes along x and y: the span of the places of pictures.
    step_um : Value of float
        What its places are multiples of.
    speed_um_s : Value of float, e.g. 10000.0
        How fast it goes at most; needed with accel_um_s2. Left out: print times leave its ways out.
    accel_um_s2 : Value of float, e.g. 100000.0
        How fast it comes to that speed; needed with speed_um_s.
    settle_s : Value of float, e.g. 0.2
        Wait after a way, before the light; left out: none.
    error : Value of six float, e.g. [0.8, -0.3, 0.0, 0.2, 1.1, 0.0]
        Where it goes instead: x, y and focus [µm] for each mm along X, then the same for each mm along Y; made up for in places, focus and
        pictures. Left out: none.
    """

    travel_um: Value[tuple[Positive, Positive]]
    step_um: Value[Positive]
    speed_um_s: Value[Rate] | UnsetType = UNSET
    accel_um_s2: Value[Rate] | UnsetType = UNSET
    settle_s: Value[Wait] | UnsetType = UNSET
    error: Value[tuple[Slope, Slope, Slope, Slope, Slope, Slope]] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.speed_um_s is UNSET) != (self.accel_um_s2 is UNSET):
            given, missing = ("accel_um_s2", "speed_um_s") if self.speed_um_s is UNSET else ("speed_um_s", "accel_um_s2")
            raise ValueError(f"{given} is stated without {missing}; one says nothing of the time of a way without the other")

    @property
    def moves(self) -> bool:
        """Whether it is known how long its ways take."""
        return self.speed_um_s is not UNSET

    @property
    def rests_s(self) -> float:
        """Wait after a way [s]."""
        return 0.0 if isinstance(self.settle_s, UnsetType) else self.settle_s.value

    def way_s(self, distance_um: float) -> float:
        """Return how long a way takes [s]; 0 where nobody says it.

        Parameters
        ----------
        distance_um : float
            Along a straight line.
        """
        if isinstance(self.speed_um_s, UnsetType) or isinstance(self.accel_um_s2, UnsetType):
            return 0.0
        return move_time_s(distance_um, self.speed_um_s.value, self.accel_um_s2.value)

    @property
    def slopes(self) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """Errors of x, y and focus for each µm along X and along Y."""
        if isinstance(self.error, UnsetType):
            return (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)
        a = [1e-3 * v for v in self.error.value]
        return (a[0], a[3]), (a[1], a[4]), (a[2], a[5])

    def reached_um(self, x_um: float, y_um: float) -> tuple[float, float, float]:
        """Return where it goes when it is sent to a place: x, y, and how far the focus is off there [µm]."""
        x, y, focus = (of_x * x_um + of_y * y_um for of_x, of_y in self.slopes)
        return x_um + x, y_um + y, focus

    def sent_um(self, x_um: float, y_um: float) -> tuple[float, float]:
        """Return where it is sent to so that it goes to a place [µm]: the inverse of `reached_um`."""
        (xx, xy), (yx, yy), _ = self.slopes
        if xx == xy == yx == yy == 0.0:
            return x_um, y_um
        size = (1.0 + xx) * (1.0 + yy) - xy * yx
        return ((1.0 + yy) * x_um - xy * y_um) / size, ((1.0 + xx) * y_um - yx * x_um) / size


class StageProfile(Sourced, frozen=True, kw_only=True):
    """The stage that carries the build plate.

    Attributes
    ----------
    travel_um : Value of float
        Its travel along z: the tallest part.
    step_um : Value of float, e.g. 0.5
        What layer heights that follow the geometry are multiples of; left out: 0.1 µm. From version 2.
    release_stress_kpa : Value of float, e.g. 12.0
        Force that parts a layer from what it is cured on, by its area; left out: unknown, and no peel force is said. From version 2.
    release_line_n_m : Value of float, e.g. 0.5
        The same by the length of its edges; left out: 0. From version 2.
    suction_kpa : Value of float, e.g. 50.0
        What holds a layer where a space below it is shut while it is lifted; left out: 50 kPa. From version 2.
    release : {"window", "film", "free-surface"}, e.g. "film"
        What a layer is lifted from when it is cured: a stiff window, a film that peels, or nothing, where light falls on the resin
        from above. From version 2.
    xy : XyStage
        What moves the picture over the plate; left out: nothing does. From version 2.
    """

    SINCE: ClassVar[dict[str, int]] = {
        "step_um": 2, "release_stress_kpa": 2, "release_line_n_m": 2, "suction_kpa": 2, "release": 2, "xy": 2
    }  # fmt: skip
    NESTED: ClassVar[tuple[str, ...]] = ("xy",)

    travel_um: Value[Positive]
    step_um: Value[Positive] | UnsetType = UNSET
    release_stress_kpa: Value[Positive] | UnsetType = UNSET
    release_line_n_m: Value[Positive] | UnsetType = UNSET
    suction_kpa: Value[Positive] | UnsetType = UNSET
    release: Literal["window", "film", "free-surface"] | UnsetType = UNSET
    xy: XyStage | UnsetType = UNSET


class Limits(Sourced, frozen=True, kw_only=True):
    """What the printer never exceeds in one exposure, its repeats counted, nor where the exposures of a layer add up in a pixel.

    Attributes
    ----------
    max_exposure_s : Value of float
        Longest exposure.
    max_dose_mj_cm2 : Value of float
        Largest dose.
    max_power : Value of float
        Largest power setting.
    """

    max_exposure_s: Value[Positive]
    max_dose_mj_cm2: Value[Positive]
    max_power: Value[Positive]


class Printer(Strict, frozen=True, kw_only=True):
    """A projection printer, or one with a laser, schema ``pmsl.printer/1``, or ``/2`` where a key is used that came with it.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    dmd : Dmd
        The device that makes the frames.
    orientation : Orientation
        Which way frames lie.
    optics : Optics
        Pixels, wavelength, light and blur.
    stage : StageProfile
        The build plate.
    limits : Limits
        What is never exceeded.
    response : Response
        Gray level to light.
    engine_name : str, e.g. "visitech"
        What its host calls the light engine that dmd, orientation, optics and response are of. From version 2.
    engine : list of LightEngineProfile
        Further light engines, which parts may name; left out: none. From version 2.
    laser : Laser
        A laser whose spot draws layers, where that is what it has: it then prints jobs of processes with `hatch`, and the pixels are those
        that doses are added up in. From version 2.
    """

    SINCE: ClassVar[dict[str, int]] = {"engine_name": 2, "engine": 2, "laser": 2}
    NESTED: ClassVar[tuple[str, ...]] = ("dmd", "optics", "stage", "limits", "response", "engine", "laser")

    schema: Literal["pmsl.printer/1", "pmsl.printer/2"]
    name: str
    description: str
    dmd: Dmd
    orientation: Orientation = Orientation()
    optics: Optics
    stage: StageProfile
    limits: Limits
    response: Response = Response()
    engine_name: EngineName | UnsetType = UNSET
    engine: Annotated[list[LightEngineProfile], Meta(min_length=1)] | UnsetType = UNSET
    laser: Laser | UnsetType = UNSET

    @property
    def turn(self) -> Orientation:
        """How frames lie, the device's lattice included."""
        return turn_of(self.dmd, self.orientation)

    @property
    def field_px(self) -> tuple[int, int]:
        """(rows, cols) of the field: the device's own, or of a diamond lattice the square grid its mirrors are cells of."""
        turn = self.turn
        return turn.field if isinstance(turn, Diamond) else self.dmd.shape.value

    @property
    def field_map(self) -> FieldMap | None:
        """Where the points of its picture land on the plate; None where they land on a square grid."""
        return field_map_of(self.dmd, self.orientation, self.optics)

    @property
    def several(self) -> bool:
        """Whether it has more than one light engine."""
        return self.engine is not UNSET

    @property
    def engine_names(self) -> tuple[str, ...]:
        """What its light engines are called, the first one first: ``""`` where it has no name."""
        first = "" if isinstance(self.engine_name, UnsetType) else self.engine_name
        return (first, *(() if isinstance(self.engine, UnsetType) else (engine.name for engine in self.engine)))

    def of_engine(self, name: str) -> Printer:
        """Return the printer as it is with one of its light engines alone; where none is called so, with its first.

        Parameters
        ----------
        name : str
            One of `engine_names`.
        """
        if isinstance(self.engine, UnsetType):
            return self
        own = next((engine for engine in self.engine if engine.name == name), None)
        if own is None:
            return structs.replace(self, engine=UNSET)
        light = {key: getattr(own, key) for key in ("dmd", "orientation", "optics", "response")}
        return structs.replace(self, **light, engine_name=own.name, engine=UNSET)

    def engine_origin_um(self, name: str) -> tuple[float, float]:
        """Return where the lower corner of an engine's field lies in the field of the first one [µm].

        Parameters
        ----------
        name : str
            One of `engine_names`.
        """
        engines = () if isinstance(self.engine, UnsetType) else self.engine
        return next((engine.origin_um.value for engine in engines if engine.name == name), (0.0, 0.0))

    def engine_settle_s(self, name: str) -> float:
        """Return what is waited for after a change to or from an engine [s].

        Parameters
        ----------
        name : str
            One of `engine_names`.
        """
        engines = () if isinstance(self.engine, UnsetType) else self.engine
        stated = next((engine.settle_s for engine in engines if engine.name == name), UNSET)
        return 0.0 if isinstance(stated, UnsetType) else stated.value

    def unmoved(self) -> Printer:
        """Return the printer as a job of one field uses it: without what moves pictures over the plate."""
        if self.stage.xy is UNSET:
            return self
        return structs.replace(self, stage=structs.replace(self.stage, xy=UNSET))

    def __post_init__(self) -> None:
        set_schema(self)
        check_optics(self.dmd, self.orientation, self.optics)
        check_spot(self.laser, self.optics, self.several or self.dmd.lattice != "orthogonal" or self.response.kind != "linear")
        if self.several and self.engine_name is UNSET:
            raise ValueError("engine: a printer with further light engines needs engine_name, the name of its first one")
        names = [name for name in self.engine_names if name]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two light engines are called {twice!r}; give each a name of its own")
        engines = () if isinstance(self.engine, UnsetType) else self.engine
        if self.laser is not UNSET and self.optics.distortion is not UNSET:
            raise ValueError("optics.distortion is not offered for a printer with a laser: it is of pictures; leave one of the two out")
        if engines and any(optics.distortion is not UNSET for optics in (self.optics, *(engine.optics for engine in engines))):
            raise ValueError(
                "optics.distortion is not offered for a printer of several light engines; give each engine a printer of its own"
            )
