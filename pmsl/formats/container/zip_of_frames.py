"""A file that is a zip of frames and tables: written whole and read back, the same bytes for the same job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsl.core.mask import LayerMask
from pmsl.formats.container.atomic_write import whole_or_absent
from pmsl.formats.container.containers import FileSource, ZipSink, ZipSource, check_written, frame_limit
from pmsl.formats.frames import device_frame, png_write
from pmsl.formats.frames.png_read import runs_of_png
from pmsl.formats.protocol import Format, WriteOptions
from pmsl.job.layer_plan import LayerPlan
from pmsl.profiles.printer import Orientation

Add = Callable[[str, bytes], None]


@contextmanager
def archive(format: Format, path: Path, options: WriteOptions, deflated: bool = False) -> Iterator[Add]:
    """Give what adds members to a zip that gets its name when all are written and read back.

    With `deflated` all members are compressed, frames too: PNG of much that is alike shrink again.

    Yields
    ------
    callable
        ``add(name, data)``.
    """
    with whole_or_absent(path, options.force, folder=False, foreign=format.foreign) as draft:
        sink, hashes = ZipSink(draft, deflated), dict[str, str]()

        def add(name: str, data: bytes) -> None:
            sink.add(name, data)
            hashes[name] = hashlib.sha256(data).hexdigest()

        try:
            yield add
        finally:
            sink.close()
        check_written(ZipSource(draft), hashes, options.threads)


def black(shape: tuple[int, int], index: int = 0) -> LayerMask:
    """Return the mask of a layer without light, for formats that want a frame for every layer."""
    import numpy as np

    return LayerMask.from_dense(index, np.zeros(shape, np.uint8))


def only_frame(plan: LayerPlan, shape: tuple[int, int], orientation: Orientation, small: bool) -> bytes:
    """Return the PNG of a layer with one exposure or none."""
    mask = plan.exposures[0].mask if plan.exposures else black(shape, plan.index)
    return png_write.encode_mask(mask, orientation, small)


def mask_of_png(source: FileSource, name: str, k: int, shape: tuple[int, int], orientation: Orientation, where: str) -> LayerMask:
    """Read the mask of a member: 8-bit gray, its frame as large as a grid of `shape` (rows, cols) turned by `orientation`.

    Raises
    ------
    JobError
        Missing, damaged, another size, or more bytes than such a frame can have.
    """
    turned = device_frame.frame_shape(shape, orientation)
    data = source.read(name, frame_limit(turned))
    return device_frame.mask_of_runs(runs_of_png(data, turned, f"{where}: {name}"), k, turned, orientation)
