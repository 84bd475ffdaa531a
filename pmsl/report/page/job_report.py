"""The page of a job in one file: what `pmsl.report` writes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pmsl.core.finding import Finding
from pmsl.core.mask import Window, around
from pmsl.core.parallel import default_threads
from pmsl.errors import PmslError, UsageError
from pmsl.files.output_file import check_new_file, whole_file
from pmsl.job.print_job import Estimate, PrintJob
from pmsl.report.page import job_summary
from pmsl.report.page.blocks import PageBlock, base64_text, json_text, packed
from pmsl.report.page.field_plan import field_plan
from pmsl.report.page.flat_field import flat_field_data
from pmsl.report.page.frame_store import FrameStore
from pmsl.report.page.html_page import page
from pmsl.report.page.layer_table import layer_table
from pmsl.report.page.prediction_data import PredictionData, prediction_data

FIRST_FRAMES = 4  # of which the first picture is one; they come before the code of the page
NO_LIBRARY = "Solids are not drawn: plotly, which draws them, was not installed where the page was made (pip install 'pmsl[view]')."


def write_report(
    job: PrintJob | str | Path,
    path: str | Path,
    *,
    check: bool = True,
    predict: bool = True,
    compare: bool = True,
    sections: Sequence[tuple[str, float]] = (),
    threads: int | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Write the page of a job: one HTML file that needs nothing else, the same bytes for the same job.

    Parameters
    ----------
    job : PrintJob or path
        A job, or a job folder or file of any format.
    path : str or Path
        The file to write, ``.html``; complete or absent.
    check : bool
        Also what `pmsl.check` finds in the job, beside what the job itself holds.
    predict : bool
        Also what the job prints, as `pmsl.simulate` predicts it. Without, the page has frames, doses and findings only.
    compare : bool
        Of a corrected job also what it would print without its corrections, which takes as long again.
    sections : sequence of (axis, µm)
        Cuts, ``("x", 9728.0)``; left out, one through the middle of the parts along each axis.
    threads : int, optional
        Layers made at a time (default: one a processor).
    force : bool
        Replace a file that is there.
    progress : callable, optional
        Called with (layers done, layers in all), of one walk through the layers after the other.

    Returns
    -------
    list of str
        What the page does not show, and why.

    Raises
    ------
    JobError
        A damaged job.
    UsageError
        Another suffix, a file that exists, a cut outside the part.
    OutputError
        The file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"report {path}: the name must end in .html")
    check_new_file(target, force, "report")
    if not isinstance(job, PrintJob):
        from pmsl import pipeline

        job = pipeline.read(job)
    threads = default_threads(threads)
    store = FrameStore()
    layers, estimate = layer_table(job, store, threads, progress)
    found = PredictionData()
    if predict:
        found = prediction_data(job, sections, compare, store.lit, store.overlay_bytes(), threads, progress)
    if check:
        _add_checks(found, job, threads, progress)
    facts, flat = page_facts(job, found, layers, store.windows, estimate)
    facts["frames"] = [list(window) for window in store.windows]
    frames = [PageBlock(f"frame-{i}", base64_text(data)) for i, data in enumerate(store.data)]
    library = drawing_library() if found.facts.get("solids") else None
    facts["solids_drawn"] = library is not None
    if library is None and found.facts.get("solids"):
        facts["notes"].append(NO_LIBRARY)
    first = [PageBlock("page-data", json_text(facts)), *flat, *_first_shown(frames, facts)]
    known = {block.name for block in first}
    rest = [block for block in frames if block.name not in known] + found.blocks
    if library is not None:
        rest.append(library_block(library))
    _write(target, page(f"{job_summary.title_of(job)} – pmsl", first, rest, library))
    return list(facts["notes"])


def page_facts(
    job: PrintJob, found: PredictionData, layers: list[dict[str, Any]], windows: Sequence[Window], estimate: Estimate | None
) -> tuple[dict[str, Any], list[PageBlock]]:
    """Return all a page says of a job but its frames, ready for JSON, and the flat field's block."""
    flat, blocks = flat_field_data(job)
    notes = list(found.notes)
    doses = job_summary.dose_facts(job, flat)
    if doses is None:
        notes.insert(0, job_summary.DRAWN_DOSES if job.drawn else job_summary.UNKNOWN_DOSES)
    if not job.parts and job_summary.NO_DESIGN not in notes:
        notes.append(job_summary.NO_DESIGN)
    facts = {
        "title": job_summary.title_of(job),
        "summary": job_summary.summary(job, estimate),
        "engines": job_summary.engine_facts(job),
        "z_edges_um": job.grid.z_edges_um.tolist(),
        "layers": layers,
        "first_layer": _first_layer(layers),
        "extent_um": extent_um(job, windows),
        **({} if (fields := field_plan(job)) is None else {"fields": fields}),
        **({"lines": lines_address(job)} if job.drawn else {}),
        "doses": doses,
        "findings": job_summary.finding_facts(_without_doubles((*job.findings, *found.findings))),
        "provenance": job_summary.provenance_facts(job),
        "profiles": job_summary.profile_facts(job),
        "notes": notes,
        **found.facts,
    }
    return facts, blocks


def lines_address(job: PrintJob) -> str:
    """Return the picture of what a laser draws in some layers, as a ``data:`` address."""
    from pmsl.report.line_picture import line_picture  # few jobs are drawn

    made = BytesIO()
    line_picture(job).save(made, "PNG")
    return "data:image/png;base64," + base64_text(made.getvalue()).decode("ascii")


def extent_um(job: PrintJob, windows: Sequence[Window]) -> list[float] | None:
    """Return the rectangle around all parts, of none around all light: x, y of its lower and of its upper corner [µm]."""
    if job.parts:
        low = [min(part.bounds_um[0][i] for part in job.parts) for i in (0, 1)]
        return [*low, *(max(part.bounds_um[1][i] for part in job.parts) for i in (0, 1))]
    lit, grid = around(windows), job.engines[0].grid
    if not lit.rows:
        return None
    first = grid.origin_um + grid.pitch_um * (lit.col0, lit.row0)
    return [*first.tolist(), *(first + grid.pitch_um * (lit.cols, lit.rows)).tolist()]


def _add_checks(found: PredictionData, job: PrintJob, threads: int, progress: Callable[[int, int], None] | None) -> None:
    """Add what checks find; where they cannot look, a note says why."""
    from pmsl import pipeline

    try:
        found.findings = (*pipeline.check(job, threads=threads, progress=progress), *found.findings)
    except PmslError as err:
        found.notes.append(f"Not checked: {err}")


def _without_doubles(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings without those that say the same of the same place as one before."""
    return tuple({(f.code, f.layers, f.box_um, f.message): f for f in reversed(findings)}.values())[::-1]


def _first_layer(layers: Sequence[dict[str, Any]]) -> int:
    """Return the layer a page shows first: the middle one of those with light on half of the largest area and more."""
    least = 0.5 * max((layer["area_um2"] for layer in layers), default=0.0)
    large = [k for k, layer in enumerate(layers) if layer["exposures"] and layer["area_um2"] >= least]
    return large[len(large) // 2] if large else 0


def _first_shown(frames: list[PageBlock], facts: dict[str, Any]) -> list[PageBlock]:
    shown = facts["layers"][facts["first_layer"]]["exposures"][:FIRST_FRAMES] if facts["layers"] else []
    return [frames[number] for number in dict.fromkeys(e["frame"] for e in shown)]


@cache
def drawing_library() -> str | None:
    """Return the script that draws solids, which the package plotly ships; None where that is not installed."""
    found = importlib.util.find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return file.read_text(encoding="utf-8") if file.is_file() else None


@cache
def library_block(library: str) -> PageBlock:
    """Return the script that draws solids as a page stores it."""
    return PageBlock("library", base64_text(packed(library.encode())))


def _write(target: Path, parts: Iterator[bytes]) -> None:
    with whole_file(target, "the page ") as draft, open(draft, "wb") as file:
        file.writelines(parts)
