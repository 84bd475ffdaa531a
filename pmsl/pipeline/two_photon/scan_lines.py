"""What the focus is drawn along: contours and hatches of every slice, cut into the blocks, as numbers from the middle of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pmsl import slicing
from pmsl.core.grid import Grid
from pmsl.job.two_photon_job import Polylines, WritingBlock, WrittenSlice
from pmsl.mesh.part import Part
from pmsl.profiles.two_photon import VoxelScan
from pmsl.slicing.hatching import area_of_rings, hatch_lines, inset_area, ordered_rings
from pmsl.slicing.hatching.clip_to_box import clip_lines, clip_rings

SLICES = 64  # cut at a time
ARC = 0.02  # of the hatch: how far chords may be off the circles around corners


def written_slices(
    parts: Sequence[Part], grid: Grid, blocks: Sequence[WritingBlock], scan: VoxelScan, powers_mw: np.ndarray, widths_um: np.ndarray
) -> Iterator[WrittenSlice]:
    """Yield the lines of every slice, from the substrate up.

    Parameters
    ----------
    parts : sequence of Part
        Placed.
    grid : Grid
        Its slabs are the slices; each is drawn at half its height.
    blocks : sequence of WritingBlock
    scan : VoxelScan
    powers_mw : (L,) float64
        Power of each slice.
    widths_um : (L,) float64
        Width of what a line of each slice cures.
    """
    for first in range(0, grid.n_layers, SLICES):
        edges = grid.z_edges_um[first : first + SLICES + 1]
        some = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)
        contours = slicing.slice_contours(parts, some)
        for i in range(contours.n_layers):
            k = first + i
            rings, lines = _drawn(area_of_rings(contours.rings(i)), scan, k, float(widths_um[k]))
            cut = tuple(_of_block(rings, lines, block, scan.seam_shift_um(k)) for block in blocks)
            yield WrittenSlice(k, float(grid.mid_planes_um[k]), float(powers_mw[k]), cut)


def _drawn(area: Any, scan: VoxelScan, k: int, width_um: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the contours of a slice, the outer ones first, and its hatch."""
    arc, pitch = ARC * scan.hatch_um, scan.contour_pitch_um
    inside = inset_area(area, 0.5 * width_um, arc) if scan.compensate else area
    rings: list[np.ndarray] = []
    for _ in range(scan.contours):
        rings += ordered_rings(inside)
        inside = inset_area(inside, pitch, arc)
    return rings, hatch_lines(inside, scan.hatch_um, (scan.hatch_angle_deg + k * scan.hatch_step_deg) % 360.0)


def _of_block(rings: Sequence[np.ndarray], lines: np.ndarray, block: WritingBlock, shift_um: float) -> Polylines:
    """Return what of contours and hatch lies in a block whose edges are moved along x and y, its middle not."""
    low, high = (corner + shift_um for corner in block.corners_um)
    outlines, (hatch, _) = clip_rings(rings, low, high), clip_lines(lines, low, high)
    points = np.concatenate([*outlines, hatch.reshape(-1, 2), np.zeros((0, 2))])
    sizes = [*(len(ring) for ring in outlines), *([2] * len(hatch))]
    return Polylines(points - np.array(block.centre_um), np.cumsum([0, *sizes]).astype(np.int64))
