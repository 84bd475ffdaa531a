"""Common Layer Interface 2.0, ASCII and binary: lines of layers for laser controllers, in µm; no powers, speeds or moves.

Polylines are borders of a drawn job, or the contours of the parts where pictures are shown; hatches are hatches and skins. The number of
a line names its kind (`$$LABEL`). A layer without lines at height 0 comes first, so that the first layer, too, has a thickness. In binary
files commands are the long ones (127 layer, 130 polyline, 132 hatches), little-endian, not aligned: numbers are floats of 32 bits, good to
a thousandth of a micrometre within 8 mm of the corner.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pmsl.core.contours import Contours, stacked
from pmsl.errors import JobError, TargetError
from pmsl.formats.contourfiles.cli_read import GEOMETRY, LAYER, CliLayer, read_layers
from pmsl.formats.protocol import FileSignature, WriteOptions
from pmsl.job.drawing import KINDS, DrawnLines
from pmsl.job.print_job import PrintJob
from pmsl.version import __version__

UNITS = "00000000.001000"  # mm: numbers are µm
IDS = {kind: i for i, kind in enumerate(KINDS, start=1)}
INNER, OUTER = 0, 1  # directions of closed polylines
Lines = tuple[list[tuple[int, np.ndarray]], list[tuple[int, np.ndarray]]]  # polylines and hatches, each with the number of its kind


def recognises(seen: FileSignature) -> bool:
    """Tell by the first keyword."""
    return seen.head.lstrip().startswith(b"$$HEADERSTART")


def write_draft(job: PrintJob, path: Path, options: WriteOptions) -> None:
    """Write an ASCII file."""
    with open(path, "wb") as file:
        file.write(_header(job, "ASCII") + GEOMETRY + b"\n$$LAYER/0\n")
        for top_um, (polylines, hatches) in _layers(job, options):
            file.write(b"$$LAYER/%s\n" % _number(top_um))
            for kind, points in polylines:
                file.write(b"$$POLYLINE/%d,%d,%d,%s\n" % (kind, _turn(points), len(points), _numbers(points)))
            for kind, lines in hatches:
                file.write(b"$$HATCHES/%d,%d,%s\n" % (kind, len(lines), _numbers(lines)))
        file.write(b"$$GEOMETRYEND\n")


def write_binary_draft(job: PrintJob, path: Path, options: WriteOptions) -> None:
    """Write a binary file."""
    with open(path, "wb") as file:
        file.write(_header(job, "BINARY").rstrip(b"\n") + LAYER.pack(127, 0.0))  # commands follow the header at once
        for top_um, (polylines, hatches) in _layers(job, options):
            file.write(LAYER.pack(127, top_um))
            for kind, points in polylines:
                file.write(struct.pack("<H3i", 130, kind, _turn(points), len(points)) + points.astype("<f4").tobytes())
            for kind, lines in hatches:
                file.write(struct.pack("<H2i", 132, kind, len(lines)) + lines.astype("<f4").tobytes())


def _header(job: PrintJob, form: str) -> bytes:
    low = np.min([p.bounds_um[0] for p in job.parts], axis=0) if job.parts else np.zeros(3)
    high = np.max([p.bounds_um[1] for p in job.parts], axis=0) if job.parts else np.zeros(3)
    box = ",".join(f"{v:.4f}" for v in (*low.tolist(), *high.tolist()))
    labels = "".join(f"$$LABEL/{number},{kind}\n" for kind, number in IDS.items())
    return (
        f"$$HEADERSTART\n// pmsl {__version__} //\n$${form}\n$$UNITS/{UNITS}\n$$VERSION/200\n{labels}$$DIMENSION/{box}\n"
        f"$$LAYERS/{job.n_layers + 1:06d}\n$$HEADEREND\n"
    ).encode("ascii")


def _layers(job: PrintJob, options: WriteOptions) -> Iterator[tuple[float, Lines]]:
    """Yield the top of every layer [µm] and its lines."""
    lines = _drawn(job) if job.drawn else _contours(job, options)
    for k, of_layer in enumerate(lines):
        yield float(job.grid.z_edges_um[k + 1]), of_layer
        if options.progress is not None:
            options.progress(k + 1, job.n_layers)


def _drawn(job: PrintJob) -> Iterator[Lines]:
    for k in range(job.n_layers):
        groups = [group for e in job.bare(k).exposures if e.drawing is not None for group in e.drawing.groups]
        borders = [(IDS[g.kind], line.points_um) for g in groups if g.kind == "border" for line in g.polylines()]
        yield borders, [(IDS[g.kind], _hatches(g)) for g in groups if g.kind != "border"]


def _hatches(group: DrawnLines) -> np.ndarray:
    return group.segments_um


def _contours(job: PrintJob, options: WriteOptions) -> Iterator[Lines]:
    check_plain(job)
    assert options.contours_of is not None
    for block in options.contours_of(job):
        for i in range(block.n_layers):
            yield [(IDS["border"], np.concatenate([ring, ring[:1]])) for ring in block.rings(i)], []


def check_plain(job: PrintJob) -> None:
    """Refuse a job whose light is more than its contours: raises `TargetError`."""
    process = job.process
    more = {
        "corrections": ", ".join(process.corrections) or (job.correction is not None and "corrected"),
        "coverage": process.coverage == "volume" and "volume",
        "regions": (process.regions is not None or bool(job.regions)) and "doses of their own",
        "dose_scale": next((f"{p.dose_scale:g}" for p in job.parts if p.dose_scale != 1.0), ""),
    }
    for field, value in more.items():
        if value:
            raise TargetError(
                f"cli holds lines, and the light of this job is in grays: {field} is {value}; it must be plain: slice without it, or write "
                "a format of pictures",
                field,
                value,
                "plain",
            )


def _turn(points: np.ndarray) -> int:
    """Return the direction of a closed polyline: outer contours turn counter-clockwise."""
    x, y = points.T
    return OUTER if float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) > 0 else INNER


def _number(value_um: float) -> bytes:
    return f"{value_um:.4f}".rstrip("0").rstrip(".").encode("ascii")


def _numbers(points: np.ndarray) -> bytes:
    """Write numbers to a ten-thousandth of a micrometre."""
    flat = points.reshape(-1).tolist()
    return (",".join(["%.4f"] * len(flat)) % tuple(flat)).encode("ascii")


def read_contours(path: Path) -> Contours:
    """Read the closed polylines of a file, each height the middle of its layer; hatches are read and left."""
    return _as_contours(read_layers(path), str(path))


def _as_contours(layers: Iterable[CliLayer], where: str) -> Contours:
    rings, tops = list[list[np.ndarray]](), [0.0]
    for layer in layers:
        if layer.top_um > tops[-1]:
            tops.append(layer.top_um)
            rings.append([line.points_um[:-1] for line in layer.polylines if line.turn in (INNER, OUTER)])
    if len(tops) < 2:
        raise JobError(f"{where}: holds no layers")
    edges = np.array(tops)
    return stacked(rings, edges[:-1] + 0.5 * np.diff(edges))
