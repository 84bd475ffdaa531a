"""The flat field of a printer as a page stores it: as few numbers as say it, so that doses under the cursor are those of pmsl."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.job.print_job import PrintJob
from pmsl.optics import flat_field
from pmsl.optics.field_evenness import distortion_counts, vignetted
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
        None where the field counts as even: the printer states none, or the host evens it. Else ``shape``, and ``kind``: ``"grid"`` and
        ``"vignetting"``, with what the profile says and the ``divisor`` that its reference makes; ``"levels"``: `values` (float64) that
        the block's indices choose from, ``bytes`` 1 or 2 each; ``"float32"``: the numbers themselves.
    list of PageBlock
        For the last two, the numbers of all pixels, row 0 at the smallest y, deflated.
    """
    flat = None if job.process.evened == "delegated" else flat_field(job.printer)
    if flat is None:
        return None, []
    stated = None if distortion_counts(job.printer) else job.printer.optics.flat_field
    facts: dict[str, Any] = {"shape": list(flat.shape)}
    if stated is not None and stated.grid is not None:
        values = stated.grid.value
        return facts | {"kind": "grid", "values": values, "divisor": float(values[0][0] / flat[0, 0])}, []
    if stated is not None and stated.vignetting is not None:
        loss = stated.vignetting.value
        return facts | {"kind": "vignetting", "loss": loss, "divisor": float(vignetted(loss, flat.shape)[0, 0] / flat[0, 0])}, []
    levels, index = np.unique(flat, return_inverse=True)
    if len(levels) > MOST_LEVELS:  # within one step of float32
        return facts | {"kind": "float32"}, [PageBlock(NAME, base64_text(packed(_planes(flat.astype("<f4")))))]
    kind = np.uint8 if len(levels) <= 256 else np.uint16
    facts |= {"kind": "levels", "bytes": np.dtype(kind).itemsize, "values": levels.tolist()}
    return facts, [PageBlock(NAME, base64_text(packed(_planes(index.reshape(flat.shape).astype(kind)))))]


def _planes(values: np.ndarray) -> np.ndarray:
    """Return the bytes of numbers by significance, all lowest bytes first: high bytes change slowly and deflate well."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(little.view(np.uint8).reshape(-1, little.dtype.itemsize).T)
