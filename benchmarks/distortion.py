"""What does a layer cost whose optics distort, beside one whose optics do not, and is it as exact?

One thread, kernels loaded, CPU time of the best of some runs: of masks of some layers, and of warping the whole part once. Keystone of 1 %
along x and 2 % along y, k1 = 0.001, on a field of 1920 × 1080 px. The bound is twice the plain masks. The error is the largest
difference in coverage, over the layers, between the warped part and one whose longest edges were cut to a quarter first: what splitting
leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import pmsl
from pmsl.masks import masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.mesh.warp.split_triangles import split
from pmsl.mesh.warp.warped_parts import warped_parts
from pmsl.profiles.printer import Distortion
from pmsl.profiles.tables.strict_struct import Value

LAYERS = 12
SAMPLES = ("gyroid_lattice.stl", "micro_gripper.stl")
SHORT_PX = 2.0


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part and mode."""
    printer = pmsl.find_printer("pmsl-2um")

    def stated(value: Any) -> Value[Any]:
        return Value(value=value, class_="placeholder", source="benchmark")

    keystone = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.005, 0.01)
    distortion = Distortion(keystone=stated(keystone), radial=stated((1e-3, 0.0)))
    bent = msgspec.structs.replace(printer, optics=msgspec.structs.replace(printer.optics, distortion=distortion))
    for name in SAMPLES[:1] if quick else SAMPLES:
        for mode in ("area", "volume"):
            yield _row(name, mode, printer, bent, 1 if quick else 3)


def _row(name: str, mode: str, printer: Any, bent: Any, repeats: int) -> dict[str, Any]:
    solid = pmsl.load_solid(str(Path(__file__).parent.parent / "sample_meshes" / name))
    placed = pmsl.place([solid], printer, pmsl.find_resin("pr48-405"))
    grid = pmsl.prepare(placed, printer, "pr48-405").grid
    field_map = bent.field_map
    warp_s, drawn = _best(lambda: warped_parts(placed.parts, field_map), repeats)
    layers = np.linspace(0, grid.n_layers - 1, LAYERS).round().astype(int).tolist()
    plain_s, _ = _masks(placed.parts, grid, mode, layers, repeats)
    warped_s, maker = _masks(drawn, grid, mode, layers, repeats)
    finer = masks_of(warped_parts(_cut(placed.parts, grid.pitch_um), field_map), grid, mode, "none")
    some = layers[1:-1:5]
    error = max(float(np.abs(maker.coverage(k) - finer.coverage(k)).max()) for k in some)
    return {
        "part": name,
        "coverage": mode,
        "triangles": sum(part.solid.n_faces for part in placed.parts),
        "warped": sum(part.solid.n_faces for part in drawn),
        "warp s": warp_s,
        "plain ms": 1e3 * plain_s / len(layers),
        "distorted ms": 1e3 * warped_s / len(layers),
        "of plain": warped_s / plain_s,
        "met": "yes" if warped_s <= 2 * plain_s else "NO",
        "error": error,
    }


def _masks(parts: Any, grid: Any, mode: str, layers: list[int], repeats: int) -> tuple[float, Any]:
    maker = masks_of(parts, grid, mode, "none")
    for k in layers:
        maker.mask(k)
    return _best(lambda: [maker.mask(k) for k in layers], repeats)[0], maker


def _cut(parts: Any, pitch_um: np.ndarray) -> list[Part]:
    """Return parts with short edges alone."""

    def is_long(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((((a - b)[:, :2] / pitch_um) ** 2).sum(axis=1) > SHORT_PX**2)

    out = []
    for part in parts:
        corners = split(part.corners_um(np.arange(part.solid.n_faces)), is_long)
        out.append(Part(solid=Solid.from_arrays(corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3))))
    return out


def _best(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    seconds, result = [], None
    for _ in range(repeats):
        began = time.process_time()
        result = work()
        seconds.append(time.process_time() - began)
    return min(seconds), result


if __name__ == "__main__":
    for row in rows(quick=True):
        print(row)
