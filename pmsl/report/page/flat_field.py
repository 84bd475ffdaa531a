"""The flat field of a printer as a page stores it: as few numbers as say it, so that doses under the cursor are those of pmsl."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.job.print_job import PrintJob
from pmsl.optics import flat_field
from pmsl.report.page.blocks import PageBlock, base64_text, packed

MOST_LEVELS = 1 << 16
NAME = "flat-field"


def flat_field_data(job: PrintJob) -> tuple[dict[str, Any] | None, list[PageBlock]]:
    """Return how the dose map's flat field is stored, and the block that holds it.

    Parameters
    ----------
    job : PrintJob

    Returns
    -------
    dict or None
        None where the field counts as even: the printer states none, or the host evens it. Else ``shape``, and ``kind``:
        ``"levels"``: `values` (float64) that the block's indices choose from, ``bytes`` 1 or 2 each; ``"float32"``: the numbers themselves.
    list of PageBlock
        The numbers of all pixels, row 0 at the smallest y, deflated.

    Notes
    -----
    An image has few different values: they are exact. A grid or a vignetting has one a pixel, and these are float32: the dose is then
    within one step of float32.
    """
    flat = None if job.process.evened == "delegated" else flat_field(job.printer)
    if flat is None:
        return None, []
    rows, cols = flat.shape
    values, index = np.unique(flat, return_inverse=True)
    if len(values) > MOST_LEVELS or len(values) > flat.size // 8:
        return {"kind": "float32", "shape": [rows, cols]}, [PageBlock(NAME, base64_text(packed(_planes(flat.astype("<f4")))))]
    kind = np.uint8 if len(values) <= 256 else np.uint16
    facts = {"kind": "levels", "shape": [rows, cols], "bytes": np.dtype(kind).itemsize, "values": values.tolist()}
    return facts, [PageBlock(NAME, base64_text(packed(_planes(index.reshape(flat.shape).astype(kind)))))]


def _planes(values: np.ndarray) -> np.ndarray:
    """Return the bytes of numbers by significance, all lowest bytes first: high bytes change slowly and deflate well."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(little.view(np.uint8).reshape(-1, little.dtype.itemsize).T)
