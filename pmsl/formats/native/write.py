"""PrintJob → native job on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pmsl.core.job import Engine, PrintJob
from pmsl.core.plan import LayerPlan
from pmsl.formats import png, stream
from pmsl.formats.bundle import FolderSink, FolderSource, Sink, ZipSink, ZipSource, check_written
from pmsl.formats.contract import WriteOptions, Written
from pmsl.formats.native import design, document, dosetiff
from pmsl.formats.native.document import PLAIN, DesignDoc, Document, EngineDoc, ExposureDoc, GridDoc, LayerDoc, OrientationDoc
from pmsl.formats.target import whole_or_absent
from pmsl.profiles.printer import Diamond


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One layer ready to be stored: its entry in job.json and the files it names; no mask any more."""

    entry: LayerDoc
    files: list[tuple[str, bytes, str]]  # name, bytes (empty once they are stored), sha256

    def stored_in(self, sink: Sink) -> _Encoded:
        """Write the files."""
        for name, data, _ in self.files:
            sink.add(name, data)
        return _Encoded(self.entry, [(name, b"", sha256) for name, _, sha256 in self.files])


def write(job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job as a folder, or as a zip where `path` ends in ``.zip``; complete or absent.

    Raises
    ------
    UsageError, OutputError
        The target exists, or cannot be written.
    """
    as_zip = path.suffix.lower() == ".zip"
    with whole_or_absent(path, options.force, folder=not as_zip) as draft:
        sink: Sink = ZipSink(draft) if as_zip else FolderSink(draft)
        hashes: dict[str, str] = {}

        def store(name: str, data: bytes) -> str:
            sink.add(name, data)
            hashes[name] = hashlib.sha256(data).hexdigest()
            return hashes[name]

        try:
            placed = _store_design(job, store) if options.with_design else []
            entries: list[LayerDoc] = []
            digits = max(5, len(str(job.n_layers - 1)))

            def make(plan: LayerPlan) -> _Encoded:
                encoded = _encode_layer(job, plan, digits, options)
                return encoded.stored_in(sink) if sink.any_thread else encoded

            def keep(plan: LayerPlan, encoded: _Encoded) -> None:
                if not sink.any_thread:
                    encoded = encoded.stored_in(sink)
                hashes.update({name: sha256 for name, _, sha256 in encoded.files})
                entries.append(encoded.entry)

            written = stream.written(job, options, make, keep, masks=False)
            store("job.json", document.encode(_document(job, written, placed, entries)))
        finally:
            sink.close()
        check_written(ZipSource(draft) if as_zip else FolderSource(draft), hashes, options.threads)
    return written


def _encode_layer(job: PrintJob, plan: LayerPlan, digits: int, options: WriteOptions) -> _Encoded:
    """Encode the files of one layer; runs on any thread."""
    k = plan.index
    files: list[tuple[str, bytes, str]] = []

    def keep(name: str, data: bytes) -> str:
        files.append((name, data, hashlib.sha256(data).hexdigest()))
        return files[-1][2]

    exposures = []
    for j, e in enumerate(plan.exposures):
        name = f"frames/{k:0{digits}d}{f'-{j}' if len(plan.exposures) > 1 else ''}.png"
        data = png.encode_mask(e.mask, job.engines[e.engine].orientation, options.small)
        exposures.append(
            ExposureDoc(
                frame=name,
                file_sha256=keep(name, data),
                mask_sha256=e.mask.sha256(),
                **{field: getattr(e, field) for field in PLAIN},
            )
        )
    dose_name = None
    if options.dose_of is not None:
        dose_name = f"dose/{k:0{digits}d}.tif"
        keep(dose_name, dosetiff.encode(options.dose_of(job, plan), job.engines[0].orientation))
    entry = LayerDoc(z_top_um=plan.z_top_um, thickness_um=plan.thickness_um, motion=plan.motion, exposures=exposures, dose=dose_name)
    return _Encoded(entry, files)


def _store_design(job: PrintJob, store: Callable[[str, bytes], str]) -> list[DesignDoc]:
    out = []
    for i, part in enumerate(job.design):
        name = f"design/{i:03d}.ply"
        out.append(DesignDoc(file=name, sha256=store(name, design.ply_bytes(part)), label=part.label))
    return out


def _document(job: PrintJob, written: Written, placed: list[DesignDoc], entries: list[LayerDoc]) -> Document:
    return Document(
        schema=document.SCHEMA,  # type: ignore[arg-type]
        requires=list(job.requires),
        provenance=job.provenance,
        calibrated=job.calibrated,
        placeholders=list(job.placeholders),
        findings=list(written.findings),
        estimate=written.estimate,
        engines=[_engine_doc(e) for e in job.engines],
        printer=job.printer,
        resin=job.resin,
        process=job.process,
        parts=list(job.parts),
        design=placed,
        layers=entries,
        correction=job.correction,
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
    )
