"""How near do corrected walls and faces land, beside plain coverage and its best constant offset, and what does a corrected layer cost?

Squares and circles with walls of one tilt, channels and membranes, printed by tests/forward_model.py. Errors are
distances along the normal from the designed contour to the printed one in the middle of each slab in pixels, three and more from
corners; of faces heights in µm, one pixel and more from walls. The best offset is the one best for its row: no row shares it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import direct_sums
import forward_model as ruler
from forward_model import PITCH, H, Stack
from meshes import REPOSITORY

import pmsl
from pmsl import Grid
from pmsl.correct import Corrector
from pmsl.masks import masks_of
from pmsl.slicing import z_edges_um

CENTRE, N = (190.3, 191.1), 50
TILTS = {"vertical": 0, "needle 10°": -10, "needle 30°": -30, "overhang 15°": 15, "overhang 30°": 29.9}
ANGLES = (0, 7, 26.6, 45, "circle")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield walls, faces, costs."""
    for sigma in (0.36, 0.5):
        for kind, tilt in TILTS.items():
            for angle in ANGLES[1:3] if quick else ANGLES:
                yield {"table": "walls, |error| in px: median, 95 %"} | _walls(kind, tilt, angle, sigma, quick)
    for sigma in (0.36, 0.5):
        yield {"table": "corners of a square, |error| in px within 3 px of them: median, 95 %"} | _corners(sigma)
    for dp in (11.0, 20.0, 40.0):
        for memory in ("enclosed", "open"):
            yield {"table": "faces, |error| in µm: median, 95 %"} | _roofs(dp, memory, quick)
    for dp in (11.0, 20.0, 40.0):
        yield {"table": "membranes, |error| in µm: median, 95 %"} | _membranes(dp, quick)
    for name in direct_sums.CASES:
        yield {"table": "other light, a channel in a block by direct sums, |error|: median, 95 %"} | _other_light(name)
    for name in ("microfluidic_chip", "droplet_generator", "microneedle_array", "gyroid_lattice"):
        yield {"table": "cost on one thread, a layer with its share of the halo"} | _cost(name, quick)


def _other_light(name: str) -> dict[str, Any]:
    """Scatter [µm² per µm], tails and a measured spot, which no plain spot holds."""
    walls, roofs = direct_sums.printed(name)
    return {"light": name, "walls [px]": _spread(walls), "roofs [µm]": _spread(roofs)}


def _spread(errors: np.ndarray) -> str:
    return f"{np.median(np.abs(errors)):.3f}, {np.percentile(np.abs(errors), 95):.3f}"


def _walls(kind: str, tilt: float, angle: Any, sigma: float, quick: bool) -> dict[str, Any]:
    layers = 14
    top, slope = layers * H, np.tan(np.radians(tilt))
    low = 110.0 if slope <= 0 else 110.0 - slope * top
    grid, dp = ruler.grid_of(N, N, layers), 20.94
    white = ruler.white_of(grid, dp)

    def ring(r: float) -> np.ndarray:
        return ruler.circle(r, CENTRE) if angle == "circle" else ruler.square(r, angle, CENTRE)

    def solid(offset_px: float = 0.0) -> Any:
        wide = low + offset_px * PITCH
        return ruler.frustum(ring(wide), ring(wide + slope * top), 0, top)

    def errors(maker: Any) -> np.ndarray:
        stack = Stack.of(ruler.frames_of(maker, layers), white, grid, dp, sigma)
        found = []
        for z in grid.mid_planes_um:
            if angle == "circle":
                turn = np.linspace(0, 2 * np.pi, 99 if quick else 149, endpoint=False)
                outward = np.stack([np.sin(turn), np.cos(turn)], axis=1)
                at = (np.array(CENTRE)[::-1] + (low + slope * z) * outward) / PITCH
                found.append(stack.edge_errors(at[:, 0], at[:, 1], outward, z, 1.8))
            else:
                found.append(stack.edge_errors(*ruler.ring_points(ring(low + slope * z), 5.3), z, 1.8))
        return np.concatenate(found)

    offsets = np.arange(-1.6, 0.41, 0.4 if quick else 0.2)
    tried = [errors(masks_of([solid(o)], grid)) for o in offsets]
    best = int(np.argmin([np.percentile(np.abs(e), 95) for e in tried]))
    corrector = Corrector([solid()], grid, ruler.printer_of((N, N), sigma), ruler.resin_of(dp), white)
    return {
        "σ/p": sigma,
        "wall": kind,
        "angle": str(angle),
        "plain": _spread(errors(masks_of([solid()], grid))),
        "best offset px": round(float(offsets[best]), 2),
        "with it": _spread(tried[best]),
        "ERROR corrected": _spread(errors(corrector)),
    }


def _corners(sigma: float) -> dict[str, Any]:
    grid, row = ruler.grid_of(N, N, 12), {"σ/p": sigma}
    white = ruler.white_of(grid)
    for angle in (0, 26.6):
        ring = ruler.square(110, angle, CENTRE)
        solid = ruler.frustum(ring, ring, 0, 120)
        corrector = Corrector([solid], grid, ruler.printer_of((N, N), sigma), ruler.resin_of(), white)
        y, x, outward = ruler.ring_points(ring, 1.3, 0.3 * PITCH)
        corners = ring[:, ::-1] / PITCH
        near = np.abs(np.stack([y, x], axis=1)[:, None] - corners[None]).max(axis=2).min(axis=1) < 3
        for name, maker in (("plain", masks_of([solid], grid)), ("ERROR corrected", corrector)):
            stack = Stack.of(ruler.frames_of(maker, 12), white, grid, 20.94, sigma)
            errors = [stack.edge_errors(y[near], x[near], outward[near], z, 1.8) for z in grid.mid_planes_um]
            row[f"{name}, {angle}°"] = _spread(np.concatenate(errors))
    return row


def _roofs(dp: float, memory: str, quick: bool) -> dict[str, Any]:
    grid, at = ruler.grid_of(N, N, 26), ruler.over(110.3, 270.3)
    white = ruler.white_of(grid, dp)
    plain, found, told = [], [], {}
    for roof in np.linspace(120, 129.9, 3 if quick else 8):
        solid = ruler.channel(roof, 260.0)
        corrector = Corrector([solid], grid, ruler.printer_of((N, N)), ruler.resin_of(dp, memory), white)
        for maker, into in ((masks_of([solid], grid), plain), (corrector, found)):
            into.append(Stack.of(ruler.frames_of(maker, 26), white, grid, dp, 0.36).face_errors(*at, roof, memory))
        for case, errors in corrector.prediction(12).face_errors_um.items():
            told.setdefault(case, []).append(errors)
    band = {case: f"{np.median(np.concatenate(errors)):.1f}" for case, errors in told.items() if case != memory}
    return {"Dp": dp, "memory": memory, "plain": _spread(np.concatenate(plain)), "ERROR corrected": _spread(np.concatenate(found))} | {
        "if the other memory": band["open" if memory == "enclosed" else "enclosed"],
        "if Ec -10, +10 %": f"{band['ec_low']}, {band['ec_high']}",
        "if Dp -10, +10 %": f"{band['dp_low']}, {band['dp_high']}",
    }


def _membranes(dp: float, quick: bool) -> dict[str, Any]:
    from solids import box

    row: dict[str, Any] = {"Dp": dp}
    for layers in (1, 6) if quick else (1, 2, 3, 6):
        found: dict[str, list[np.ndarray]] = {"plain": [], "ERROR": []}
        for shift in (0.0,) if quick else (0.0, 1.1, 3.3, 5.6):  # of the walls that hold it, over the pixels
            low, high, top = 110.3 + shift, 270.3 + 1.3 * shift, 160 + layers * H
            parts = [box((20.9, 20.7, 0), (low, 360, top)), box((high, 20.7, 0), (360, 360, top))]
            parts += [box((low - 5, 20.7, 0), (high + 5, 360, 40)), box((low - 5, 20.7, 100), (high + 5, 360, 100 + layers * H))]
            grid = ruler.grid_of(N, N, round(top / H))
            white = ruler.white_of(grid, dp)
            corrector = Corrector(parts, grid, ruler.printer_of((N, N)), ruler.resin_of(dp), white)
            for name, maker in (("plain", masks_of(parts, grid)), ("ERROR", corrector)):
                stack = Stack.of(ruler.frames_of(maker, grid.n_layers), white, grid, dp, 0.36)
                found[name].append(stack.face_errors(*ruler.over(low, high), 100.0))
        row |= {f"{name} of {layers} layers": _spread(np.concatenate(errors)) for name, errors in found.items()}
    return row


def _cost(name: str, quick: bool) -> dict[str, Any]:
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), ruler.resin_of()
    placed = pmsl.place([pmsl.load_solid(REPOSITORY / "sample_meshes" / f"{name}.stl", unit="mm")], printer, resin)
    process = pmsl.find_process("default")
    edges = z_edges_um(float(placed.bounds_um[1, 2]), process)
    grid = Grid(origin_um=(0, 0), pitch_um=printer.optics.pitch_um.value, shape=printer.dmd.shape.value, z_edges_um=edges)
    corrector = Corrector(placed.parts, grid, printer, resin, ruler.white_of(grid))
    corrector.images(0)  # compiles, and solves the first block
    first = min(corrector.latency_layers - corrector.halo, grid.n_layers - 1)
    some = range(first, min(first + (4 if quick else first), grid.n_layers))
    solved = min(first + first + corrector.halo, grid.n_layers) - first
    began = time.process_time()
    for k in some:
        corrector.images(k)
    ms = 1000 * (time.process_time() - began)
    points = len(corrector.prediction(first).wall_misses)
    return {"part": name, "Mpx": round(grid.shape[0] * grid.shape[1] / 1e6, 1), "wall points": points, "CPU ms": ms / len(some)} | {
        "CPU ms a solved layer": ms / solved,
        "halo layers": corrector.halo,
    }
