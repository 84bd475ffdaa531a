"""How does pmsl compare with other tools on the same work, side by side: time, memory, bytes, and the error of the masks?

Whole processes, STL in, one 8-bit PNG a layer out, pmsl and the peer in turn (A B A B ...): medians, and the median, smallest
and largest of the pairwise ratios pmsl/peer. PNG bytes are those of the frames, whatever archive is round them. Errors are in
gray levels of 255 on four or five layers against exact area in plain numpy; rounding alone is 0.5, and about 0.29 RMS at pixels
partly covered. The limits beside them: to write the same bytes into as many files, and to fill as many frames.
One cell: python benchmarks/peers.py --peer prusa-slicer --mesh needles --work W1 --pairs 3
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import exact_frames
import meshes
import meshes_heavy
import numpy as np
from end_to_end import seconds_to_write
from exact_frames import Raster
from measure import Process, process, seconds
from peer_tools import PEERS, PMSL, PRUSA, PYSLM, PYVISTA, SKIA, STLTOVOXEL, TRIMESH, WORKS, Tool, Work, decoded, frames

LIMIT_S = 600.0
SAMPLES = (0.165, 0.33, 0.5, 0.72, 0.85)  # of the height: in the chip's channels of each width and its posts, and off every flat face
MESHES: dict[str, Callable[[], meshes.Mesh]] = {
    "ellipsoid5k": lambda: meshes.ellipsoid(4, "ellipsoid5k"),
    "ellipsoid80k": meshes.ellipsoid80k,
    "ellipsoid1300k": meshes.ellipsoid1300k,
    "gyroid": meshes_heavy.gyroid,
    "chip": meshes_heavy.channels,
    "needles": meshes_heavy.needles,
    "benchy": meshes_heavy.benchy,
}
LARGE = [name for name in MESHES if name != "ellipsoid5k"]
Errors = Callable[[Sequence[Tool], Sequence[list[bytes]], Path, Work], list[tuple[float, float]]]
Cell = tuple[Tool, str, str, int, int]  # peer, mesh, work, layers of the same height (0: the work's own), pairs
CELLS: tuple[Cell, ...] = (
    *((PRUSA, mesh, "W1", 0, 3 if mesh == "needles" else 5) for mesh in LARGE),
    *((PRUSA, mesh, "W2", 0, 3) for mesh in ("ellipsoid1300k", "gyroid", "benchy")),
    *((PRUSA, mesh, "W3", 0, 3) for mesh in ("ellipsoid1300k", "gyroid")),
    *((PYVISTA, mesh, "W1", 0, 3) for mesh in LARGE),
    *((SKIA, mesh, "W1", 0, 3) for mesh in ("ellipsoid80k", "ellipsoid1300k", "chip")),
    *((SKIA, mesh, "W1", 40, 3) for mesh in ("gyroid", "needles")),
    *((TRIMESH, mesh, "W1", 0, 3) for mesh in ("ellipsoid80k", "benchy")),
    *((TRIMESH, mesh, "W1", 40, 1) for mesh in ("ellipsoid1300k", "gyroid", "chip", "needles")),
    *((PYSLM, mesh, "W1", 0, 3) for mesh in ("ellipsoid80k", "benchy")),
    *((PYSLM, mesh, "W1", 40, 1) for mesh in ("gyroid", "chip")),
    (STLTOVOXEL, "ellipsoid80k", "W1", 0, 3),
    (STLTOVOXEL, "chip", "W1", 40, 1),
)
QUICK: tuple[Cell, ...] = tuple((peer, "ellipsoid5k", "W0", 0, 1) for peer in PEERS.values())


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the tools, then a row a pair; a peer that is not installed, and a mesh that is not there, as skipped."""
    for tool in (PMSL, *PEERS.values()):
        if tool.missing():
            yield {"skipped": f"{tool.name}: {tool.missing()} not installed"}
        else:
            yield {"table": "tools", "tool": tool.name, "version": tool.version(), "gray": tool.gray}
    cells = [c for c in (QUICK if quick else CELLS) if not c[0].missing()]
    made = {name: MESHES[name]() for name in dict.fromkeys(c[1] for c in cells)}
    yield from ({"skipped": f"{mesh.name}: {mesh.skipped}"} for mesh in made.values() if mesh.path is None)
    for peer, name, work, layers, pairs in cells:
        if made[name].path is not None:
            yield cell(peer, made[name], WORKS[work].of(layers) if layers else WORKS[work], pairs)


def cell(peer: Tool, mesh: meshes.Mesh, work: Work, pairs: int, ours: Tool = PMSL, errors_of: Errors | None = None) -> dict[str, Any]:
    """Run one pair of tools on one mesh; a failure becomes the row's note."""
    began = {"table": f"{work.name.split('/')[0]}: {work.told()}", "mesh": mesh.name, "peer": peer.name, "layers": work.layers}
    print(f"  {work.name} {mesh.name}: {ours.name} and {peer.name}", file=sys.stderr, flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
            assert mesh.path is not None
            return began | {"pairs": pairs} | _measured((ours, peer), mesh.path, work, pairs, Path(scratch), errors_of or mask_errors)
    except (RuntimeError, OSError) as failed:
        return began | {"note": str(failed)}


def _measured(tools: tuple[Tool, Tool], mesh: Path, work: Work, pairs: int, scratch: Path, errors_of: Errors) -> dict[str, Any]:
    turns = [[scratch / f"{turn}-{i}{tool.suffix}" for i, tool in enumerate(tools)] for turn in range(pairs)]
    ran = [[_run(t, mesh, work, out) for t, out in zip(tools, outs, strict=True)] for outs in turns]
    outs = turns[-1]
    found = [frames(out) for out in outs]
    for tool, files in zip(tools, found, strict=True):
        if len(files) != work.layers:
            raise RuntimeError(f"{tool.name} made {len(files)} frames, not {work.layers}")
    off = errors_of(tools, found, mesh, work)
    row = _times(ran) | {f"{w} PNG MB": sum(map(len, f)) / 1e6 for w, f in zip(("pmsl", "peer"), found, strict=True)}
    row |= {
        f"ERROR {w} {what}": v for w, pair in zip(("pmsl", "peer"), off, strict=True) for what, v in zip(("max", "RMS"), pair, strict=True)
    }
    limits = [seconds_to_write(found[0], scratch / f"limit{i}") for i in range(3)]
    return row | {"same bytes s": statistics.median(limits), "fill s": seconds_to_fill(work)}


def _run(tool: Tool, mesh: Path, work: Work, out: Path) -> Process:
    try:  # every run has a name of its own: ext4 makes new files ten times as slowly while others were deleted a moment ago
        return process(tool.command(work, mesh, out), limit_s=LIMIT_S)
    except RuntimeError as failed:
        raise RuntimeError(f"{tool.name}: {str(failed).strip().splitlines()[-1][:120]}") from failed


def _times(ran: list[list[Process]]) -> dict[str, Any]:
    """Return medians of both tools and of their pairwise ratios."""
    ours, peer = zip(*ran, strict=True)
    wall = [a.wall_s / b.wall_s for a, b in ran]
    cpu = [a.cpu_s / b.cpu_s for a, b in ran if a.cpu_s is not None and b.cpu_s]
    told: dict[str, Any] = {"pmsl s": median(p.wall_s for p in ours), "peer s": median(p.wall_s for p in peer)}
    told |= {"wall ratio": statistics.median(wall), "min": min(wall), "max": max(wall)}
    told |= {"pmsl CPU s": median(p.cpu_s for p in ours), "peer CPU s": median(p.cpu_s for p in peer), "CPU ratio": median(cpu)}
    return told | {"pmsl MiB": median(p.peak_mib for p in ours), "peer MiB": median(p.peak_mib for p in peer)}


def median(values: Any) -> float | None:
    """Return the median of what the system told."""
    known = [v for v in values if v is not None]
    return statistics.median(known) if known else None


def seconds_to_fill(work: Work) -> float:
    """Return the wall time of filling as many frames as the work has, one after the other in one plane."""
    plane = np.zeros((work.ny, work.nx), np.uint8)
    return seconds(lambda: [plane.fill(i % 256) for i in range(work.layers)])


def mask_errors(tools: Sequence[Tool], found: Sequence[list[bytes]], mesh: Path, work: Work) -> list[tuple[float, float]]:
    """Return the largest and the RMS error of each tool's frames on a few layers, in gray levels of 255."""
    raster = Raster(work.nx, work.ny, work.pitch_um)
    triangles = exact_frames.triangles_um(mesh)
    layers = sorted({int(s * work.layers) for s in SAMPLES})
    told = []
    for k in layers:
        segments = exact_frames.section_px(triangles, (k + 0.5) * work.layer_um, raster)
        shown = [decoded(files[k], tool, work) for tool, files in zip(tools, found, strict=True)]
        told.append(
            exact_frames.errors(lambda band, s=segments: exact_frames.coverage(s, band, work.nx), shown, exact_frames.bands(raster))
        )
    return exact_frames.summed(told)


def main() -> None:
    """Run one cell and print its row."""
    from rich.console import Console
    from run import header, tables

    parser = argparse.ArgumentParser(description="One cell of the table of pairs.")
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--mesh", choices=MESHES, default="ellipsoid80k")
    parser.add_argument("--work", choices=WORKS, default="W1")
    parser.add_argument("--layers", type=int, default=0, help="the same height in fewer, thicker layers")
    parser.add_argument("--pairs", type=int, default=3)
    wanted = parser.parse_args()
    peer, mesh = PEERS[wanted.peer], MESHES[wanted.mesh]()
    if absent := f"{peer.name}: {peer.missing()} not installed" if peer.missing() else mesh.skipped:
        raise SystemExit(f"SKIPPED {absent}")
    console = Console() if Console().is_terminal else Console(width=260)
    for what, value in header().items():
        console.print(f"{what:<13} {value}", highlight=False)
    work = WORKS[wanted.work].of(wanted.layers) if wanted.layers else WORKS[wanted.work]
    for table in tables([cell(peer, mesh, work, wanted.pairs)]):
        console.print(table)


if __name__ == "__main__":
    main()
