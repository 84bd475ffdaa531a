"""PrintJob → native job on disk: the files of a layer with its entry in job.json, the parts, job.json itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import msgspec

from pmsl.core.finding import RecordedFinding
from pmsl.errors import ExposureError
from pmsl.formats.container import layer_writer
from pmsl.formats.container.atomic_write import whole_or_absent
from pmsl.formats.container.containers import FolderSink, FolderSource, Sink, ZipSink, ZipSource, check_written
from pmsl.formats.frames import png_write
from pmsl.formats.native import design_ply, dose_tiff, drawing_file, job_json
from pmsl.formats.native.drawing_file import DrawingDoc
from pmsl.formats.native.job_json import (
    ASKED,
    PLAIN,
    DesignDoc,
    Document,
    EngineDoc,
    ExposureDoc,
    GridDoc,
    LayerDoc,
    OrientationDoc,
    with_facts,
)
from pmsl.formats.native.layer_blocks import asked, gather
from pmsl.formats.protocol import WriteOptions, Written
from pmsl.job.consistency import JobCheck
from pmsl.job.drawing import Drawing
from pmsl.job.layer_facts import FactsOfLayers, Measured, measured, with_checks
from pmsl.job.layer_plan import LayerFacts, LayerPlan
from pmsl.job.print_job import Engine, Estimate, PrintJob
from pmsl.mesh.alike import alike
from pmsl.profiles.printer import Diamond
from pmsl.profiles.release import recorded

TOGETHER = 64  # frames encoded at once


def write(job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job as a folder, or as a zip where `path` ends in ``.zip``; complete or absent.

    Raises
    ------
    UsageError, OutputError
        The target exists, or cannot be written.
    ExposureError
        Numbers that do not fit each other or the printer, which no reader would take.
    JobError
        A profile with a value that is none.
    """
    _check_head(job)
    as_zip = path.suffix.lower() == ".zip"
    with whole_or_absent(path, options.force, folder=not as_zip) as draft:
        sink: Sink = ZipSink(draft) if as_zip else FolderSink(draft)
        hashes: dict[str, str] = {}

        def store(name: str, data: bytes | bytearray) -> str:
            sink.add(name, data)
            hashes[name] = hashlib.sha256(data).hexdigest()
            return hashes[name]

        try:
            if options.workers is None:
                placed = _store_design(job, store) if options.with_design else []
                written, entries = _layers(job, options, sink, hashes)
            else:
                with closing(asked(job, options, draft, bundled=as_zip)) as blocks:  # they begin before the design is stored
                    placed = _store_design(job, store) if options.with_design else []
                    written, entries = gather(blocks, job, options, draft, sink, hashes)
            store("job.json", job_json.encode(_document(job, written, placed, entries)))
        finally:
            sink.close()
        check_written(ZipSource(draft) if as_zip else FolderSource(draft), hashes, options.threads)
    return written


def _check_head(job: PrintJob) -> None:
    """Refuse a job whose head could not be read again, before any layer is made."""
    for problem in JobCheck(job).header() if "sample" not in job.prepared else ():
        raise ExposureError(f"{problem}; a job that no reader would take is not written")
    head = _document(job, Written((), Estimate(print_time_s=0.0, resin_ml=0.0), 0), [], [])
    job_json.decode(job_json.encode(head), "the job")  # NaN becomes null, which is no number


def _layers(job: PrintJob, options: WriteOptions, sink: Sink, hashes: dict[str, str]) -> tuple[Written, list[LayerDoc | msgspec.Raw]]:
    """Make and store all layers on threads of this process; return what the job turned out to be and the layers' entries."""
    entries: list[LayerDoc | msgspec.Raw] = []
    facts: list[LayerFacts | None] = []
    layer_facts = FactsOfLayers(job.engines[0].grid, job.printer)

    def make(plan: LayerPlan) -> Encoded:
        return make_all([plan])[0]

    def make_all(plans: Sequence[LayerPlan]) -> list[Encoded]:
        made = encode_layers(job, plans, options)
        return [encoded.stored_in(sink) for encoded in made] if sink.any_thread else made

    def keep(plan: LayerPlan, encoded: Encoded) -> None:
        if not sink.any_thread:
            encoded = encoded.stored_in(sink)
        hashes.update({name: sha256 for name, _, sha256 in encoded.files})
        entries.append(encoded.entry)
        facts.append(layer_facts.add(plan.index, encoded.measured))

    done = layer_writer.written(job, options, make, keep, masks=False, make_all=make_all)
    if options.watch is not None:
        facts = with_checks(facts, options.watch.of_layers(), job.printer)
    return done, list(map(with_facts, entries, facts))


class Encoded(msgspec.Struct, frozen=True):
    """One layer ready to be stored: its entry in job.json and the files it names; no mask any more; what it is as a shape."""

    entry: LayerDoc
    files: list[tuple[str, bytes, str]]  # name, bytes (empty once they are stored), sha256
    measured: Measured | None

    def stored_in(self, sink: Sink) -> Encoded:
        """Write the files."""
        for name, data, _ in self.files:
            sink.add(name, data)
        return Encoded(self.entry, [(name, b"", sha256) for name, _, sha256 in self.files], self.measured)


def encode_layers(job: PrintJob, plans: Sequence[LayerPlan], options: WriteOptions) -> list[Encoded]:
    """Encode the files of some layers; runs on any thread. Raises `ExposureError` where `verify` would refuse their numbers."""
    if "check" not in job.prepared:
        job.prepared["check"] = JobCheck(job)
    check: JobCheck = job.prepared["check"]
    for plan in plans:
        for problem in check.layer(plan):
            raise ExposureError(f"{problem}; a job that no reader would take is not written")
    shown = [(e.mask, job.engines[e.engine].orientation) for plan in plans for e in plan.exposures]
    groups = (shown[i : i + TOGETHER] for i in range(0, len(shown), TOGETHER))  # of a plate of many fields not all runs at once
    frames = chain.from_iterable(png_write.encode_masks(group, options.small) for group in groups)
    return [_encoded(job, plan, options, frames) for plan in plans]


def _encoded(job: PrintJob, plan: LayerPlan, options: WriteOptions, frames: Iterator[bytes]) -> Encoded:
    """Put the files of a layer together; `frames` gives those of its exposures next."""
    k, digits = plan.index, max(5, len(str(job.n_layers - 1)))
    files: list[tuple[str, bytes, str]] = []

    def keep(name: str, data: bytes) -> str:
        files.append((name, data, hashlib.sha256(data).hexdigest()))
        return files[-1][2]

    exposures = []
    for j, e in enumerate(plan.exposures):
        number = f"{k:0{digits}d}{f'-{j}' if len(plan.exposures) > 1 else ''}"
        name = f"frames/{number}.png"
        exposures.append(
            ExposureDoc(
                frame=name,
                file_sha256=keep(name, next(frames)),
                mask_sha256=e.mask.sha256(),
                **{field: getattr(e, field) for field in PLAIN},
                **{field: getattr(e, field) for field in ASKED if getattr(e, field) is not None},
                drawing=msgspec.UNSET if e.drawing is None else _drawing_doc(e.drawing, f"drawings/{number}.lines", keep),
            )
        )
    dose_name = None
    if options.dose_of is not None:
        dose_name = f"dose/{k:0{digits}d}.tif"
        keep(dose_name, dose_tiff.encode(options.dose_of(job, plan), job.engines[0].orientation))
    entry = LayerDoc(
        z_top_um=plan.z_top_um,
        thickness_um=plan.thickness_um,
        motion=plan.motion,
        exposures=exposures,
        dose=dose_name,
        squeeze=msgspec.UNSET if plan.squeeze is None else plan.squeeze,
        relift_after=msgspec.UNSET if plan.relift_after is None else plan.relift_after,
    )
    return Encoded(entry, files, _measured(job, plan, exposures) if options.facts else None)


def _drawing_doc(drawing: Drawing, name: str, keep: Callable[[str, bytes], str]) -> DrawingDoc:
    """Keep the file of a drawing; return what job.json says of it."""
    sha256 = keep(name, drawing_file.encode(drawing))
    return DrawingDoc(file=name, file_sha256=sha256, w0_um=drawing.w0_um, groups=drawing_file.group_docs(drawing))


def _measured(job: PrintJob, plan: LayerPlan, exposures: Sequence[ExposureDoc]) -> Measured | None:
    """Measure a layer; one with the masks of the one measured last, as along channels and posts, is not measured again."""
    key = [(e.mask_sha256, e.engine, e.offset_um) for e in exposures], plan.covered_px, plan.facts
    last: tuple[object, Measured | None] = job.prepared.get("measured", (None, None))
    if last[0] != key:
        last = key, measured(plan, job.engines[0].grid)
        job.prepared["measured"] = last  # whole: any thread may come
    return last[1]


def _store_design(job: PrintJob, store: Callable[[str, bytes | bytearray], str]) -> list[DesignDoc]:
    """Store the placed parts; of copies the first, and how far the others are from it."""
    parts = job.design
    out: list[DesignDoc] = []
    first_of = {i: group[0] for group in alike(parts) for i in group}
    files: dict[int, tuple[str, str]] = {}
    for i, part in enumerate(parts):
        first = first_of[i]
        if first not in files:
            name = f"design/{len(files):03d}.ply"
            files[first] = name, store(name, design_ply.ply_bytes(parts[first]))
        name, sha256 = files[first]
        shift = tuple((part.transform[:2, 3] - parts[first].transform[:2, 3]).tolist())
        out.append(DesignDoc(file=name, sha256=sha256, label=part.label, shift_um=shift if i != first else msgspec.UNSET))
    return out


def _document(job: PrintJob, written: Written, placed: list[DesignDoc], entries: list[LayerDoc | msgspec.Raw]) -> Document:
    return Document(
        schema="pmsl.job/1",  # the document knows better where it uses more
        requires=list(job.requires),
        provenance=job.provenance,
        calibrated=job.calibrated,
        placeholders=list(job.placeholders),
        findings=[RecordedFinding.of(finding) for finding in written.findings],
        estimate=written.estimate,
        engines=[_engine_doc(e) for e in job.engines],
        printer=recorded(job.printer),
        resin=job.resin,
        process=job.process,
        parts=list(job.parts),
        design=placed,
        layers=entries,  # type: ignore[arg-type]  # Raw: the JSON of an entry
        correction=job.correction,
        regions=list(job.regions) or msgspec.UNSET,
        vacuum=msgspec.UNSET if job.vacuum is None else job.vacuum,
        tiles=msgspec.UNSET if job.tiles is None else job.tiles,
        pauses=list(job.pauses) or msgspec.UNSET,
    )


def _engine_doc(engine: Engine) -> EngineDoc:
    g, o = engine.grid, engine.orientation
    return EngineDoc(
        grid=GridDoc(
            origin_um=tuple(g.origin_um.tolist()), pitch_um=tuple(g.pitch_um.tolist()), shape=g.shape, z_edges_um=g.z_edges_um.tolist()
        ),
        wavelength_nm=engine.wavelength_nm,
        orientation=OrientationDoc(
            row=o.row,
            col=o.col,
            seen_from="light side",
            mirrored=o.mirrored,
            diamond=o.frame if isinstance(o, Diamond) else msgspec.UNSET,
        ),
        name=engine.name or msgspec.UNSET,
    )
