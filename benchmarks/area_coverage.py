"""What does exact area coverage of one layer cost, on one thread, and how exact is it?

500 layers of 10 µm at 1920 x 1080 pixels of 10 µm (fewer where the part is lower). Beside each part, in the same turn:
a dense prefix sum (float32 cumsum of a full frame to uint8) and a plain fill of one uint8 frame.
The second table doubles the resolution in x and y: a cost that grows with the boundary doubles, one that grows with pixels is fourfold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import exact
import meshes
import numpy as np
from measure import in_turn, seconds

import pmsl
from pmsl.masks import AreaMasks, masks_of

PARTS = (meshes.ellipsoid80k, meshes.ellipsoid1300k, meshes.benchy, meshes.chip)
SHAPE, PITCH_UM, LAYER_UM, HEIGHT_UM = (1080, 1920), 10.0, 10.0, 5000.0


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part, then a row a part at doubled resolution."""
    made = []
    for mesh in PARTS:
        if mesh().path is None:
            yield {"skipped": f"{mesh().name}: {mesh().skipped}"}
            continue
        name, part = mesh().name, placed(mesh())
        made.append((name, part))
        yield {"table": "cost a layer, one thread"} | _cost(name, part, quick)
    for name, part in made:
        yield {"table": "doubled resolution in x and y"} | _scaling(name, part, quick)


def placed(mesh: meshes.Mesh) -> Any:
    """Load a mesh and put it into the field; to 5 mm height, or what fits, where it asks for that."""
    assert mesh.path is not None
    solid = pmsl.load_solid(mesh.path)
    size = solid.bounds_um[1] - solid.bounds_um[0]
    field = np.array([*meshes.FIELD_MM, HEIGHT_UM / 1000.0]) * 1000.0
    factor = float((field / size).min()) if mesh.fit else 1.0
    return pmsl.place([solid], pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405"), scale=(factor,) * 3)


def grid_of(part: Any, finer: int = 1) -> pmsl.Grid:
    """Return the grid of the question's pixels and layers, as high as the part."""
    layers = max(1, int(np.ceil(part.bounds_um[1, 2] / LAYER_UM - 1e-3)))
    shape = (SHAPE[0] * finer, SHAPE[1] * finer)
    return pmsl.Grid(origin_um=(0.0, 0.0), pitch_um=PITCH_UM / finer, shape=shape, z_edges_um=LAYER_UM * np.arange(layers + 1))


def _limits() -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the two passes over a full frame that the cost is set beside."""
    differences, sums = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    frame = np.zeros(SHAPE, np.uint8)
    differences[:, 100], differences[:, 1800] = 1.0, -1.0

    def prefix_sum() -> None:
        np.cumsum(differences, axis=1, out=sums)
        np.multiply(sums, 255.0, out=sums)
        np.copyto(frame, sums, casting="unsafe")

    return prefix_sum, lambda: frame.fill(7)


def _cost(name: str, part: Any, quick: bool) -> dict[str, Any]:
    parts, grid = list(part.parts), grid_of(part)
    maker = masks_of(parts, grid)
    layers = range(0, grid.n_layers, 10 if quick else 1)
    prefix_sum, fill = _limits()
    scratch = np.zeros((1 << 17, 4))
    work = [
        lambda: [maker.mask(k) for k in layers],
        lambda: [maker.index.segments(k, scratch) for k in layers],
        lambda: [prefix_sum() for _ in range(20)],
        lambda: [fill() for _ in range(100)],
        lambda: masks_of(parts, grid),
    ]
    first = seconds(work[0])
    mask, cut, dense, filled, index = in_turn(work, 3 if quick else 7)
    times = {"index": index, "first pass": first / len(layers), "mask": mask / len(layers), "of it cut": cut / len(layers)}
    limits = {"prefix sum": dense / 20, "fill": filled / 100}
    return {
        "part": name,
        "triangles": sum(p.solid.n_faces for p in parts),
        "layers": grid.n_layers,
        **{f"{what} ms": s * 1e3 for what, s in times.items()},
        "segments": float(np.mean([maker.index.segments(k, scratch)[1] for k in layers])),
        "runs": float(np.mean([len(maker.mask(k).runs().col) for k in layers])),
        **{f"{what} ms": s * 1e3 for what, s in limits.items()},
        **{f"mask/{what}": times["mask"] / s for what, s in limits.items()},
        **_errors(maker, parts, 20 if quick else 200),
    }


def _errors(maker: AreaMasks, parts: list, pixels: int) -> dict[str, Any]:
    """Largest errors on sampled boundary pixels, and of the summed area of every tenth layer."""
    n = maker.grid.n_layers
    try:
        coverage, sixteen = exact.mask_errors(maker, parts, sorted({0, n // 7, n // 3, n // 2, n - 1}), pixels)
    except pmsl.errors.MeshError as err:
        return {"ERROR coverage": f"no reference: {err}"[:60]}
    layers = np.arange(0, n, 10)
    wanted = exact.section_areas(exact.triangles_um(parts), maker.grid.mid_planes_um[layers]).sum() / maker.grid.pixel_um2
    exactly = sum(float(maker.coverage(int(k)).sum()) for k in layers)
    rounded = sum(maker.mask(int(k)).sum_px() for k in layers)
    return {
        "ERROR coverage": coverage,
        "ERROR u16 (1/65535)": sixteen,
        "ERROR area": abs(exactly / wanted - 1.0),
        "ERROR area u16": abs(rounded / wanted - 1.0),
    }


def _scaling(name: str, part: Any, quick: bool) -> dict[str, Any]:
    parts = list(part.parts)
    makers = [masks_of(parts, grid_of(part, finer)) for finer in (1, 2)]
    layers = range(0, makers[0].grid.n_layers, 10 if quick else 2)
    work = [lambda m=m: [m.mask(k) for k in layers] for m in makers]
    for call in work:
        call()
    once, twice = in_turn(work, 3 if quick else 5)
    n = makers[1].grid.n_layers
    coverage, sixteen = exact.mask_errors(makers[1], parts, [n // 3, n // 2], 20 if quick else 100)
    return {
        "part": name,
        "1920x1080 mask ms": once / len(layers) * 1e3,
        "3840x2160 mask ms": twice / len(layers) * 1e3,
        "ratio": twice / once,
        "ERROR coverage": coverage,
        "ERROR u16 (1/65535)": sixteen,
    }
