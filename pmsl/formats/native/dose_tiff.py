"""DoseMap ↔ TIFF: float32, deflate, no predictor, in frame orientation."""

from __future__ import annotations

import io

import numpy as np

from pmsl.errors import JobError
from pmsl.formats.frames.device_frame import turn
from pmsl.job.dose_map import DoseMap
from pmsl.profiles.printer import Orientation


def encode(dose: DoseMap, orientation: Orientation) -> bytes:
    """Return the dose map [mJ/cm²] as a TIFF of one float32 page."""
    import tifffile

    page = np.ascontiguousarray(turn(dose.dense(), orientation))
    out = io.BytesIO()
    tifffile.imwrite(
        out, page, compression="zlib", compressionargs={"level": 1}, predictor=None, rowsperstrip=64, metadata=None, software="pmsl"
    )
    return out.getvalue()


def decode(data: bytes, shape: tuple[int, int], where: str) -> np.ndarray:
    """Return the (rows, cols) float32 page of a dose TIFF, in frame orientation.

    Raises
    ------
    JobError
        Not a TIFF, not float32, another shape, or damaged.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages[0]
            if page.shape != shape or page.dtype != np.float32:
                raise JobError(f"{where}: dose map is {page.dtype} of {page.shape}; expected float32 of {shape}")
            return np.asarray(page.asarray())
    except JobError:
        raise
    except Exception as err:  # the library raises many kinds for damaged bytes
        raise JobError(f"{where}: not a whole TIFF ({err}); the file is damaged, copy or slice it again") from err
