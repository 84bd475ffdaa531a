"""A job read from a file that holds less than a job: placeholders stand in for what it does not say, and findings list them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError
from pmsl.formats.container import read_limits
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, Engine, Estimate, PrintJob, Provenance
from pmsl.job.techniques import Relift, Squeeze, Vacuum, in_turn
from pmsl.profiles import Motion, MotionSchedule, Printer, Process, Resin
from pmsl.profiles.printer import Dmd, LightSetting, Limits, Optics, Orientation, Psf, StageProfile
from pmsl.profiles.resin import Material
from pmsl.profiles.tables.strict_struct import Value
from pmsl.version import __version__

ALWAYS = ("irradiance", "point spread", "penetration depth Dp", "critical dose Ec", "placed parts")
PLACEHOLDERS = ("printer.optics.irradiance_mw_cm2", "printer.optics.psf.sigma", "resin.dp_um", "resin.ec_mj_cm2")
PITCH = "printer.optics.pitch_um"  # a placeholder too where neither the file nor anybody else says it
WAVELENGTH = "printer.optics.wavelength_nm"  # likewise
WAVELENGTH_NM = 405.0  # stands in for one that nobody says
UNSAID = "not in the "  # what the source of a value begins with that a file does not say; jobs made of such files keep it
GUESS_MW_CM2 = 1.0  # irradiance of the strongest light setting where nobody knows it: doses read as seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FileExposure:
    """One exposure as a file gives it: everything but its mask; `power` in the file's own units."""

    time_s: float
    power: float = 1.0
    offset_um: tuple[float, float] = (0.0, 0.0)
    focus_um: float = 0.0
    repeat: int = 1
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0
    engine: int = 0
    relift: Relift | None = None
    film_lift_um: float | None = None
    flat_field_by_host: bool | None = None


def grid_of(where: str, *, pitch_um: Any, shape: tuple[int, int], z_edges_um: Any, origin_um: Any = (0.0, 0.0)) -> Grid:
    """Make the grid a file says; raises `JobError` where its numbers make none."""
    try:
        return Grid(origin_um=origin_um, pitch_um=pitch_um, shape=shape, z_edges_um=z_edges_um)
    except GridError as err:
        raise JobError(f"{where}: {err}; the file is damaged, copy or slice it again") from err


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a file says beside its layers; what is None it does not say.

    `grid`, `orientation`, `wavelength_nm` and `engine_name` are of its first light engine, `more_engines` are the others. Powers are
    shares of `full_power`, the full setting in the host's own numbers; where it is None the file states no powers. Where
    `pitch_known` is False the pitch of some grid only stands in for one that nobody said; `pitch_source` is who said it but the file.
    """

    format: str
    file: str
    grid: Grid
    orientation: Orientation
    printer: str | None = None
    resin: str | None = None
    process: str | None = None
    wavelength_nm: float | None = None
    motion: Motion | None = None
    resin_ml: float | None = None
    findings: tuple[Finding, ...] = ()
    engine_name: str = ""
    more_engines: tuple[Engine, ...] = ()
    pitch_known: bool = True
    pitch_source: str = "the file"
    requires: tuple[str, ...] = ()
    vacuum: Vacuum | None = None
    texts: dict[str, str] | None = None
    full_power: float | None = None


def job(
    facts: FileFacts,
    shown: Sequence[Sequence[FileExposure]],
    mask_of: Callable[[int, int], LayerMask],
    motion_of: Callable[[int], Motion] | None = None,
    squeeze_of: Callable[[int], Squeeze | None] = lambda k: None,
    relift_of: Callable[[int], Relift | None] = lambda k: None,
) -> PrintJob:
    """Make the job of a file.

    Parameters
    ----------
    facts : FileFacts
    shown : sequence of sequence of FileExposure
        The exposures of every layer, as many as `facts.grid` has slabs.
    mask_of : callable
        Decodes the mask of exposure j of layer k, ``mask_of(k, j)``; a black one is no exposure.
    motion_of : callable, optional
        The motion before layer k; left out, `facts.motion` for all.
    squeeze_of : callable, optional
        What the plate does after it; left out, nothing.
    relift_of : callable, optional
        What it does after the exposures; left out, nothing.

    Returns
    -------
    PrintJob
        Not calibrated. Doses are relative: the strongest light setting counts as `GUESS_MW_CM2`.

    Raises
    ------
    JobError
        Frames larger than are read.
    """
    wavelength = facts.wavelength_nm or WAVELENGTH_NM
    unknown = [key for key, known in ((PITCH, facts.pitch_known), (WAVELENGTH, facts.wavelength_nm is not None)) if not known]
    engines = _engines(facts, wavelength)
    powers = sorted({e.power for layer in shown for e in layer}) or [1.0]
    light = {p: GUESS_MW_CM2 * p / powers[-1] for p in powers}
    motion = facts.motion or Motion()
    guess = f"{UNSAID}{facts.format} file"

    def plan_layer(k: int) -> LayerPlan:
        exposures, relift = _lit([_exposure(e, mask_of(k, j), light) for j, e in enumerate(shown[k])])
        return LayerPlan(
            index=k,
            z_top_um=float(facts.grid.z_edges_um[k + 1]),
            thickness_um=float(facts.grid.thickness_um[k]),
            motion=motion if motion_of is None else motion_of(k),
            exposures=tuple(exposures),
            squeeze=squeeze_of(k),
            relift_after=in_turn(relift, relift_of(k)),
        )

    longest = max((sum(e.repeat * e.time_s for e in layer) for layer in shown if layer), default=1.0)
    texts: Any = facts.texts or UNSET
    made = PrintJob(
        engines=engines,
        printer=_printer(facts, light, longest, wavelength, guess),
        resin=_resin(facts, wavelength, guess),
        process=_process(facts, motion),
        provenance=Provenance(version=__version__, inputs=(), placement=f"read from a {facts.format} file", texts=texts),
        parts=(),
        n_layers=facts.grid.n_layers,
        plan_layer=plan_layer,
        findings=(*facts.findings, _partial(facts)),
        placeholders=(*PLACEHOLDERS, *unknown),
        requires=facts.requires,
        vacuum=facts.vacuum,
    )
    made.prepared["exposures_of"] = lambda k: [e.repeat * e.time_s for e in shown[k]]
    made.prepared["full_power"] = facts.full_power
    made.prepared["motion_known"] = facts.motion is not None or motion_of is not None
    if facts.resin_ml is None:
        return made
    moves = (motion if motion_of is None else motion_of(k) for k in range(len(shown)))
    return _with_estimate(made, facts.resin_ml, sum(m.duration_s for m in moves), shown)


def unsaid(value: Value[float]) -> bool:
    """Tell whether a value only stands in for one that the file of a job does not say.

    Parameters
    ----------
    value : Value
    """
    return value.source.startswith(UNSAID)


def _engines(facts: FileFacts, wavelength_nm: float) -> tuple[Engine, ...]:
    """Return the light engines of a file; raises `JobError` where frames are larger than are read."""
    first = Engine(grid=facts.grid, wavelength_nm=wavelength_nm, orientation=facts.orientation, name=facts.engine_name)
    engines = (first, *facts.more_engines)
    for engine in engines:
        read_limits.check_frame(engine.grid.shape, engine.orientation.row[1] == "x", facts.file)
    return engines


def _with_estimate(made: PrintJob, resin_ml: float, moving_s: float, shown: Sequence[Sequence[FileExposure]]) -> PrintJob:
    """Return the job with what it costs: the resin its file states, and the time that moves and exposures take."""
    time_s = moving_s + sum(e.repeat * (e.wait_before_s + e.time_s + e.wait_after_s) for layer in shown for e in layer)
    known = replace(made, known_estimate=Estimate(print_time_s=time_s, resin_ml=resin_ml))
    known.prepared.update(made.prepared)
    return known


def _exposure(e: FileExposure, mask: LayerMask, light: dict[float, float]) -> Exposure:
    return Exposure(
        mask=mask,
        time_s=e.time_s,
        dose_mj_cm2=e.time_s * light[e.power],
        power=e.power,
        offset_um=e.offset_um,
        focus_um=e.focus_um,
        repeat=e.repeat,
        wait_before_s=e.wait_before_s,
        wait_after_s=e.wait_after_s,
        engine=e.engine,
        relift=e.relift,
        film_lift_um=e.film_lift_um,
        flat_field_by_host=e.flat_field_by_host,
    )


def _lit(exposures: list[Exposure]) -> tuple[list[Exposure], Relift | None]:
    """Leave out exposures without light; what the plate does before one, and its waits, go to its neighbour.

    Also returned is what it does after the last with light.
    """
    lit: list[Exposure] = []
    wait_s: float = 0.0
    relift: Relift | None = None
    for e in exposures:
        dark_s = e.repeat * (e.wait_before_s + e.wait_after_s)
        if not e.mask.black_at_8_bit:
            if wait_s or relift is not None:
                first = e if e.repeat == 1 or not wait_s else replace(e, repeat=1)
                lit.append(replace(first, wait_before_s=first.wait_before_s + wait_s, relift=in_turn(relift, e.relift)))
                if first is not e:
                    lit.append(replace(e, repeat=e.repeat - 1, relift=None))
            else:
                lit.append(e)
            wait_s, relift = 0.0, None
        elif lit and e.relift is None and relift is None and lit[-1].repeat == 1:
            lit[-1] = replace(lit[-1], wait_after_s=lit[-1].wait_after_s + dark_s)
        else:
            wait_s, relift = wait_s + dark_s, in_turn(relift, e.relift)
    if relift is not None and wait_s:
        settled = msgspec.structs.replace(relift.motion, settle_s=round(relift.motion.settle_s + wait_s, 9))
        relift = msgspec.structs.replace(relift, motion=settled)
    return lit, relift


def _printer(facts: FileFacts, light: dict[float, float], longest_s: float, wavelength_nm: float, guess: str) -> Printer:
    grid = facts.grid
    pitch = (float(grid.pitch_um[0]), float(grid.pitch_um[1]))
    strongest = max(light)
    said = facts.pitch_source if facts.pitch_known else guess
    return Printer(
        schema="pmsl.printer/1",
        name=facts.printer or f"unknown, of a {facts.format} file",
        description=f"What a {facts.format} file says of its printer",
        dmd=Dmd(chip="unknown", shape=Value(value=grid.shape, class_="published", source="the file")),
        orientation=facts.orientation,
        optics=Optics(
            pitch_um=Value(value=pitch, class_="published" if facts.pitch_known else "placeholder", source=said),
            wavelength_nm=Value(
                value=wavelength_nm,
                class_="placeholder" if facts.wavelength_nm is None else "published",
                source=guess if facts.wavelength_nm is None else "the file",
            ),
            settings=[
                LightSetting(power=p, irradiance_mw_cm2=Value(value=light[p], class_="placeholder", source=guess))
                for p in sorted(light, reverse=True)
            ],
            psf=Psf(sigma_um=Value(value=min(pitch) / 100, class_="placeholder", source=guess)),
        ),
        stage=StageProfile(travel_um=Value(value=float(grid.z_edges_um[-1]), class_="placeholder", source=guess)),
        limits=Limits(
            max_exposure_s=Value(value=longest_s, class_="placeholder", source="the longest in the file"),
            max_dose_mj_cm2=Value(value=longest_s * GUESS_MW_CM2, class_="placeholder", source="the largest in the file"),
            max_power=Value(value=strongest, class_="placeholder", source="the highest in the file"),
        ),
    )


def _resin(facts: FileFacts, wavelength_nm: float, guess: str) -> Resin:
    return Resin(
        schema="pmsl.resin/1",
        name=facts.resin or f"unknown, of a {facts.format} file",
        description=f"What a {facts.format} file says of its resin",
        resin=Material(
            wavelength_nm=Value(value=wavelength_nm, class_="placeholder", source=guess),
            dp_um=Value(value=100.0, class_="placeholder", source=guess),
            ec_mj_cm2=Value(value=1.0, class_="placeholder", source=guess),
            shrinkage=Value(value=(0.0, 0.0, 0.0), class_="placeholder", source=guess),
        ),
    )


def _process(facts: FileFacts, motion: Motion) -> Process:
    heights = [(len(list(same)), h) for h, same in itertools.groupby(round(h, 9) for h in facts.grid.thickness_um.tolist())]
    by_host: dict[str, Any] = {"corrections": ("flatfield",), "flat_field": "delegated"} if FLAT_FIELD_BY_HOST in facts.requires else {}
    return Process(
        schema="pmsl.process/1",
        name=facts.process or f"of a {facts.format} file",
        description=f"What a {facts.format} file says of the process",
        layer_um=heights[-1][1],
        layers=heights,
        bottom_dose_factors=(),
        motion=MotionSchedule.of(motion),
        **by_host,
    )


def _partial(facts: FileFacts) -> Finding:
    named = {"resin name": facts.resin, "wavelength": facts.wavelength_nm, "motion": facts.motion}
    always = ALWAYS if facts.pitch_known else ("pixel pitch", *ALWAYS)
    missing = ", ".join([*always, *(what for what, value in named.items() if value is None)])
    return Finding(
        code="partial-file",
        severity="warning",
        message=f"{facts.file}: {facts.format} files do not say {missing}; placeholders stand in their place, doses are relative",
    )
