"""What a worker needs to make the layers of a job, as files in a folder that it sees: profiles, placed parts, every mesh once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import UsageError, WorkerError
from pmsl.formats.native.layer_blocks import JOB_SPEC
from pmsl.formats.protocol import BlockTarget
from pmsl.job.print_job import PrintJob
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.region import FactorName, Region
from pmsl.mesh.repair.repair import mark_repaired
from pmsl.mesh.solid import Solid
from pmsl.mesh.triangle_soup import Soup
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.setup.bit_depth import with_depth
from pmsl.profiles import Printer, Process, Resin
from pmsl.version import __version__


class SolidEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One mesh: as its file has it where `factor` makes µm of that, else µm; what it is called in messages; whether it is closed."""

    factor: float | None
    source: str
    sha256: str
    unit: str
    closed: bool


class PartEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One part: number of its solid, the fields of `Part`, and numbers of its regions."""

    solid: int
    transform: list[list[float]]
    region: str
    dose_scale: float
    label: str
    regions: list[int]


class RegionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One region: number of its solid, and the fields of `Region`."""

    solid: int
    label: str
    dose_scale: float | None
    focus_um: float | None
    power: float | None
    wait_before_s: float | None
    wait_after_s: float | None
    dilate_um: float
    factors: tuple[FactorName, ...]


class JobSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A job, and where its layers go."""

    version: str
    printer: Printer
    resin: Resin
    process: Process
    solids: list[SolidEntry]
    parts: list[PartEntry]
    regions: list[RegionEntry]
    bounds_um: list[list[float]]
    bits: int | None
    repair: str
    fields: tuple[int, int] | None
    n_layers: int
    place: BlockTarget


def store(job: PrintJob, place: BlockTarget) -> Path:
    """Write the specification of a job into its work folder; return its path.

    Raises
    ------
    UsageError
        The layers of the job come from somewhere else than parts and profiles: a file, or a function.
    """
    origin = job.layer_source.origin
    if origin is None:
        raise UsageError("the layers of this job are not made of parts and profiles, so other processes cannot make them; write it in one")
    folder = Path(place.work)
    regions = {id(region): region for part in origin.parts for region in part.regions}
    meshes = [*(part.solid for part in origin.parts), *(region.solid for region in regions.values())]
    solids = list({id(solid): solid for solid in meshes}.values())
    number = {id(solid): i for i, solid in enumerate(solids)}
    spec = JobSpec(
        version=__version__,
        printer=job.printer,
        resin=job.resin,
        process=job.process,
        solids=[_store_solid(solid, folder, i) for i, solid in enumerate(solids)],
        parts=[
            PartEntry(
                solid=number[id(p.solid)],
                transform=p.transform.tolist(),
                region=p.region,
                dose_scale=p.dose_scale,
                label=p.label,
                regions=[list(regions).index(id(region)) for region in p.regions],
            )
            for p in origin.parts
        ],
        regions=[
            RegionEntry(solid=number[id(r.solid)], **{name: getattr(r, name) for name in RegionEntry.__struct_fields__ if name != "solid"})
            for r in regions.values()
        ],
        bounds_um=origin.bounds_um.tolist(),
        bits=origin.bits,
        repair="none" if origin.repair == "none" else "auto",
        fields=origin.fields,
        n_layers=job.n_layers,
        place=place,
    )
    path = folder / JOB_SPEC
    path.write_bytes(msgspec.json.encode(spec))
    return path


def load(path: Path, mapped: bool) -> tuple[PrintJob, BlockTarget]:
    """Make the job of a specification; with `mapped` its meshes stay in the file, which processes of one machine share.

    Raises
    ------
    OSError
        It cannot be read.
    WorkerError
        It was written by another version of pmsl.
    """
    data = path.read_bytes()
    version = msgspec.json.decode(data, type=_Versioned).version
    if version != __version__:
        raise WorkerError(f"the job is made by pmsl {version}, this worker has pmsl {__version__}; install the same version everywhere")
    spec = msgspec.json.decode(data, type=JobSpec)
    solids = [_load_solid(entry, path.parent, i, mapped) for i, entry in enumerate(spec.solids)]
    regions = [Region(**{**msgspec.structs.asdict(r), "solid": solids[r.solid]}) for r in spec.regions]
    parts = tuple(
        Part(
            solid=solids[p.solid],
            transform=np.array(p.transform),
            region=p.region,
            dose_scale=p.dose_scale,
            label=p.label,
            regions=tuple(regions[i] for i in p.regions),
        )
        for p in spec.parts
    )
    placed = Placed(parts=parts, bounds_um=np.array(spec.bounds_um), how="", shift_um=None)
    job = prepare(placed, spec.printer, spec.resin, spec.process, accept_uncalibrated=True, repair=spec.repair, fields=spec.fields)
    if spec.bits is not None:
        job = with_depth(job, spec.bits)  # may leave layers out
    if job.n_layers != spec.n_layers:
        raise WorkerError(f"the job has {spec.n_layers} layers, this worker makes {job.n_layers} of it; are its packages the same?")
    return job, spec.place


class _Versioned(msgspec.Struct):
    version: str


def _store_solid(solid: Solid, folder: Path, number: int) -> SolidEntry:
    """Write the triangles of a solid."""
    vertices, faces, factor = solid.triangles()
    np.save(folder / f"vertices-{number}.npy", vertices)
    if not solid.of_file:
        np.save(folder / f"faces-{number}.npy", faces)
    known = factor if solid.of_file else None
    return SolidEntry(factor=known, source=solid.source, sha256=solid.sha256, unit=solid.unit, closed=solid.closed)


def _load_solid(entry: SolidEntry, folder: Path, number: int, mapped: bool) -> Solid:
    """Read the triangles of a solid."""

    def array(name: str) -> np.ndarray:
        read = np.load(folder / f"{name}-{number}.npy", mmap_mode="r" if mapped else None, allow_pickle=False)
        return frozen(np.asarray(read))

    facts: dict[str, Any] = {"source": entry.source, "sha256": entry.sha256, "unit": entry.unit}
    if entry.factor is not None:
        solid = Solid.of_soup(Soup(array("vertices"), entry.factor), **facts)
    else:
        solid = Solid(vertices_um=array("vertices"), faces=array("faces"), **facts)
    mark_repaired(solid, entry.closed)
    return solid
