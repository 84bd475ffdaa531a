"""The prediction of a page: what the job prints, held against its design where there is one, before corrections and after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import Window
from pmsl.cure import CureModel
from pmsl.errors import PmslError, UsageError
from pmsl.job.print_job import PrintJob
from pmsl.mesh.part import Part
from pmsl.predict import Prediction, simulate
from pmsl.predict.cross_section import Section
from pmsl.predict.measure.comparison import cure_sum
from pmsl.report.page.blocks import PageBlock
from pmsl.report.page.job_summary import NO_DESIGN, UNKNOWN_DOSES
from pmsl.report.page.layer_table import doses_known
from pmsl.report.page.predicted_layers import PredictedLayers
from pmsl.report.page.section_data import section_data
from pmsl.report.page.solid_meshes import Mesh, design_mesh, mesh_data, volume_mesh

Progress = Callable[[int, int], None]
ROOM_PX = 24  # around what is lit, where no design says how far light may reach


@dataclass(slots=True)
class PredictionData:
    """What a page says of a prediction: `facts` for JSON, `blocks` of numbers, `findings`, and `notes` of what is not there.

    `most_bytes` is what pictures of its layers may take, deflated.
    """

    most_bytes: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    blocks: list[PageBlock] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    notes: list[str] = field(default_factory=list)


def prediction_data(
    job: PrintJob,
    sections: Sequence[tuple[str, float]],
    compare: bool,
    lit: Window,
    most_bytes: int,
    threads: int,
    progress: Progress | None,
) -> PredictionData:
    """Predict a job for its page.

    Parameters
    ----------
    job : PrintJob
    sections : sequence of (axis, µm)
        Cuts; none are those through the middle of the parts.
    compare : bool
        Also predict a corrected job without its corrections.
    lit : Window
        Around all frames of the job: what is predicted of a job without a design.
    most_bytes : int
        What pictures of layers may take, deflated.
    threads : int
    progress : callable, optional
        Called with (layers done, layers in all).

    Raises
    ------
    UsageError
        A cut that lies outside the part, or of a job that is not predicted.
    """
    data = PredictionData(most_bytes=most_bytes)
    if not doses_known(job):
        data.notes.append(UNKNOWN_DOSES + " So nothing is predicted.")
    else:
        try:
            parts = job.design
            if parts:
                _compared(data, job, parts, sections, compare, threads, progress)
            else:
                data.notes.append(NO_DESIGN)
                _cured_only(data, job, lit, progress)
        except UsageError:
            raise
        except PmslError as err:
            data.notes.append(f"Not predicted: {err}")
    if sections and "sections" not in data.facts:
        raise UsageError(f"--section: nothing is cut, for {' '.join(data.notes)}")
    return data


def _compared(
    data: PredictionData,
    job: PrintJob,
    parts: tuple[Part, ...],
    sections: Sequence[tuple[str, float]],
    compare: bool,
    threads: int,
    progress: Progress | None,
) -> None:
    """Predict, and hold against the design."""
    cuts = [Section(job.grid, "x" if axis == "x" else "y", at) for axis, at in sections or _middle(parts)]
    taken: list[PredictedLayers] = []

    def collect(seen: Any) -> None:
        if not taken:
            taken.append(PredictedLayers(job, seen.window, with_design=True))
        taken[0](seen)

    found = simulate(job, parts, watch=[*cuts, collect], progress=progress, threads=threads)
    data.findings = found.findings
    data.facts["prediction"] = _numbers(found)
    _put_layers(data, taken[0])
    _put_sections(data, job, cuts, "section")
    _put_meshes(data, taken[0], design_mesh(parts))
    if compare and job.process.corrections:
        _put_before(data, job, parts, sections, threads, progress)


def _put_before(
    data: PredictionData,
    job: PrintJob,
    parts: tuple[Part, ...],
    sections: Sequence[tuple[str, float]],
    threads: int,
    progress: Progress | None,
) -> None:
    """Predict the same parts without corrections."""
    from pmsl import pipeline

    try:
        plain = msgspec.structs.replace(job.process, corrections=())
        before = pipeline.prepare(parts, job.printer, job.resin, plain, accept_uncalibrated=True)
        cuts = [Section(before.grid, "x" if axis == "x" else "y", at) for axis, at in sections or _middle(parts)]
        found = simulate(before, parts, watch=cuts, progress=progress, threads=threads)
    except PmslError as err:
        data.notes.append(f"Without corrections nothing is predicted: {err}")
        return
    data.facts["before"] = _numbers(found)
    _put_sections(data, before, cuts, "before-section")


def _cured_only(data: PredictionData, job: PrintJob, lit: Window, progress: Progress | None) -> None:
    """Predict what is cured, with nothing to hold it against."""
    rows, cols = job.grid.shape
    row0, col0 = max(lit.row0 - ROOM_PX, 0), max(lit.col0 - ROOM_PX, 0)
    window = Window(row0, col0, min(lit.row0 + lit.rows + ROOM_PX, rows) - row0, min(lit.col0 + lit.cols + ROOM_PX, cols) - col0)
    taken, cure = PredictedLayers(job, window, with_design=False), cure_sum(job, window, ahead=1)
    for n, k in enumerate(range(job.n_layers - 1, -1, -1), start=1):
        taken.add(cure.add(job.bare(k)), None)
        if progress is not None:
            progress(n, job.n_layers)
    _put_layers(data, taken)
    _put_meshes(data, taken, None)


def _middle(parts: Sequence[Part]) -> list[tuple[str, float]]:
    boxes = np.array([part.bounds_um() for part in parts])
    middle = 0.5 * (boxes[:, 0].min(axis=0) + boxes[:, 1].max(axis=0))
    return [("x", float(middle[0])), ("y", float(middle[1]))]


def _put_layers(data: PredictionData, taken: PredictedLayers) -> None:
    taken.finish(data.most_bytes)
    data.facts["cured"] = taken.facts()
    data.blocks += taken.blocks()


def _put_sections(data: PredictionData, job: PrintJob, cuts: Sequence[Section], name: str) -> None:
    threshold = CureModel.of(job.resin).threshold_mj_cm2
    data.facts["threshold_mj_cm2"] = threshold
    made = [section_data(cut, f"{name}-{i}", threshold) for i, cut in enumerate(cuts)]
    data.facts[f"{name}s"] = [facts for facts, _ in made]
    data.blocks += [block for _, blocks in made for block in blocks]


def _put_meshes(data: PredictionData, taken: PredictedLayers, design: Mesh | None) -> None:
    if design is None and taken.with_design:
        design = volume_mesh(taken.designed, taken, taken.job.grid)
    predicted = volume_mesh(taken.cured, taken, taken.job.grid)
    data.facts["solids"] = []
    for name, mesh in (("design", design), ("predicted", predicted)):
        if mesh is not None:
            facts, blocks = mesh_data(f"solid-{name}", mesh)
            data.facts["solids"].append(facts | {"label": name})
            data.blocks += blocks


def _numbers(found: Prediction) -> dict[str, Any]:
    """Return the numbers of a prediction that a page sets side by side."""
    plain = found.as_dict()
    return {key: plain[key] for key in ("predicted", "iou", "volume_um3", "epe_um", "z_error_um", "openings")} | {"lost": len(found.lost)}
