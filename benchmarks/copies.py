"""What do 200 copies of a part cost beside one, and are their masks those of 200 parts?

One thread, kernels loaded; seconds of the best of some runs. "index" is what makes a part ready to be cut (crossings), "masks" and
"frames" are summed over the layers that the row says. The bound is load and index of one copy, and 200 times twice the masks and frames
of one. "peak of index" is what `tracemalloc` sees numpy ask for. The error is the largest difference in coverage, over some copies and
layers, between the field of all and that copy cut by itself as a solid of its own.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import meshes
import numpy as np

import pmsl
from pmsl.formats.frames.png_write import encode_mask
from pmsl.masks import AreaMasks, masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid

SCALE, ARRAY, GAP_UM = 0.04, (20, 10), (130.3, 77.7)
LAYERS = 20
PRINTER = "pmsl-10um"


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield two rows a part: one copy, and an array."""
    for mesh, mode in ((meshes.ellipsoid80k(), "area"), (meshes.ellipsoid80k(), "volume"), (meshes.ellipsoid1300k(), "area")):
        if mesh.path is None:
            yield {"skipped": f"{mesh.name}: {mesh.skipped}"}
            continue
        one = _row(mesh, mode, (1, 1), 1 if quick else 3)
        many = _row(mesh, mode, ARRAY, 1 if quick else 3)
        count = ARRAY[0] * ARRAY[1]
        bound = one["load s"] + one["index s"] + 2 * count * (one["masks s"] + one["frames s"])
        yield one
        yield many | {"bound s": bound, "of the bound": many["all s"] / bound, "met": "yes" if many["all s"] <= bound else "NO"}


def _row(mesh: meshes.Mesh, mode: str, array: tuple[int, int], repeats: int) -> dict[str, Any]:
    printer, resin = pmsl.find_printer(PRINTER), pmsl.find_resin("pr48-405")
    load_s, solid = _best(lambda: pmsl.load_solid(str(mesh.path)), repeats)
    place_s, placed = _best(lambda: pmsl.place_copies([solid], printer, resin, array, spacing_um=GAP_UM, scale=(SCALE,) * 3), repeats)
    grid = pmsl.prepare(placed, printer, resin).grid
    index_s, maker = _best(lambda: masks_of(placed.parts, grid, mode), repeats)
    layers = np.linspace(0, grid.n_layers - 1, LAYERS).round().astype(int).tolist()
    maker.mask(layers[0])
    masks_s, masks = _best(lambda: [maker.mask(k) for k in layers], repeats)
    orientation = printer.turn
    frames_s, frames = _best(lambda: [encode_mask(mask, orientation, False) for mask in masks], repeats)
    return {
        "part": mesh.name,
        "coverage": mode,
        "copies": array[0] * array[1],
        "layers": len(layers),
        "load s": load_s,
        "place s": place_s,
        "index s": index_s,
        "masks s": masks_s,
        "frames s": frames_s,
        "all s": load_s + place_s + index_s + masks_s + frames_s,
        "peak of index, MiB": _peak(lambda: masks_of(placed.parts, grid, mode)),
        "frames MB": sum(map(len, frames)) / 1e6,
        "ERROR coverage": _error(maker, placed.parts, layers[:: max(LAYERS // 3, 1)]),
    }


def _best(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest wall time of a call, and what it returned."""
    best = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        out = call()
        best = min(best, time.perf_counter() - began)
    return best, out


def _peak(call: Callable[[], Any]) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def _error(maker: AreaMasks, parts: tuple[Part, ...], layers: list[int]) -> float:
    """Largest difference between the field of all copies and single ones, inside their boxes."""
    worst, grid = 0.0, maker.grid
    for part in parts[:: max(len(parts) // 3, 1)]:
        alone = Solid.from_arrays(part.placed_um(), part.solid.faces)
        single = masks_of([alone], grid, maker.mode)
        (x0, y0), (x1, y1) = ((part.bounds_um()[:, :2] - grid.origin_um) / grid.pitch_um).round().astype(int).tolist()
        box = slice(max(y0 - 1, 0), y1 + 2), slice(max(x0 - 1, 0), x1 + 2)
        worst = max(worst, *(float(np.abs(maker.coverage(k)[box] - single.coverage(k)[box]).max()) for k in layers))
    return worst
