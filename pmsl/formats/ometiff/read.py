"""OME-TIFF as pmsl writes it → PrintJob; a page is inflated when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import tifffile

from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats import image_stack_notes
from pmsl.formats.binary_records import ChunkReader
from pmsl.formats.container import read_limits
from pmsl.formats.frames.device_frame import frame_shape, mask_of_runs
from pmsl.formats.frames.inflated_frames import bands, runs_of_deflated
from pmsl.formats.image_stack_notes import StackDoc
from pmsl.formats.ometiff.ome_xml import notes_of
from pmsl.job.print_job import PrintJob

DEFLATE = (8, 32946)


class Pages:
    """Pages of a file: where the one strip of each lies; `doc` is what the file carries beside them.

    Raises
    ------
    JobError
        Not a TIFF with our notes, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._pieces = ChunkReader(path)
        self.path = path
        try:
            with _quiet(), tifffile.TiffFile(path) as tiff:
                first: Any = tiff.pages[0]
                tag = first.tags.get("ImageDescription")
                self.doc = _document(tag.value if tag is not None else "", str(path))
                self.shape = frame_shape(self.doc.shape, self.doc.orientation)
                self._order = tiff.byteorder
                self._strips, self.n_dose = self._walk(tiff)
        except JobError:
            raise
        except Exception as err:  # the library raises many kinds for damaged bytes
            raise JobError(f"{path}: not a whole TIFF ({err}); the file is damaged, copy or slice it again") from err

    def _walk(self, tiff: Any) -> tuple[np.ndarray, int]:
        """Return offset and size of the strip of every page, and how many dose maps there are."""
        n = len(self.doc.shots)
        strips = []
        for i, page in enumerate(tiff.pages):
            if i >= 2 * n:
                raise JobError(f"{self.path}: has more pages than {n} masks and as many dose maps; the file is damaged")
            self._check(page, i, "uint8" if i < n else "float32")
            strips.append((page.dataoffsets[0], page.databytecounts[0]))
        if len(strips) not in (n, 2 * n):
            raise JobError(f"{self.path}: has {len(strips)} pages for {n} layers; it is cut off or damaged, copy or slice it again")
        return np.array(strips, np.int64), len(strips) - n

    def _check(self, page: Any, i: int, kind: str) -> None:
        """Refuse a page that is not of the stack's size and kind, in one deflated strip."""
        shown = (page.shape, str(page.dtype), int(page.compression), int(page.predictor), len(page.dataoffsets), len(page.databytecounts))
        if shown[:2] != (self.shape, kind) or shown[2] not in DEFLATE or shown[3:] != (1, 1, 1):
            raise JobError(
                f"{self.path}: page {i} is {shown[1]} of {shown[0]}, compression {shown[2]}, predictor {shown[3]}, {shown[4]} strips; "
                f"expected {kind} of {self.shape}, deflated, without predictor, in one strip: write it with pmsl again"
            )

    def _strip(self, i: int) -> bytes:
        return self._pieces.read(int(self._strips[i, 0]), int(self._strips[i, 1]), f"page {i}")

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer k."""
        runs = runs_of_deflated(self._strip(k), self.shape, f"{self.path}: page {k}")
        return mask_of_runs(runs, k, self.shape, self.doc.orientation)

    def mask_bands(self, k: int) -> Iterator[np.ndarray]:
        """Yield rows of the frame of layer k, uint8."""
        return bands(self._strip(k), self.shape, np.dtype(np.uint8), f"{self.path}: page {k}")

    def dose_bands(self, k: int) -> Iterator[np.ndarray]:
        """Yield rows of the dose map of layer k as they lie in the file, float32 [mJ/cm²]."""
        i = len(self.doc.shots) + k
        return bands(self._strip(i), self.shape, np.dtype(np.float32).newbyteorder(self._order), f"{self.path}: page {i}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from telling line by line what is wrong with a damaged file: one error says it."""
    before, tifffile.logger().disabled = tifffile.logger().disabled, True
    try:
        yield
    finally:
        tifffile.logger().disabled = before


def _document(description: object, where: str) -> StackDoc:
    """Return our notes in the text of the first page."""
    xml = description.encode() if isinstance(description, str) else bytes(description) if isinstance(description, bytes) else b""
    notes = notes_of(xml, where) if xml.lstrip().startswith(b"<") else None
    if notes is None:
        raise JobError(
            f"{where}: holds no notes of pmsl, so times and heights are not known; pmsl reads the stacks it writes, where they are whole"
        )
    read_limits.check_table(notes, 0, 0, where)
    try:
        table: Any = msgspec.json.decode(notes)
    except (msgspec.DecodeError, RecursionError) as err:
        raise JobError(f"{where}: the notes in its OME-XML cannot be read ({err}); the file is damaged, copy or slice it again") from err
    return image_stack_notes.decode(table, where)


def read(path: Path) -> PrintJob:
    """Read a stack."""
    pages = Pages(path)
    return image_stack_notes.job_of(pages.doc, "ome-tiff", path.name, pages.mask)
