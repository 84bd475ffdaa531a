"""The design a prediction is held against: which parts, and what each layer of them looks like."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.errors import JobError, MeshError
from pmsl.job.print_job import Input, PrintJob
from pmsl.masks import SurfaceSums, mask_and_surface, masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.predict.measure.subplanes import SubPlaneMaker, SubPlanes
from pmsl.slicing.instances import CopyIndex
from pmsl.slicing.plane_index import index_crossings

STEEP_DEG = 30.0  # a wall is within this of vertical
MARGIN_PX = 16
MOST_KEPT = 16  # masks
TOP_SLACK = 2e-3  # of a layer
ELSEWHERE = "slice the mesh into a pmsl job (pmsl slice MESH -o JOB) and simulate that one"
ON_PLATE_UM = 1e-3  # a face this near to the plate lies on it


@dataclass(frozen=True, slots=True, eq=False)
class DesignLayer:
    """One layer of the design.

    Attributes
    ----------
    mask : LayerMask
        Exact share of every voxel.
    surface : SurfaceSums
        Faces in every column, but those that lie on the plate.
    walls_px : (N, 4) float64
        The middle plane's cut through surfaces within 30° of vertical: x0, y0, x1, y1 in pixels of the grid, solid on the left.
    within : SubPlanes
        The design inside the voxels.
    """

    mask: LayerMask
    surface: SurfaceSums
    walls_px: np.ndarray
    within: SubPlanes


class _OfThread(threading.local):
    """What a thread has made last: the surface of layers like `like`, and room for numbers of triangles."""

    like = -1
    swept: tuple[LayerMask, SurfaceSums]
    within: SubPlanes

    def __init__(self) -> None:
        self.picked = np.zeros(1024, np.int32)


class DesignLayers:
    """Makes the layers of placed parts, in any order, from any thread.

    Parameters
    ----------
    parts : sequence of Part
    grid : Grid
    """

    def __init__(self, parts: Sequence[Part], grid: Grid) -> None:
        self.parts, self.grid = tuple(parts), grid
        self._volumes = masks_of(parts, _to_the_top(parts, grid), "volume")
        self._planes = index_crossings(parts, grid)
        volumes = self._volumes.index
        self.many_shells = isinstance(volumes, CopyIndex) or bool(volumes.shells().any())
        corners = volumes.whole().corners
        self._swept_as = alike(corners, self._volumes.grid.z_edges_um)
        self._subplanes = SubPlaneMaker(self._volumes.parts, self._volumes.grid, corners)
        self._local = _OfThread()
        self._asked: dict[int, LayerMask] = {}

    def layer(self, k: int) -> DesignLayer:
        """Return layer `k`."""
        like = int(self._swept_as[k])
        if self._local.like != like:
            self._local.swept, self._local.like = mask_and_surface(self._volumes, like, ON_PLATE_UM), like
            self._local.within = self._subplanes.layer(like)
        mask, surface = self._local.swept
        return DesignLayer(replace(mask, index=k), surface, self._walls(k), self._local.within)

    def above(self) -> tuple[SurfaceSums, float, float] | None:
        """Return what sticks out above the last layer: its faces, its height, and its volume in voxels of that height; None without any."""
        top_um, edge_um = self.box_um()[1][2], float(self._volumes.grid.z_edges_um[-1])
        if top_um <= edge_um:
            return None
        grid = Grid(
            origin_um=self.grid.origin_um, pitch_um=self.grid.pitch_um, shape=self.grid.shape, z_edges_um=np.array([edge_um, top_um])
        )
        mask, surface = mask_and_surface(masks_of(self._volumes.parts, grid, "volume"), 0, ON_PLATE_UM)
        return surface, top_um - edge_um, mask.sum_px()

    def layer_mask(self, k: int) -> LayerMask:
        """Return the exact share of every voxel of layer `k`; those asked for last are kept."""
        if k not in self._asked:
            if len(self._asked) == MOST_KEPT:
                self._asked.clear()
            self._asked[k] = self._volumes.mask(k)
        return self._asked[k]

    def _walls(self, k: int) -> np.ndarray:
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.compare import edge_probes

        index = self._planes
        self._local.picked, n = index.triangles(k, self._local.picked)
        out = np.zeros((n, 4))
        lean = math.sin(math.radians(STEEP_DEG))
        found = call(edge_probes.cut, n, k, float(index.planes_um[k]), index.corners, self._local.picked, n, self.grid.pitch_um, lean, out)
        return out[:found].copy()

    def box_um(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the box around all parts ((x, y, z), (x, y, z)) [µm]."""
        boxes = np.array([p.bounds_um() for p in self.parts])
        return tuple(boxes[:, 0].min(axis=0).tolist()), tuple(boxes[:, 1].max(axis=0).tolist())

    def window(self, reach_px: tuple[int, int]) -> Window:
        """Return the parts' box with room for light around, inside the field."""
        low = np.min([p.bounds_um()[0, :2] for p in self.parts], axis=0)
        high = np.max([p.bounds_um()[1, :2] for p in self.parts], axis=0)
        rows, cols = self.grid.shape
        room = np.array(reach_px[::-1]) + MARGIN_PX
        first = np.floor((low - self.grid.origin_um) / self.grid.pitch_um - room).astype(int)
        last = np.ceil((high - self.grid.origin_um) / self.grid.pitch_um + room).astype(int)
        (col0, row0), (col1, row1) = np.maximum(first, 0).tolist(), np.minimum(last, (cols, rows)).tolist()
        return Window(row0, col0, row1 - row0, col1 - col0)


def alike(corners: np.ndarray, z_edges_um: np.ndarray) -> np.ndarray:
    """Tell which slabs have the same solid in them, as those of channels and posts do.

    Parameters
    ----------
    corners : (M, 9) float64
        Triangles: x, y, z of each corner; heights as of `z_edges_um`.
    z_edges_um : (L + 1,) float64

    Returns
    -------
    (L,) int64
        The highest slab that each is like, itself where it is like none above. Between two slabs that are alike no triangle begins or
        ends, and all in them stand upright, to the last bit.
    """
    n = len(z_edges_um) - 1
    x, y, z = corners[:, 0::3], corners[:, 1::3], corners[:, 2::3]
    low, high = z.min(axis=1), z.max(axis=1)
    upright = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) == (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    upright &= low < high
    (low_before, low_at), (high_before, high_at) = (
        tuple(np.clip(np.searchsorted(z_edges_um, at, side) - 1, 0, n - 1) for side in ("left", "right")) for at in (low, high)
    )
    leaning = np.zeros(n + 1, np.int64)
    np.add.at(leaning, low_before[~upright], 1)
    np.subtract.at(leaning, high_at[~upright] + 1, 1)
    own, same = np.cumsum(leaning[:n]) > 0, np.zeros(n, bool)
    own[low_at[upright & (low > z_edges_um[low_at])]] = True
    own[high_before[upright & (high < z_edges_um[high_before + 1])]] = True
    same[:-1] = ~own[:-1] & ~own[1:]
    same[low_before[upright & (low == z_edges_um[low_before + 1])]] = False
    same[high_before[upright & (high == z_edges_um[high_before + 1])]] = False
    return np.asarray(np.minimum.accumulate(np.where(same, n - 1, np.arange(n))[::-1])[::-1])


def _to_the_top(parts: Sequence[Part], grid: Grid) -> Grid:
    """Return the grid, its last edge raised where the number of layers let the parts' top stick out by rounding noise of their file."""
    edges = grid.z_edges_um.copy()
    top = max(float(p.bounds_um()[1, 2]) for p in parts)
    if edges[-1] < top <= edges[-1] + TOP_SLACK * (edges[-1] - edges[-2]):
        edges[-1] = top
    return Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)


def design_parts(job: PrintJob, solids: Sequence[Solid] = ()) -> tuple[Part, ...]:
    """Return the parts a job was made of: stored with it, or the given meshes, each told by its hash and placed as the job says.

    Raises
    ------
    JobError
        No design in the job and none given; a damaged one.
    MeshError
        A mesh the job was not made of, or not all of them.
    """
    if not solids:
        parts = job.design
        if not parts and not job.provenance.inputs:
            raise JobError(f"the job holds no design ({job.provenance.placement}) and no hashes of meshes to tell it by: {ELSEWHERE}")
        if not parts:
            raise JobError(
                "the job holds no design (it was sliced with --no-design); give the mesh it was made of: pmsl simulate JOB --design MESH"
            )
        return parts
    inputs = list(job.provenance.inputs)
    if not inputs:
        raise JobError(
            f"the job has no hashes of meshes ({job.provenance.placement}), nor says where they stood, so {solids[0].source} cannot be "
            f"placed and nothing is compared: {ELSEWHERE}"
        )
    parts = tuple(_placed(solid, inputs) for solid in solids)
    if inputs:
        raise MeshError(f"the job was also made of {', '.join(i.file for i in inputs)}; give every mesh with --design")
    return parts


def _placed(solid: Solid, inputs: list[Input]) -> Part:
    """Take the input whose hash a mesh has off the list, and place the mesh as it was."""
    for i, given in enumerate(inputs):
        if given.sha256 == solid.sha256:
            del inputs[i]
            if given.unit != solid.unit:
                raise MeshError(f"{solid.source}: read in {solid.unit}, the job was made of it in {given.unit}; give --unit {given.unit}")
            return Part(solid=solid, transform=np.array(given.transform).reshape(4, 4), label=given.file)
    known = ", ".join(f"{i.file} ({i.sha256[:12]}…)" for i in inputs) or "nothing more"
    raise MeshError(f"{solid.source}: its hash {solid.sha256[:12]}… is none of those the job was made of: {known}; nothing is compared")
