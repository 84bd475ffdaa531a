"""OME-Zarr 0.5 (Zarr 3): masks as array ``0``, dose maps as array ``dose/0``, one gzip chunk a layer.

The library makes the metadata, and is needed to write; chunks are written beside it, in any order, masks from runs.
Reading takes what pmsl wrote and inflates no chunk beyond a layer, so it does without the library.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError, UsageError
from pmsl.formats import image_stack_notes
from pmsl.formats.adapt import adapt
from pmsl.formats.container import atomic_write, layer_writer
from pmsl.formats.container.containers import FolderSink, FolderSource, check_written, frame_limit
from pmsl.formats.frames import png_write
from pmsl.formats.frames.device_frame import device_frame, frame_shape, mask_of_runs, turn
from pmsl.formats.frames.frame_runs import shown
from pmsl.formats.frames.inflated_frames import bands, runs_of_deflated
from pmsl.formats.image_stack_notes import Notes, StackDoc
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob

GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no name, no time: the same job is the same bytes
TABLE = "zarr.json"
MASKS, DOSE = "0", "dose/0"
KIND = {MASKS: "uint8", DOSE: "float32"}


class OmeZarr:
    """A folder for napari and Dask."""

    name = "ome-zarr"
    suffixes = (".zarr",)
    capability = image_stack_notes.CAPABILITY

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by the table at the top of the folder."""
        return seen.folder and TABLE in seen.names

    def foreign(self, path: Path) -> str:
        """Let stacks that pmsl wrote be replaced, and empty folders."""
        if path.is_symlink() or not path.is_dir():
            return "it is no folder"
        if not any(path.iterdir()):
            return ""
        try:
            doc = _Stack(path).doc
        except JobError:
            return "it is no stack pmsl wrote"
        ours = {TABLE, f"{MASKS}/{TABLE}", f"dose/{TABLE}", f"{DOSE}/{TABLE}"}
        ours |= {_chunk(array, k) for array in (MASKS, DOSE) for k in range(len(doc.shots))}
        others = sorted(FolderSource(path).names() - ours)
        return f"it also holds {others[0]}" if others else ""

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent."""
        _library()
        fitted = adapt.fit(job, self.capability, self.name, options)
        fitted = image_stack_notes.say_heights(fitted, "the z axis counts them, their z are in the attribute pmsl.z_edges_um")
        with atomic_write.whole_or_absent(path, options.force, folder=True, foreign=self.foreign) as draft:
            return _write(fitted, draft, options)

    def read(self, path: Path) -> PrintJob:
        """Read a stack that pmsl wrote."""
        found = _Stack(path)
        return image_stack_notes.job_of(found.doc, self.name, path.name, found.mask)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Inflate every chunk; doses must be finite, none negative, none where the mask is black."""
        found = _Stack(path)
        look = image_stack_notes.dose_check(found.dose_bands, found.mask_bands, str(path)) if found.has_dose else None
        return list(layer_writer.problems(self.read(path), options, look))


FORMAT = OmeZarr()


def _library() -> Any:
    try:
        import zarr
    except ImportError as err:
        raise UsageError("--format ome-zarr needs the library zarr, which is not installed; install pmsl with its extra 'zarr'") from err
    return zarr


def _chunk(array: str, k: int) -> str:
    return f"{array}/c/{k}/0/0"


def _write(job: PrintJob, folder: Path, options: WriteOptions) -> Written:
    """Write the fitted job into a new folder."""
    engine, notes, sink = job.engines[0], Notes(), FolderSink(folder)
    hashes: dict[str, str] = {}

    def put(name: str, data: bytes) -> tuple[str, str]:
        sink.add(name, data)
        return name, hashlib.sha256(data).hexdigest()

    def make(plan: LayerPlan) -> tuple[str, str]:
        mask = shown(plan, job)
        packed = png_write.deflated(mask, engine.orientation, options.small)
        return put(_chunk(MASKS, plan.index), _gzipped(packed, device_frame(mask, engine.orientation)))

    def store(plan: LayerPlan, written: tuple[str, str]) -> None:
        hashes.update([written])
        notes.add(plan)

    def dose(k: int) -> tuple[str, str]:
        assert options.dose_of is not None
        page = turn(options.dose_of(job, job[k]).dense(), engine.orientation).astype("<f4")
        return put(_chunk(DOSE, k), _gzipped(png_write.packed(page), page))

    done = layer_writer.written(job, options, make, store)
    if options.dose_of is not None:
        hashes.update(ordered_map(dose, range(job.n_layers), options.threads))
    _describe(job, notes.document(job), folder, options.dose_of is not None)
    check_written(FolderSource(folder), hashes, options.threads)
    return done


def _gzipped(packed: bytes, raw: np.ndarray) -> bytes:
    """Return a zlib stream in a gzip's frame."""
    raw = np.ascontiguousarray(raw)
    return GZIP + packed[2:-4] + zlib.crc32(raw.data).to_bytes(4, "little") + (raw.nbytes & 0xFFFFFFFF).to_bytes(4, "little")


def _describe(job: PrintJob, doc: StackDoc, folder: Path, dose: bool) -> None:
    """Let the library write the tables of groups and arrays."""
    zarr = _library()
    notes = msgspec.to_builtins(doc)
    root = zarr.create_group(store=str(folder), attributes={"ome": _ome(job, "masks"), "pmsl": notes})
    _array(zarr, root, MASKS, job)
    if dose:
        _array(zarr, root.create_group("dose", attributes={"ome": _ome(job, "dose [mJ/cm2]")}), "0", job, "float32")


def _array(zarr: Any, group: Any, name: str, job: PrintJob, kind: str = "uint8") -> None:
    shape = frame_shape(job.grid.shape, job.engines[0].orientation)
    group.create_array(
        name,
        shape=(job.n_layers, *shape),
        chunks=(1, *shape),
        dtype=kind,
        compressors=[zarr.codecs.GzipCodec(level=1)],
        filters=None,
        fill_value=0,
        dimension_names=("z", "y", "x"),
    )


def _ome(job: PrintJob, name: str) -> dict[str, Any]:
    """Return the multiscales of one array: y down and x right as frames are seen, layers of one height, or counted."""
    engine = job.engines[0]
    height = image_stack_notes.even_height_um(job)
    x, y = (engine.grid.pitch_um if engine.orientation.row[1] == "y" else engine.grid.pitch_um[::-1]).tolist()
    scale = [height or 1.0, y, x]
    steps = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": [step / 2 for step in scale]}]
    axes: list[dict[str, str]] = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    if height is None:  # layers are counted
        del axes[0]["unit"]
    return {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}],
    }


class _Stack:
    """A stack on disk: `doc` is what it carries beside its arrays.

    Raises
    ------
    JobError
        No stack of pmsl, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._source = path, FolderSource(path)
        attributes = self._table(TABLE).get("attributes")
        if not isinstance(attributes, dict) or "pmsl" not in attributes:
            raise JobError(f"{path}: holds no notes of pmsl, so times and heights are not known; pmsl reads the stacks it writes")
        self.doc = image_stack_notes.decode(attributes["pmsl"], f"{path}/{TABLE}")
        self._shape = frame_shape(self.doc.shape, self.doc.orientation)
        self._check(MASKS)
        self.has_dose = (path / DOSE / TABLE).exists()
        if self.has_dose:
            self._check(DOSE)

    def _table(self, name: str) -> dict[str, Any]:
        try:
            table = msgspec.json.decode(self._source.text(name))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
            raise JobError(f"{self._path}/{name}: not valid JSON ({err}); the stack is damaged") from err
        if not isinstance(table, dict):
            raise JobError(f"{self._path}/{name}: holds no table; the stack is damaged")
        return table

    def _check(self, array: str) -> None:
        """Refuse an array that is not of the stack's shape and kind in chunks of one layer, packed with gzip."""
        table = self._table(f"{array}/{TABLE}")
        shape = [len(self.doc.shots), *self._shape]
        wanted = {
            "shape": shape,
            "data_type": KIND[array],
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, *self._shape]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        }
        for key, value in wanted.items():
            if table.get(key) != value:
                raise JobError(f"{self._path}/{array}/{TABLE}: {key} is {table.get(key)}; expected {value}, as pmsl writes it")
        codecs = table.get("codecs")
        names = [c.get("name") if isinstance(c, dict) else c for c in codecs] if isinstance(codecs, list) else codecs
        order = codecs[0].get("configuration") or {} if names == ["bytes", "gzip"] else {}  # type: ignore[index]
        if names != ["bytes", "gzip"] or (KIND[array] != "uint8" and order.get("endian") != "little"):
            raise JobError(f"{self._path}/{array}/{TABLE}: codecs are {names}; expected bytes (little-endian), gzip, as pmsl writes them")

    def _data(self, array: str, k: int) -> tuple[bytes, str]:
        name = _chunk(array, k)
        item = np.dtype(KIND[array]).itemsize
        return self._source.read(name, frame_limit((self._shape[0], self._shape[1] * item))), f"{self._path}/{name}"

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer k."""
        data, where = self._data(MASKS, k)
        return mask_of_runs(runs_of_deflated(data, self._shape, where, gzip=True), k, self._shape, self.doc.orientation)

    def mask_bands(self, k: int) -> Iterator[np.ndarray]:
        """Yield rows of the frame of layer k, uint8."""
        data, where = self._data(MASKS, k)
        return bands(data, self._shape, np.dtype(np.uint8), where, gzip=True)

    def dose_bands(self, k: int) -> Iterator[np.ndarray]:
        """Yield rows of the dose map of layer k as they lie in the file, float32 [mJ/cm²]."""
        data, where = self._data(DOSE, k)
        return bands(data, self._shape, np.dtype("<f4"), where, gzip=True)
