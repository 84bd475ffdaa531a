"""Slow, obvious answers of the checks: dense volumes, sums over all layers, labels in three dimensions."""

from dataclasses import replace

import jobs_of_arrays
import msgspec
import numpy as np
from scipy import ndimage

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.profiles.tables.strict_struct import Value

SOLID = ndimage.generate_binary_structure(3, 1) | (np.array([[[0]], [[1]], [[0]]], bool) & np.ones((3, 3, 3), bool))
LIQUID = ndimage.generate_binary_structure(3, 1)
SHARP_PX = 0.02  # σ of a projection that spreads nothing


def value(number):
    return Value(value=number, class_="measured", source="test")


def job_of_levels(levels, dp_um=4.0, dose_over_ec=20.0, sigma_px=SHARP_PX, edges_um=None, pitch_um=(10.0, 10.0), release=None, **resin):
    """A job that shows the (L, rows, cols) uint8 `levels`, one exposure a layer; black layers have none."""
    job = jobs_of_arrays.job_of(levels, [float(np.any(a)) for a in levels], edges_um, pitch_um=pitch_um)
    material = msgspec.structs.replace(job.resin.resin, dp_um=value(dp_um), ec_mj_cm2=value(1.0 / dose_over_ec), **resin)
    psf = msgspec.structs.replace(job.printer.optics.psf, sigma_pitch=value(sigma_px), sigma_um=None)
    printer = msgspec.structs.replace(job.printer, optics=msgspec.structs.replace(job.printer.optics, psf=psf))
    if release is not None:
        printer = msgspec.structs.replace(printer, stage=msgspec.structs.replace(printer.stage, release=release))
    return replace(job, resin=msgspec.structs.replace(job.resin, resin=material), printer=printer)


def doses(job):
    """Dose in the middle of every slab after every exposure: (exposures, L, rows, cols) float64, by the mirrors alone."""
    grid, decay, n = job.grid, pmsl.cure.CureModel.of(job.resin).decay, job.n_layers
    own = np.zeros((n, *grid.shape))
    for plan in job.layers():
        for e in plan.exposures:
            own[plan.index] += e.repeat * e.dose_mj_cm2 * e.mask.dense(np.uint8) / 255.0
    out = np.zeros((n, n, *grid.shape))
    for k in range(n):
        out[k] = out[k - 1] if k else 0.0
        for j in range(k + 1):
            part = own[k] * decay.fraction(float(grid.z_edges_um[k + 1] - grid.mid_planes_um[j]))
            out[k, j] = np.maximum(out[k, j], part) if pmsl.cure.CureModel.of(job.resin).memory == "open" else out[k, j] + part
    return out


def solid_after(job):
    """What is solid after every exposure: (exposures, L, rows, cols) bool."""
    return doses(job) >= pmsl.cure.CureModel.of(job.resin).threshold_mj_cm2


def bodies(solid):
    """Count bodies that begin in mid-air: [(layer they begin with, layer that joins them)], and those that never are, once.

    What begins with none of the exposed layer is no island: gray below was nearly cured before.
    """
    islands, loose = [], 0
    before = np.zeros(solid.shape[1:], bool)
    labels = [ndimage.label(now, SOLID)[0] for now in solid]
    for k, label in enumerate(labels):
        new = set(np.unique(label)) - {0} - set(np.unique(label[before])) - set(np.unique(label[0]))
        for name in new:
            place = tuple(np.argwhere(label == name)[0])
            later = [m for m in range(k + 1, len(labels)) if labels[m][place] in set(np.unique(labels[m][0])) - {0}]
            if later and (label[k] == name).any():
                islands.append((k, later[0]))
        before = solid[k]
    last = labels[-1]
    loose = len(set(np.unique(last)) - {0} - set(np.unique(last[0])))
    return sorted(islands), loose


def voids(final):
    """Count voids that keep resin, and those that only the plate shuts, with their voxels: ([…], […])."""
    air = np.pad(~final, ((0, 1), (1, 1), (1, 1)), constant_values=True)
    label, n = ndimage.label(air, LIQUID)
    outside = set(np.unique(label[-1])) | set(np.unique(label[:, 0])) | set(np.unique(label[:, -1]))
    outside |= set(np.unique(label[:, :, 0])) | set(np.unique(label[:, :, -1]))
    shut = [i for i in range(1, n + 1) if i not in outside]
    on_plate = set(np.unique(label[0]))
    sizes = np.bincount(label.ravel(), minlength=n + 1)
    return sorted(int(sizes[i]) for i in shut if i not in on_plate), sorted(int(sizes[i]) for i in shut if i in on_plate)


def dead_ends(final, wide=0.5):
    """Count enclosed channels with one narrow opening: their voxels, [...]."""
    flat = LIQUID & np.array([0, 1, 0], bool)[:, None, None]
    air = np.pad(~final, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    areas, _ = ndimage.label(air, flat)
    outside = np.unique(areas[:, 0])
    inner = air & ~np.isin(areas, outside)
    channel, n = ndimage.label(inner, LIQUID)
    free = np.pad(air & ~inner, ((1, 1), (0, 0), (0, 0)), constant_values=True)
    found = []
    for c in range(1, n + 1):
        mine, openings, section = channel == c, [], 0
        for a in np.unique(areas[mine]):
            area = areas == a
            section = max(section, int(area.sum()))
            openings += [int((area & free[:-2]).sum()), int((area & free[2:]).sum())]
        openings = [o for o in openings if o]
        if len(openings) == 1 and openings[0] < wide * section and not mine[0].any():
            found.append(int(mine.sum()))
    return sorted(found)


def mask_levels(job):
    return [LayerMask.from_dense(k, a) for k, a in enumerate(jobs_of_arrays.levels_of(job))]
