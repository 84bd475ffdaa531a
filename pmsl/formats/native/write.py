"""PrintJob → native job on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pmsl.core.dose import DoseMap
from pmsl.core.finding import Finding
from pmsl.core.job import Engine, Estimate, Meter, PrintJob
from pmsl.core.parallel import ordered_map
from pmsl.core.plan import LayerPlan
from pmsl.errors import JobError
from pmsl.formats import png
from pmsl.formats.bundle import FolderSink, FolderSource, Sink, Source, ZipSink, ZipSource
from pmsl.formats.native import design, document, dosetiff
from pmsl.formats.native.document import PLAIN, DesignDoc, Document, EngineDoc, ExposureDoc, GridDoc, LayerDoc, OrientationDoc
from pmsl.formats.target import whole_or_absent

DoseOf = Callable[[PrintJob, LayerPlan], DoseMap]
Progress = Callable[[int, int], None]
Box = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Written:
    """What a job turned out to be once its layers were made."""

    findings: tuple[Finding, ...]
    estimate: Estimate
    n_layers: int


NOTHING = Finding(
    code="nothing-printed",
    severity="error",
    message="no layer of the job is lit: the part is thinner than its layers or smaller than a pixel's lowest level; "
    "check unit, scale and layer height",
)


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One layer ready to be stored: its entry in job.json, the files it names, its time and resin, what was found; no mask any more."""

    entry: LayerDoc
    files: list[tuple[str, bytes, str]]  # name, bytes (empty once they are stored), sha256
    cost: tuple[float, float]
    findings: tuple[Finding, ...]

    def stored_in(self, sink: Sink) -> _Encoded:
        """Write the files."""
        for name, data, _ in self.files:
            sink.add(name, data)
        return _Encoded(self.entry, [(name, b"", sha256) for name, _, sha256 in self.files], self.cost, self.findings)


def write(
    job: PrintJob,
    path: Path,
    *,
    dose_of: DoseOf | None = None,
    with_design: bool = True,
    small: bool = False,
    threads: int = 1,
    force: bool = False,
    progress: Progress | None = None,
    accept: Callable[[tuple[Finding, ...]], None] | None = None,
) -> Written:
    """Write a job as a folder, or as a zip where `path` ends in ``.zip``; complete or absent.

    Parameters
    ----------
    job : PrintJob
    path : Path
    dose_of : callable, optional
        Gives the dose map of a layer; left out, no dose maps are written.
    with_design : bool
        Store the placed parts.
    small : bool
        Take the time to make smaller frames.
    threads : int
        Layers made at a time; the bytes do not depend on it.
    force : bool
        Replace a pmsl job or an empty folder.
    progress : callable, optional
        Called with (layers done, layers in all).
    accept : callable, optional
        Called with all findings before the job gets its name; raises to refuse it.

    Returns
    -------
    Written

    Raises
    ------
    UsageError, OutputError
        The target exists, or cannot be written.
    """
    as_zip = path.suffix.lower() == ".zip"
    with whole_or_absent(path, force, folder=not as_zip) as draft:
        sink: Sink = ZipSink(draft) if as_zip else FolderSink(draft)
        hashes: dict[str, str] = {}

        def store(name: str, data: bytes) -> str:
            sink.add(name, data)
            hashes[name] = hashlib.sha256(data).hexdigest()
            return hashes[name]

        try:
            placed = _store_design(job, store) if with_design else []
            meter, found, entries = Meter(job.grid), list(job.findings), []
            digits = max(5, len(str(job.n_layers - 1)))

            def make(k: int) -> _Encoded:
                encoded = _encode_layer(job, k, digits, dose_of, small, meter)
                return encoded.stored_in(sink) if sink.any_thread else encoded

            for encoded in ordered_map(make, range(job.n_layers), threads):
                if not sink.any_thread:
                    encoded = encoded.stored_in(sink)
                hashes.update({name: sha256 for name, _, sha256 in encoded.files})
                entries.append(encoded.entry)
                meter.add(*encoded.cost)
                found.extend(encoded.findings)
                if progress is not None:
                    progress(len(entries), job.n_layers)
            if not any(entry.exposures for entry in entries):
                found.append(NOTHING)
            findings = _merged(found)
            if accept is not None:
                accept(findings)
            estimate = job.known_estimate or meter.estimate()
            store("job.json", document.encode(_document(job, findings, estimate, placed, entries)))
        finally:
            sink.close()
        _check_written(ZipSource(draft) if as_zip else FolderSource(draft), hashes, threads)
    return Written(findings, estimate, job.n_layers)


def _encode_layer(job: PrintJob, k: int, digits: int, dose_of: DoseOf | None, small: bool, meter: Meter) -> _Encoded:
    """Make one layer and encode its files; runs on any thread."""
    plan = job[k]
    files: list[tuple[str, bytes, str]] = []

    def keep(name: str, data: bytes) -> str:
        files.append((name, data, hashlib.sha256(data).hexdigest()))
        return files[-1][2]

    exposures = []
    for j, e in enumerate(plan.exposures):
        name = f"frames/{k:0{digits}d}{f'-{j}' if len(plan.exposures) > 1 else ''}.png"
        data = png.encode_mask(e.mask, job.engines[e.engine].orientation, small)
        exposures.append(
            ExposureDoc(
                frame=name,
                file_sha256=keep(name, data),
                mask_sha256=e.mask.sha256(),
                **{field: getattr(e, field) for field in PLAIN},
            )
        )
    dose_name = None
    if dose_of is not None:
        dose_name = f"dose/{k:0{digits}d}.tif"
        keep(dose_name, dosetiff.encode(dose_of(job, plan), job.engines[0].orientation))
    entry = LayerDoc(z_top_um=plan.z_top_um, thickness_um=plan.thickness_um, motion=plan.motion, exposures=exposures, dose=dose_name)
    return _Encoded(entry, files, meter.cost(plan), plan.findings)


def _store_design(job: PrintJob, store: Callable[[str, bytes], str]) -> list[DesignDoc]:
    out = []
    for i, part in enumerate(job.design):
        name = f"design/{i:03d}.ply"
        out.append(DesignDoc(file=name, sha256=store(name, design.ply_bytes(part)), label=part.label))
    return out


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings of the same kind on neighbouring layers into one: a range of layers, the box around all, the largest value."""
    out: list[Finding] = []
    open_ranges: dict[tuple[str, str], int] = {}
    for f in findings:
        at = open_ranges.get((f.code, f.severity), -1)
        last = out[at].layers if at >= 0 else None
        if f.layers is not None and last is not None and last[1] + 1 == f.layers[0]:
            worse = f.value is not None and (out[at].value or 0.0) < f.value
            base = f if worse else out[at]
            out[at] = msgspec.structs.replace(base, layers=(last[0], f.layers[1]), box_um=_both(out[at].box_um, f.box_um))
        else:
            open_ranges[(f.code, f.severity)] = len(out)
            out.append(f)
    return tuple(out)


def _both(a: Box | None, b: Box | None) -> Box | None:
    """Return the box around two boxes; None where one has none."""
    if a is None or b is None:
        return None
    return tuple(map(min, a[0], b[0])), tuple(map(max, a[1], b[1]))


def _document(
    job: PrintJob, findings: tuple[Finding, ...], estimate: Estimate, placed: list[DesignDoc], entries: list[LayerDoc]
) -> Document:
    return Document(
        schema=document.SCHEMA,  # type: ignore[arg-type]
        requires=list(job.requires),
        provenance=job.provenance,
        calibrated=job.calibrated,
        placeholders=list(job.placeholders),
        findings=list(findings),
        estimate=estimate,
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
        orientation=OrientationDoc(row=o.row, col=o.col, seen_from="light side", mirrored=o.mirrored),
    )


def _check_written(source: Source, hashes: dict[str, str], threads: int) -> None:
    """Read every file back before the job gets its name."""

    def same(name: str) -> bool:
        return hashlib.sha256(source.read(name)).hexdigest() == hashes[name]

    for name, sound in zip(hashes, ordered_map(same, hashes, threads), strict=True):
        if not sound:
            raise JobError(f"{name}: what was read back is not what was written; the disk is not to be trusted")
