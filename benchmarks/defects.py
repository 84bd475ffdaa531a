"""What do masks of broken meshes look like: pmsl and other tools beside each other, against the answer that is right?

Every tool gets the same binary STL and makes one 8-bit PNG a layer. Each cell has the verdict and the largest error over all layers
of at least 5 % of the largest area: of the lit area, and, where pixels are clearly wrong, their share of the part (off by more
than half, with no edge of the right answer within two pixels: a coarse outline does not count). "right": at most 0.5 % of the area
(5 % for tools without grays, which paint what an outline touches) and at most 0.5 % of pixels clearly wrong. "refused": no mask, and
the tool said so. The right answer is that of the mesh before it was damaged, in plain numpy; of a real file, what it was meant to be.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import defect_meshes
import exact_frames
import meshes
import numpy as np
from defect_meshes import Case
from exact_frames import Raster
from measure import process
from peer_tools import PEERS, PMSL, PMSL_VOLUME, PRUSA, SKIA, Tool, Work, decoded, frames

WORK = Work("defects", 300, 300, 10.0, 24, 100.0)
LIMIT_S = 60.0
LARGE = 0.05  # of the largest area: a smaller layer does not count
AREA, AREA_BINARY, PIXELS = 0.005, 0.05, 0.005  # what is still right
BESIDE = 2  # pixels from an edge within which a coarse outline may be off
QUICK = (PRUSA, SKIA)


@dataclass(frozen=True)
class Found:
    """What came of one mesh with one tool: the cell, and why where there are no masks."""

    cell: str
    why: str = ""


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the tools, a row a defect with a cell for every tool, then why a tool has no masks."""
    tools = [PMSL, *([] if quick else [PMSL_VOLUME]), *(QUICK if quick else PEERS.values())]
    for tool in tools:
        if tool.missing():
            yield {"skipped": f"{tool.name}: {tool.missing()} not installed"}
        else:
            yield {"table": "tools", "tool": tool.name, "version": tool.version(), "gray": tool.gray}
    tools = [tool for tool in tools if not tool.missing()]
    reasons = []
    for case in defect_meshes.cases(quick):
        if case.skipped:
            yield {"skipped": f"{case.name}: {case.skipped}"}
            continue
        found = {tool.name: _tried(tool, case) for tool in tools}
        yield {"table": f"{WORK.told()}, {WORK.layers} layers", "defect": case.name, "triangles": len(case.given)} | {
            name: one.cell for name, one in found.items()
        }
        reasons += [{"table": "no masks", "defect": case.name, "tool": name, "why": one.why} for name, one in found.items() if one.why]
    yield from reasons


def _tried(tool: Tool, case: Case) -> Found:
    """Run one tool on one mesh and judge its frames."""
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        mesh, out = Path(scratch) / "mesh.stl", Path(scratch) / f"out{tool.suffix}"
        meshes.write_corners(mesh, case.given)
        try:
            process(tool.command(WORK, mesh, out), limit_s=LIMIT_S)
            made = [decoded(png, tool, WORK) for png in frames(out)]
        except (RuntimeError, OSError) as failed:
            why = str(failed).strip().splitlines()[-1].replace(str(mesh), "mesh.stl")[:160]
            return Found("refused" if "refuse" in why or "--repair none" in why else "failed", why)
    mode = "volume" if tool is PMSL_VOLUME else "area"
    return Found(judged(made, lambda k: case_coverage(case, k, mode), AREA_BINARY if tool.gray == "binary" else AREA))


def case_coverage(case: Case, k: int, mode: str) -> np.ndarray:
    """Return the right answer of layer k: (ny, nx) float64; of a volume the mean of many sections."""
    raster = Raster(WORK.nx, WORK.ny, WORK.pitch_um)
    many = 16 if mode == "volume" else 1
    heights = (k + (np.arange(many) + 0.5) / many) * WORK.layer_um
    triangles = case.wanted.astype(np.float32).astype(np.float64) * 1000.0  # as the file has them
    planes = [exact_frames.coverage(exact_frames.section_px(triangles, z, raster), (0, WORK.ny), WORK.nx) for z in heights]
    return np.mean(planes, axis=0)


def judged(made: list[np.ndarray], wanted: Callable[[int], np.ndarray], area_limit: float) -> str:
    """Hold all frames against the right answer and write the cell; a frame that was not made is dark."""
    right = [wanted(k) for k in range(WORK.layers)]
    areas = np.array([r.sum() for r in right])
    area = pixels = 0.0
    for k in np.flatnonzero(areas >= LARGE * areas.max()):
        frame = made[k] / 255.0 if k < len(made) else np.zeros_like(right[k])
        area = max(area, abs(frame.sum() / areas[k] - 1.0))
        pixels = max(pixels, float(((np.abs(frame - right[k]) > 0.5) & ~_beside_edge(right[k])).sum() / areas[k]))
    told = f"{100 * area:.3g} %" + (f", {100 * pixels:.3g} % px" if pixels > 0 else "")
    return f"{'right' if area <= area_limit and pixels <= PIXELS else 'WRONG'} {told}"


def _beside_edge(right: np.ndarray) -> np.ndarray:
    """Tell which pixels have both dark and lit ones, or a gray one, within a few pixels."""
    wide = np.pad(right, BESIDE, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(wide, (2 * BESIDE + 1, 2 * BESIDE + 1))
    return around.max(axis=(2, 3)) - around.min(axis=(2, 3)) > 1.0 / 255.0
