"""What do masks of broken meshes look like: pmsl and other tools beside each other, against the answer that is right?

Every tool gets the same binary STL (3MF in rows on what a 3MF names) and makes one 8-bit PNG a layer. Layers of at least 5 % of the
largest area count. A cell is "right" where in all of them the lit area is within 0.5 % (of tools without grays it does not count, as
they paint what an outline touches), and at most 0.5 % of the part's pixels are clearly wrong: by more than half, with no edge of the
right answer in them or beside them. The number is the largest error of the area; where WRONG the largest of both, and in how many of
the layers. "refused": no masks, and the tool said so. The right answer is that of the mesh before it was damaged, in plain numpy; of a
real file, what was meant.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import defect_meshes
import exact_frames
import numpy as np
from defect_meshes import Case
from exact_frames import Raster
from measure import process
from peer_tools import PEERS, PMSL, PRUSA, SKIA, TRIMESH, Tool, Work, decoded, frames

WORK = Work("defects", 300, 300, 10.0, 24, 100.0)
LIMIT_S = 60.0
LARGE = 0.05  # of the largest area: a smaller layer does not count
AREA, PIXELS = 0.005, 0.005  # what is still right
BESIDE = 1  # pixels from an edge within which a coarse outline may be off
QUICK = (PRUSA, SKIA)
READ_3MF = (PMSL, PRUSA, SKIA, TRIMESH)


@dataclass(frozen=True)
class Found:
    """What came of one mesh with one tool: the cell, and why where there are no masks."""

    cell: str
    why: str = ""


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the tools, a row a defect with a cell for every tool, then why a tool has no masks."""
    tools = [PMSL, *(QUICK if quick else PEERS.values())]
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
        right = right_masks(case)
        found = {tool.name: _tried(tool, case, right) for tool in tools}
        yield {"table": f"{WORK.told()}, {WORK.layers} layers", "defect": case.name, "triangles": len(case.given)} | {
            name: one.cell for name, one in found.items()
        }
        reasons += [{"table": "no masks", "defect": case.name, "tool": name, "why": one.why} for name, one in found.items() if one.why]
    yield from reasons


def _tried(tool: Tool, case: Case, right: list[np.ndarray]) -> Found:
    """Run one tool on one mesh and judge its frames."""
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        mesh, out = case.write(Path(scratch)), Path(scratch) / f"out{tool.suffix}"
        if mesh.suffix == ".3mf" and tool not in READ_3MF:
            return Found("reads no 3MF")
        try:
            process(tool.command(WORK, mesh, out), limit_s=LIMIT_S)
            made = [np.zeros((WORK.ny, WORK.nx)) if png is None else decoded(png, tool, WORK) for png in _by_layer(out, tool)]
        except (RuntimeError, OSError) as failed:
            why = str(failed).strip().splitlines()[-1].replace(str(mesh), mesh.name)[:160]
            return Found("refused" if "refuse" in why or "cannot be known" in why else "failed", why)
    return Found(judged(made, right, np.inf if tool.gray == "binary" else AREA))


def _by_layer(out: Path, tool: Tool) -> list[bytes | None]:
    """Return the PNG of every layer; a job of ours has none for a layer that is dark."""
    files = frames(out)
    if tool is not PMSL:
        return list(files)
    with zipfile.ZipFile(out) as archive:
        layers = json.loads(archive.read("job.json"))["layers"]
        return [archive.read(layer["exposures"][0]["frame"]) if layer["exposures"] else None for layer in layers]


def right_masks(case: Case) -> list[np.ndarray]:
    """Return the right answer of every layer: list of (ny, nx) float64."""
    raster = Raster(WORK.nx, WORK.ny, WORK.pitch_um)
    triangles = case.wanted.astype(np.float32).astype(np.float64) * 1000.0  # as the file has them
    cut = (exact_frames.section_px(triangles, (k + 0.5) * WORK.layer_um, raster) for k in range(WORK.layers))
    return [exact_frames.coverage(segments, (0, WORK.ny), WORK.nx) for segments in cut]


def judged(made: list[np.ndarray], right: list[np.ndarray], area_limit: float) -> str:
    """Hold all frames against the right answer and write the cell; a frame that was not made is dark."""
    areas = np.array([r.sum() for r in right])
    large = np.flatnonzero(areas >= LARGE * areas.max())
    area, pixels = np.zeros(len(large)), np.zeros(len(large))
    for i, k in enumerate(large):
        frame = made[k] / 255.0 if k < len(made) else np.zeros_like(right[k])
        area[i] = abs(frame.sum() / areas[k] - 1.0)
        pixels[i] = ((np.abs(frame - right[k]) > 0.5) & ~_beside_edge(right[k])).sum() / areas[k]
    wrong = int(((area > area_limit) | (pixels > PIXELS)).sum())
    if wrong == 0:
        return f"right {100 * area.max():.2g} %"
    return f"WRONG {100 * max(area.max(), pixels.max()):.3g} %, {wrong}/{len(large)}"


def _beside_edge(right: np.ndarray) -> np.ndarray:
    """Tell which pixels have both dark and lit ones, or a gray one, within a few pixels."""
    low, high = right, right
    for axis in (0, 1):
        low, high = (_reach(a, axis, f) for a, f in ((low, np.minimum), (high, np.maximum)))
    return high - low > 1.0 / 255.0


def _reach(image: np.ndarray, axis: int, f: np.ufunc) -> np.ndarray:
    """Return the extreme of every pixel and its neighbours along one axis."""
    wide = np.pad(image, [(BESIDE, BESIDE) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
    n = image.shape[axis]
    return f.reduce([wide.take(range(i, i + n), axis=axis) for i in range(2 * BESIDE + 1)])
