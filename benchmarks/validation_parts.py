"""Parts, printers and resins of `validation`: each with the values that a table states, everything else pure absorption and even light."""

from __future__ import annotations

from typing import Any

import manifold3d
import numpy as np
from msgspec.structs import replace

import pmsl
from pmsl.predict.measure.comparison import SeenLayer
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.resin import ExtraDecay
from pmsl.profiles.tables.strict_struct import Value

LIGHT = 20.0  # mW/cm²
SIGMA = 0.36  # of the pitch


def stated(value: Any) -> Value[Any]:
    """Return a value of a table."""
    return Value(value=value, class_="published", source="benchmarks/validation.py")


def printer_of(pitch_um: float, shape: tuple[int, int]) -> Printer:
    """Return a printer with square pixels, a Gaussian blur and one irradiance."""
    base = pmsl.find_printer("pmsl-10um")
    setting = replace(base.optics.settings[0], irradiance_mw_cm2=stated(LIGHT))
    psf = replace(base.optics.psf, sigma_pitch=stated(SIGMA))
    optics = replace(base.optics, pitch_um=stated((pitch_um, pitch_um)), psf=psf, settings=[setting])
    limits = replace(base.limits, max_exposure_s=stated(1e4), max_dose_mj_cm2=stated(1e5))
    return replace(base, dmd=replace(base.dmd, shape=stated(shape)), optics=optics, limits=limits)


def resin_of(dp_um: float, ec_mj_cm2: float, **terms: Any) -> Resin:
    """Return a resin; `extra_decays` as pairs of share and length."""
    base = pmsl.find_resin("pr48-bennett-405")
    if "extra_decays" in terms:
        terms["extra_decays"] = tuple(ExtraDecay(share=share, length_um=length) for share, length in terms["extra_decays"])
    values = {name: stated(value) for name, value in terms.items()}
    return replace(base, resin=replace(base.resin, dp_um=stated(dp_um), ec_mj_cm2=stated(ec_mj_cm2), **values))


def process_of(layer_um: float, **how: Any) -> Process:
    """Return a process without bottom layers; `exposure_s` or `margin_um` for the dose, else 1.5 Ec at the far face."""
    return replace(pmsl.find_process("default"), layer_um=layer_um, **{"margin_um": None, "bottom_dose_factors": [1.0], **how})


def solid_of(body: Any) -> pmsl.Solid:
    """Return a manifold as a solid."""
    mesh = body.to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


def tunnel(px_um: float, floor_um: float, high_um: float, roof_um: float, wide_px: float = 12.0) -> pmsl.Solid:
    """Return a block with a channel along x, open at both ends: 24 pixels long."""
    wide = wide_px * px_um
    block = manifold3d.Manifold.cube([24 * px_um, wide + 16 * px_um, floor_um + high_um + roof_um])
    hole = manifold3d.Manifold.cube([30 * px_um, wide, high_um]).translate([-3 * px_um, 8 * px_um, floor_um])
    return solid_of((block - hole).translate([0.37 * px_um, 0.21 * px_um, 0]))


def channel_of(material: Resin, layer_um: float, layers: int, roof: int, wide_px: float = 12.0, **how: Any) -> dict[str, Any]:
    """Print a channel so many layers high under so many others, and return what is left of it; nothing is left of one that is not there."""
    job = pmsl.prepare(
        [tunnel(10.0, 2 * layer_um, layers * layer_um, roof * layer_um, wide_px)],
        printer_of(10.0, (48, 48)),
        material,
        process_of(layer_um, **how),
        accept_uncalibrated=True,
    )
    found = pmsl.simulate(job, threads=1)
    return found.openings[0] if found.openings else {"blocked": True, "flush_blocked": True, "printed_um": {"width": 0.0, "height": 0.0}}


def fewest_layers(material: Resin, layer_um: float, first: int, roof: int, **how: Any) -> int:
    """Return how many layers high the lowest channel is that flushes; looked for from `first` on."""
    layers = max(first, 1)
    while channel_of(material, layer_um, layers, roof, **how)["flush_blocked"]:
        layers += 1
    while layers > 1 and not channel_of(material, layer_um, layers - 1, roof, **how)["flush_blocked"]:
        layers -= 1
    return layers


def ramp(pitch_um: float) -> pmsl.Solid:
    """Return a pillar, one wall of which moves in by a pixel over 32 layers of half a pixel, straight below and above."""
    low, high, far, layer = 100.3, 700.3, 50.0, 25.0
    heights, moved = np.array([0.0, 4.0, 36.0, 40.0]) * layer, np.array([0.0, 0.0, -pitch_um, -pitch_um])
    bodies = []
    for (z0, a), (z1, b) in zip(
        zip(heights[:-1].tolist(), moved[:-1].tolist(), strict=True),
        zip(heights[1:].tolist(), moved[1:].tolist(), strict=True),
        strict=True,
    ):
        corners = [(x, y, z) for z, dx in ((z0, a), (z1, b)) for x, y in ((low, far), (high + dx, far), (high + dx, 650.0), (low, 650.0))]
        bodies.append(manifold3d.Manifold.hull_points(np.array(corners)))
    return solid_of(bodies[0] + bodies[1] + bodies[2])


def ramp_printed(corrections: tuple[str, ...]) -> tuple[float, float, float, float]:
    """Return angle to the vertical [°], median of printed minus designed place of the wall, least and largest step of a layer [µm]."""
    pitch = 50.0
    how = process_of(25.0, corrections=corrections)
    material = replace(pmsl.find_resin("pr48-405"), resin=replace(pmsl.find_resin("pr48-405").resin, memory=stated("enclosed")))
    job = pmsl.prepare([ramp(pitch)], printer_of(pitch, (24, 28)), material, how, accept_uncalibrated=True)
    (x0, y0, _), _ = job.parts[0].bounds_um
    found: dict[float, tuple[float, float]] = {}

    def watch(seen: SeenLayer) -> None:
        z = float(job.grid.mid_planes_um[seen.lit.index])
        if 100 < z < 900:
            x = x0 + 600.0 - pitch * (z - 100) / 800
            at = np.array([[(y0 + 300) / pitch - seen.window.row0, x / pitch - seen.window.col0]])
            found[z] = x, float(seen.lit.edges(at, np.array([[0.0, 1 / pitch]]))[0])

    pmsl.simulate(job, watch=[watch], threads=1)
    z = np.array(sorted(found))
    off = np.array([found[height][1] for height in z])
    place = off + np.array([found[height][0] for height in z])
    steps = np.abs(np.diff(place))
    slope = float(np.polyfit(z, place, 1)[0])
    return float(np.degrees(np.arctan(abs(slope)))), float(np.median(off)), float(steps.min()), float(steps.max())


def block_printed(material: Resin, **how: Any) -> tuple[float, float, float]:
    """Return where walls [px, above 0 outside] and a roof [µm, below 0 too low] of a block are, and what of its channel flushes [µm]."""
    job = pmsl.prepare(
        [tunnel(10.0, 40.0, 100.0, 80.0)], printer_of(10.0, (48, 48)), material, process_of(10.0, **how), accept_uncalibrated=True
    )
    found = pmsl.simulate(job, threads=1)
    return found.epe_um["median"] / 10.0, found.z_error_um["down"]["median"], found.openings[0]["flushable_um"]["height"]
