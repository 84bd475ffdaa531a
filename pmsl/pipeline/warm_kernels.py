"""Fill the cache of kernels."""

from __future__ import annotations

import dataclasses

import numpy as np
from msgspec.structs import replace

from pmsl.core.grid import Grid
from pmsl.formats.frames.png_read import runs_of_png
from pmsl.formats.frames.png_write import encode_mask
from pmsl.job.print_job import PrintJob
from pmsl.masks import masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.shells.shells import shells_of
from pmsl.mesh.solid import Solid
from pmsl.mesh.triangle_soup import Soup
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.plates.plate_copies import place_for
from pmsl.pipeline.setup import part_heights
from pmsl.profiles import find_printer, find_process, find_resin
from pmsl.profiles.tables.strict_struct import Value


def warmup() -> None:
    """Compile, or load from the cache, every kernel that a job needs, by printing a pyramid of two layers."""
    from pmsl.checks.warmup import warmup as warm_checks
    from pmsl.formats import device
    from pmsl.formats.frames import goo_ctb_rle
    from pmsl.formats.frames.frame_runs import laid, stream_of
    from pmsl.formats.nanodlp.tables import layer_info
    from pmsl.kernels.codec import png_unfilter
    from pmsl.kernels.codec.point_lines import point_text
    from pmsl.kernels.runs import dilate, run_ops

    corners = [[0, 0, 0], [30, 0, 0], [30, 30, 0], [0, 30, 0], [15, 15, 20]]
    solid = Solid.from_arrays(corners, np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]))
    thin = Solid.from_arrays([[40, 0, 0], [40.6, 0, 0], [40, 20, 0], [40, 0, 20]], np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]))
    printer, resin = find_printer("pmsl-2um"), find_resin("pr48-405")
    png_unfilter.undo(np.zeros((1, 2), np.uint8), np.zeros(2, np.uint8))
    point_text(np.zeros((2, 2), np.int64), np.array([0, 2]), b" 0.000\n", b"Write\n")
    job = prepare(place_for([solid, thin], printer, resin), printer, resin)  # the thin one has grays of its own
    mask = job[0].exposures[0].mask
    runs_of_png(encode_mask(mask, printer.orientation), mask.shape, "", large=0)
    device.decode_splash(device.encode_splash(device.merged([(np.zeros((2, 2), np.uint8), 8)], (2, 2)), "erle"))
    mask.sha256()
    layer_info(mask, printer.orientation, 1.0)
    stream, shape = stream_of(laid(mask, printer.orientation)), mask.shape
    goo_ctb_rle.decode_goo(goo_ctb_rle.encode_goo(stream), shape, "")
    goo_ctb_rle.decode_ctb(goo_ctb_rle.encode_ctb(stream), shape, "")
    low = np.zeros(1, np.int64)
    run_ops.shrink(*mask.runs_8bit(), mask.window.row0, low, low + 1, low, low + 1, np.zeros((2, 2), np.int64), np.zeros((1, 1), np.uint8))
    dilate.grow(np.ones((1, 1), np.uint8), low, np.zeros((1, 1), np.uint8))
    masks_of([solid], job.grid).coverage(0)
    volume = masks_of([solid], job.grid, "volume")
    volume.mask(0).runs_8bit()
    volume.index.shells()
    masks_of([solid, solid], job.grid).mask(0)
    warm_checks(job)
    _measured(solid)
    _mended(solid)
    _corrected(job, solid)
    list(part_heights.partial_slab_findings([Part(solid=solid)], job.grid))
    soup = _soup_of(solid)  # kernels that read the mesh have a variant for each precision
    masks_of([soup], prepare(place_for([soup], printer, resin), printer, resin).grid)
    masks_of([soup], job.grid, "volume")
    list(part_heights.partial_slab_findings([Part(solid=soup)], job.grid))


def _measured(solid: Solid) -> None:
    """Take the facts of layers of several exposures, and look at the design of a pyramid beside one that hangs."""
    from pmsl.checks.by_design import design_findings
    from pmsl.job.layer_facts import measured, overhang_um2
    from pmsl.slicing.contours import link

    printer, resin = find_printer("pmsl-2um"), find_resin("pr48-405")
    hanging = Solid.from_arrays(solid.vertices_um * (1, -1, -1) + (10, 30, 25), solid.faces)
    job = prepare(place_for([Part(solid=solid), Part(solid=hanging)], printer, resin), printer, resin)
    lowest, top = (measured(job[k], job.grid) for k in (0, job.n_layers - 1))
    if lowest is not None and top is not None:
        overhang_um2(top.solid, lowest.solid, job.grid)
    measured(dataclasses.replace(job[0], exposures=job[0].exposures * 2), job.grid)
    design_findings(job)
    link(np.array([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]), 0)


def _soup_of(solid: Solid) -> Solid:
    """Return the solid as a binary STL would bring it."""
    corners = solid.vertices_um[solid.faces].reshape(-1, 3).astype(np.float32)
    return Solid.of_soup(Soup(corners, 1.0), source="soup", sha256="", unit="um")


def _mended(solid: Solid) -> None:
    """Examine and repair the pyramid without a face, turned inside another, with cracks, and too large for the quick look."""
    lacking = np.concatenate([solid.faces[1:], solid.faces[1:2]])
    inner = (solid.vertices_um - 15) * 0.2 + (15, 15, 4)
    small = Solid.from_arrays(np.concatenate([solid.vertices_um, inner]), np.concatenate([solid.faces, solid.faces[:, ::-1] + 5]))
    shells_of(small.vertices_um, small.faces, few=0)
    apart = solid.vertices_um[solid.faces.reshape(-1)]
    apart[::2] += 0.1
    cracked = Solid.from_arrays(apart, np.arange(len(apart)).reshape(-1, 3))
    for mesh in (small, cracked, Solid.from_arrays(solid.vertices_um, lacking)):
        assert mesh.repaired().health.watertight


def _corrected(job: PrintJob, solid: Solid) -> None:
    """Correct a layer; a printer's field is far larger than the pyramid needs, so it gets one of its own."""
    from pmsl.correct import Corrector

    printer, resin = job.printer, job.resin
    stated = Value("enclosed", "placeholder", "only to fill the cache")
    resin = replace(resin, resin=replace(resin.resin, memory=stated))
    small = replace(printer, dmd=replace(printer.dmd, shape=Value((40, 40), "placeholder", "only to fill the cache")))
    grid = Grid(origin_um=(-20, -20), pitch_um=job.grid.pitch_um, shape=(40, 40), z_edges_um=job.grid.z_edges_um)
    Corrector([solid], grid, small, resin, np.full(grid.n_layers, 100.0)).images(0)
    for corrections in ((), ("optimise",)):
        process = replace(find_process("default"), coverage="volume", corrections=corrections)
        for _ in prepare(place_for([solid], small, resin), small, resin, process, accept_uncalibrated=True).layers():
            pass
