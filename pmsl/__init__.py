"""pmsl: meshes to light. Exact gray masks, dose maps and print jobs for projection micro-stereolithography.

Names resolve on first use, so that ``import pmsl`` loads neither the compiler nor the mesh library.
Lengths µm, time s, irradiance mW/cm², dose mJ/cm²; arrays are [layer, row, col] with row ↔ +y and col ↔ +x.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pmsl.later import later
from pmsl.version import __version__

if TYPE_CHECKING:
    from pmsl.core.contours import Contours
    from pmsl.core.finding import Finding
    from pmsl.core.grid import Grid
    from pmsl.core.mask import LayerMask
    from pmsl.errors import PmslError
    from pmsl.exposure import dose_map
    from pmsl.job.dose_map import DoseMap
    from pmsl.job.layer_plan import Exposure, LayerPlan
    from pmsl.job.layer_vectors import vectors
    from pmsl.job.print_job import PrintJob
    from pmsl.masks import layer_masks
    from pmsl.mesh import load_solid
    from pmsl.mesh.part import Part
    from pmsl.mesh.placing.copies import Copy
    from pmsl.mesh.region import Region
    from pmsl.mesh.solid import Solid
    from pmsl.pipeline import check, pack, place_copies, prepare, read, verify, write
    from pmsl.pipeline import place_for as place
    from pmsl.pipeline.two_photon import prepare_two_photon
    from pmsl.predict import simulate
    from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin
    from pmsl.report.difference.job_diff import diff
    from pmsl.slicing import slice_contours

_HOMES = {
    "Contours": "pmsl.core.contours",
    "Copy": "pmsl.mesh.placing.copies",
    "DoseMap": "pmsl.job.dose_map",
    "Exposure": "pmsl.job.layer_plan",
    "Finding": "pmsl.core.finding",
    "Grid": "pmsl.core.grid",
    "LayerMask": "pmsl.core.mask",
    "LayerPlan": "pmsl.job.layer_plan",
    "Part": "pmsl.mesh.part",
    "PmslError": "pmsl.errors",
    "PrintJob": "pmsl.job.print_job",
    "Printer": "pmsl.profiles",
    "Process": "pmsl.profiles",
    "Region": "pmsl.mesh.region",
    "Resin": "pmsl.profiles",
    "Solid": "pmsl.mesh.solid",
    "check": "pmsl.pipeline",
    "diff": "pmsl.report.difference.job_diff",
    "dose_map": "pmsl.exposure",
    "find_printer": "pmsl.profiles",
    "find_process": "pmsl.profiles",
    "find_resin": "pmsl.profiles",
    "layer_masks": "pmsl.masks",
    "load_solid": "pmsl.mesh",
    "pack": "pmsl.pipeline",
    "place": "pmsl.pipeline:place_for",
    "place_copies": "pmsl.pipeline",
    "prepare": "pmsl.pipeline",
    "prepare_two_photon": "pmsl.pipeline.two_photon",
    "read": "pmsl.pipeline",
    "simulate": "pmsl.predict",
    "slice_contours": "pmsl.slicing",
    "vectors": "pmsl.job.layer_vectors",
    "verify": "pmsl.pipeline",
    "write": "pmsl.pipeline",
}
_PACKAGES = (
    "batch",
    "checks",
    "core",
    "correct",
    "cure",
    "errors",
    "exposure",
    "files",
    "formats",
    "host",
    "job",
    "kernels",
    "masks",
    "mesh",
    "optics",
    "pipeline",
    "predict",
    "profiles",
    "report",
    "slicing",
    "workers",
)

__all__ = [
    "Contours",
    "Copy",
    "DoseMap",
    "Exposure",
    "Finding",
    "Grid",
    "LayerMask",
    "LayerPlan",
    "Part",
    "PmslError",
    "PrintJob",
    "Printer",
    "Process",
    "Region",
    "Resin",
    "Solid",
    "check",
    "diff",
    "dose_map",
    "find_printer",
    "find_process",
    "find_resin",
    "layer_masks",
    "load_solid",
    "pack",
    "place",
    "place_copies",
    "prepare",
    "prepare_two_photon",
    "read",
    "simulate",
    "slice_contours",
    "vectors",
    "verify",
    "write",
    "__version__",
]


_named, _ = later(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    return import_module(f"pmsl.{name}") if name in _PACKAGES else _named(name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_PACKAGES])
