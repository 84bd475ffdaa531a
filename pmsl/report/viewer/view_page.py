"""The page that a viewer serves: that of a report, without what has to be worked out first."""

from __future__ import annotations

from pmsl.job.print_job import PrintJob
from pmsl.report.page import job_summary
from pmsl.report.page.blocks import PageBlock, json_text
from pmsl.report.page.html_page import page
from pmsl.report.page.job_report import drawing_library, library_block, page_facts
from pmsl.report.page.prediction_data import PredictionData
from pmsl.report.page.solid_meshes import design_mesh, mesh_data
from pmsl.report.viewer.served_job import TILE_PX

NOT_PREDICTED = "Frames are made as they are looked at; what the job prints is predicted by pmsl report."


def view_page(job: PrintJob) -> bytes:
    """Return the page of a job as it is served: layers come on demand, nothing is predicted."""
    shown = PredictionData(notes=[NOT_PREDICTED])
    design, library = design_mesh(job.design), drawing_library()
    if design is not None and library is not None:
        mesh, shown.blocks = mesh_data("solid-design", design)
        shown.facts["solids"] = [mesh | {"label": "design"}]
    facts, first = page_facts(job, shown, [], (), job.known_estimate)
    facts |= {"layers": None, "first_layer": job.n_layers // 2, "tile_px": TILE_PX, "solids_drawn": bool(shown.blocks)}
    rest = list(shown.blocks)
    if rest and library is not None:
        rest.append(library_block(library))
    title = f"{job_summary.title_of(job)} – pmsl"
    return b"".join(page(title, [PageBlock("page-data", json_text(facts)), *first], rest, library if rest else None, "'self'"))
