"""PrintJob → plate file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.formats.adapt import adapt
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.container import layer_writer, zip_of_frames
from pmsl.formats.frames import png_write
from pmsl.formats.frames.thumbnail import Thumbnail
from pmsl.formats.nanodlp import tables
from pmsl.formats.nanodlp.tables import NanoDlpTimes, Table
from pmsl.formats.protocol import Format, WriteOptions, Written
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob

CAPABILITY = Capability(
    multi_exposure=False,
    exposure_min_s=1e-3,
    needs_thumbnail=True,
    name_rules="ends in .nanodlp or .zip",
    holds=frozenset({"lift"}),
)
PREVIEW = (200, 100)


def write(format: Format, job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job; raises `TargetError` where a plate cannot hold it."""
    fitted = adapt.fit(job, CAPABILITY, format.name, options)
    engine, preview = fitted.engines[0], Thumbnail(fitted)
    times, infos = np.full(fitted.n_layers, np.nan), list[Table]()
    with zip_of_frames.archive(format, path, options) as add:

        def make(plan: LayerPlan) -> tuple[bytes, Table]:
            mask = plan.exposures[0].mask if plan.exposures else zip_of_frames.black(engine.grid.shape, plan.index)
            info = tables.layer_info(mask, engine.orientation, engine.grid.pixel_um2)
            return zip_of_frames.only_frame(plan, engine.grid.shape, engine.orientation, options.small), info

        def store(plan: LayerPlan, made: tuple[bytes, Table]) -> None:
            add(f"{plan.index + 1}.png", made[0])
            infos.append(made[1])
            if plan.exposures:
                times[plan.index] = plan.exposures[0].time_s
                preview.add(plan.index, plan.exposures[0].mask)

        written = layer_writer.written(fitted, options, make, store, lambda: _notes(_times(times), fitted))
        found, box = _times(times), _box(fitted, infos)
        settings = tables.options(fitted, found, box, PREVIEW)
        written_tables: dict[str, object] = {
            tables.META: tables.meta(),
            tables.PLATE: tables.plate(fitted, written, found, box),
            tables.PROFILE: tables.profile(fitted, found),
            tables.INFO: infos,
            **dict.fromkeys(tables.OPTIONS, settings),
        }
        for name, table in written_tables.items():
            add(name, msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
        add(tables.PREVIEW, png_write.encode_colour(preview.picture(*PREVIEW)))
    return written


def _times(wanted: np.ndarray) -> NanoDlpTimes:
    """Return the times of the first and the other layers; one for each where two do not do."""
    lit = wanted[np.isfinite(wanted)]
    if not lit.size:
        return NanoDlpTimes(0, 1.0, 1.0)
    first, rest = float(lit[0]), float(lit[-1])
    others = np.flatnonzero(np.isfinite(wanted) & (np.abs(wanted - first) > 1e-9))
    n_first = int(others[0]) if others.size else 0
    if np.abs(lit[np.count_nonzero(np.isfinite(wanted[:n_first])) :] - rest).max() <= 1e-9:
        return NanoDlpTimes(n_first, first, rest)
    return NanoDlpTimes(n_first, first, rest, [tables.plain(t) for t in np.where(np.isfinite(wanted), wanted, rest).tolist()])


def _notes(times: NanoDlpTimes, job: PrintJob) -> list[Finding]:
    """Say what only some versions of the host are known to follow."""
    heights = job.grid.thickness_um
    arrays = [name for name, used in (("CureTimes", times.each_s), ("DynamicThickness", np.ptp(heights) > 1e-6)) if used]
    if not arrays:
        return []
    message = f"the plate lists {' and '.join(arrays)} for every layer, which the host's manual does not describe: watch the first layers"
    return [Finding(code="layer-lists", severity="warning", message=message)]


def _box(job: PrintJob, infos: list[Table]) -> tuple[float, ...]:
    """Return x, y, z low and high of what is lit [mm], seen as frames are, from the middle of the field."""
    lit = [i for i in infos if i["AreaCount"]]
    top = float(job.grid.z_edges_um[-1]) / 1000
    if not lit:
        return (0.0, 0.0, 0.0, 0.0, 0.0, top)
    engine = job.engines[0]
    upright = engine.orientation.row[1] == "y"
    size = engine.grid.size_um if upright else engine.grid.size_um[::-1]
    pitch = engine.grid.pitch_um if upright else engine.grid.pitch_um[::-1]
    out: list[float] = []
    for axis, name in enumerate("XY"):
        low, high = min(i[f"Min{name}"] for i in lit), max(i[f"Max{name}"] for i in lit) + 1
        out += [round((v * float(pitch[axis]) - float(size[axis]) / 2) / 1000, 9) for v in (low, high)]
    return (*out, 0.0, top)
