"""Which slabs and parts give light: a job ends with the last slab that does, and a part that lights none is refused.

The masks decide. Where a section fills a good share of the pixels around it no mask is needed to know that one of them is lit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import MeshError
from pmsl.exposure.height_limits import rounded_down
from pmsl.formats.adapt.last_lit_layer import layers_left_out, without_numbers
from pmsl.formats.container.layer_writer import merged
from pmsl.masks import masks_of
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part
from pmsl.profiles import Process
from pmsl.profiles.process import surfaces_placed
from pmsl.slicing.instances import index_parts
from pmsl.slicing.planes import SLACK, slabs_lit

SURE = 0.02  # mean coverage of the pixels around a section, ten times the lowest 8-bit level: one of them is lit wherever the section lies
NOTHING = 1e-6  # of a part's box
UNLIT = ("empty-layer", "layer-too-faint", "layer-without-dose")  # of a layer above the last one with light they say nothing
WHY_DARK = {
    "unreachable-gray": "their gray pixels would not reach the critical dose and are made black (unreachable); "
    "lift them, or make the feature wider",
    "layer-without-dose": "the dose factors of their regions or parts leave them none; raise these, or leave that end off the part",
    "wall-vanished": "contours moved inward leave nothing of them (xy_offset_um); move them less",
}
NOT_LIT = "they fill less than half of their slab, or their pixels by less than half of the lowest gray"
BRIGHT = 8 * 257  # level of a pixel that, shared out to four pixels, still lights one
OF_REGIONS = ("region-outside-field", "region-beside-part")  # untrue of a region that reaches only layers that are left out


class LitLayers(Protocol):
    """What tells how many of its layers have light."""

    def layers_up_to_the_last_lit(self) -> tuple[int, tuple[Finding, ...]]:
        """Count the layers up to the last one with light; also what was found of those above."""


class Stages(Protocol):
    """What `job_setup` makes of a request."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def grid(self) -> Grid:
        """The layers are counted in."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the parts."""

    @property
    def bounds_um(self) -> np.ndarray:
        """Box of the parts."""


S = TypeVar("S", bound=Stages)
P = TypeVar("P", bound=LitLayers)


def up_to_the_last_lit(staged: Callable[[int | None], S], planner_of: Callable[[S], P]) -> tuple[S, P]:
    """Return the stages and the planner of a job that ends with a layer that has light; `staged` makes the former for so many layers.

    What layers are given may depend on those above, so it is looked at again until none is left out.
    """
    first = s = staged(None)
    found: tuple[Finding, ...] = ()
    while True:
        planner = planner_of(s)
        n, more = planner.layers_up_to_the_last_lit()
        found = (*more, *found)
        if n == s.grid.n_layers:
            break
        s = staged(n)
    if s is first:
        return s, planner
    kept = [f for f in s.findings if f.code not in OF_REGIONS or f in first.findings]
    return replace(s, findings=(*kept, *left_out(found, first.grid, n, first.bounds_um))), planner


def layers_up_to_the_last_lit(parts: Sequence[Part], boxes_um: np.ndarray, grid: Grid, process: Process) -> int:
    """Count the layers of a grid up to the last one that is lit.

    Parameters
    ----------
    parts : sequence of Part
        Repaired.
    boxes_um : (P, 2, 3) float64
        Their boxes [µm].
    grid : Grid
        Whose slabs end with the highest part (`pmsl.slicing.z_edges_um`).
    process : Process
        Its coverage; with an offset of contours, or corrections of walls or faces, a layer counts as lit where anything is drawn, for
        they may raise its grays.

    Returns
    -------
    int
        0 where none is lit.
    """
    n, faint = grid.n_layers, _raises_grays(process)
    highest = [part for part, box in zip(parts, boxes_um, strict=True) if slabs_lit(grid.z_edges_um, box[1, 2], process.coverage) >= n]
    if highest and _lights(highest, grid, n - 1, process.coverage, faint):
        return n
    maker = masks_of(parts, grid, process.coverage, "none")
    while n > 0 and _dark(maker.mask(n - 1), faint):
        n -= 1
    return n


def check_parts(parts: Sequence[Part], boxes_um: np.ndarray, grid: Grid, process: Process) -> None:
    """Refuse a part that lights no layer: too thin for the slabs, or for the lowest gray.

    Raises
    ------
    MeshError
    """
    slabs = [_slabs_of(box, grid, process.coverage) for box in boxes_um]
    for part, box, inside in zip(parts, boxes_um, slabs, strict=True):
        if not inside.any():
            raise MeshError(_why_no_slab(part, box, grid, process.coverage))
    if len(parts) == 1 or _raises_grays(process):
        return  # the top of the job shows it
    for group in alike(parts):
        layers = np.flatnonzero(slabs[group[0]])
        first = [parts[group[0]]]
        if process.coverage == "area" and _surely_lit(first, grid, int(layers[len(layers) // 2])):
            continue
        for i in group:
            brightest = _brightest([parts[i]], grid, layers, process.coverage)
            if brightest >= BRIGHT:
                break
            if brightest < 129:  # the least that is not black at 8 bit
                raise refuse_all_dark([parts[i]], process)


def left_out(found: Sequence[Finding], grid: Grid, n_layers: int, bounds_um: np.ndarray) -> tuple[Finding, ...]:
    """Say that the layers of a grid from `n_layers` on are left out, and why; what else was `found` of them, without their numbers."""
    why = [text for code, text in WHY_DARK.items() if any(f.code == code for f in found)] or [NOT_LIT]
    summary = layers_left_out(grid, n_layers, "; ".join(why), bounds_um[:, :2])
    others = merged(f for f in found if f.code not in UNLIT)
    return (summary, *(without_numbers(f) for f in others))


def _raises_grays(process: Process) -> bool:
    """Whether more may be lit than the plain masks show."""
    return bool(surfaces_placed(process.corrections)) or any(process.xy_offsets_um)


def refuse_all_dark(parts: Sequence[Part], process: Process) -> MeshError:
    """Return the refusal of parts of which no layer is lit."""
    hollow = [part for part in parts if _encloses_nothing(part)]
    if len(hollow) == len(parts):
        return MeshError(_why_nothing_inside(hollow[0]))
    name = parts[0].label or parts[0].solid.source if len(parts) == 1 else "the parts"
    if process.hatch is not UNSET:
        inset = "as far inside of it as its spot needs" if process.hatch.inset_um is None else f"{process.hatch.inset_um:g} µm inside of it"
        return MeshError(
            f"{name}: no layer has a line: the laser's outermost border is drawn {inset} (hatch.inset_um), and nowhere is it wider "
            "than twice that; make it wider, take a smaller spot or a smaller inset_um; check --unit and --scale"
        )
    inward = min(process.xy_offsets_um)
    if inward < 0:
        return MeshError(
            f"{name}: lights no pixel of any layer: contours moved inward by {-inward:g} µm (xy_offset_um) leave nothing of walls up to "
            f"{-2 * inward:g} µm thick; move them less"
        )
    factors = [region.scale for part in parts for region in part.regions if region.lights]
    factors += [] if process.regions is None else [process.regions.bulk]
    if 0.0 in factors:
        return MeshError(f"{name}: lights no pixel of any layer: dose factors of 0 leave no light for it; raise those of its regions")
    return MeshError(_why_no_pixel(name))


def _slabs_of(box_um: np.ndarray, grid: Grid, coverage: str) -> np.ndarray:
    """Tell which slabs a box lights: (L,) bool."""
    low, high = float(box_um[0, 2]), float(box_um[1, 2])
    if coverage == "area":
        return np.asarray((grid.mid_planes_um > low) & (grid.mid_planes_um <= high))
    bottoms, tops = grid.z_edges_um[:-1], grid.z_edges_um[1:]
    return np.asarray(np.minimum(tops, high) - np.maximum(bottoms, low) > SLACK * grid.thickness_um)


def _why_no_slab(part: Part, box: np.ndarray, grid: Grid, coverage: str) -> str:
    low, high = float(box[0, 2]), float(box[1, 2])
    step = float(grid.thickness_um[grid.layer_of(low)])
    thin = max(high - low, 0.0)
    way = "reaches no slab by a thousandth of its height"
    remedy = "check --unit and --scale"
    if coverage == "area":
        way = "has the middle of no slab inside it"
        finest = rounded_down(2 * high if low <= 0 else 0.5 * thin) if thin > 0 else 0.0
        remedy = f"layers of at most {finest:g} µm have (--layer-um, --coverage volume keeps it as gray); {remedy}" if thin > 0 else remedy
    return (
        f"{part.label or part.solid.source}: lights no layer: from z = {low:.6g} to {high:.6g} µm it {way}, "
        f"with layers of {step:g} µm; {remedy}"
    )


def _encloses_nothing(part: Part) -> bool:
    """Tell that the signed volume of a part is next to nothing beside its box, which is no sliver."""
    low, high = part.solid.bounds_um
    size = high - low
    return bool(size.min() > NOTHING * size.max() and part.solid.health.volume_um3 <= NOTHING * float(np.prod(size)))


def _why_nothing_inside(part: Part) -> str:
    return (
        f"{part.label or part.solid.source}: encloses no volume: its surfaces cancel, as those of a body and its inverse, or of a sheet "
        "that looks both ways, do; take out the copies that look inward, or use --repair auto, which leaves them out"
    )


def _why_no_pixel(name: str) -> str:
    return (
        f"{name}: lights no pixel of any layer: nothing of it fills a pixel by half of the lowest gray (1/255); "
        "check --unit and --scale, or use finer pixels (--pitch-um)"
    )


def _slab(grid: Grid, k: int) -> Grid:
    """Return the grid of slab k alone: its mask is the same, and only the triangles that reach it are indexed."""
    return Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=grid.z_edges_um[k : k + 2])


def _lights(parts: Sequence[Part], grid: Grid, k: int, coverage: str, faint: bool) -> bool:
    """Tell whether parts light slab k."""
    if coverage == "area" and _surely_lit(parts, grid, k):
        return True
    return not _dark(masks_of(parts, _slab(grid, k), coverage, "none").mask(0), faint)


def _dark(mask: LayerMask, faint: bool) -> bool:
    return mask.empty if faint else mask.black_at_8_bit


def _brightest(parts: Sequence[Part], grid: Grid, layers: np.ndarray, coverage: str) -> int:
    """Return the highest 16-bit level that parts have in some layers; those after a bright one are not looked at."""
    maker, most = masks_of(parts, grid, coverage, "none"), 0
    for k in layers.tolist():
        most = max(most, int(maker.mask(k).runs().value.max(initial=0)))
        if most >= BRIGHT:
            break
    return most


def _surely_lit(parts: Sequence[Part], grid: Grid, k: int) -> bool:
    """Tell, of the area that the middle plane of slab k cuts out of parts, that it is large beside the pixels around it.

    Shells that overlap count twice in it, and those that cancel are missing: a few of the first leave it far from the lowest level.
    """
    found, n = index_parts(list(parts), _slab(grid, k)).segments(0, np.zeros((1024, 4)))
    if n == 0:
        return False
    x0, y0, x1, y1 = (found[:n] - np.tile(found[0, :2], 2)).T
    area = 0.5 * float((x0 * y1 - x1 * y0).sum())
    cols, rows = (np.ceil(np.concatenate(ends).max()) - np.floor(np.concatenate(ends).min()) + 1 for ends in ((x0, x1), (y0, y1)))
    return bool(area >= SURE * cols * rows)
