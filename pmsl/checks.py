"""What a user should know about a job before light: Findings on profiles, heights and facets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.part import Part
from pmsl.profiles import Printer, Resin

WAVELENGTH_SLACK_NM = 7.5
HEIGHT_SLACK = 1e-3  # of a layer


def placeholders(printer: Printer, resin: Resin, power: float) -> tuple[str, ...]:
    """Name the values the dose rests on that are placeholders: irradiance, σ, Dp, Ec."""
    setting = next(s for s in printer.optics.settings if s.power == power)
    psf = printer.optics.psf
    named = {
        "printer.optics.irradiance_mw_cm2": setting.irradiance_mw_cm2,
        "printer.optics.psf.sigma": psf.sigma_pitch or psf.sigma_um,
        "resin.dp_um": resin.resin.dp_um,
        "resin.ec_mj_cm2": resin.resin.ec_mj_cm2,
    }
    return tuple(name for name, value in named.items() if value is not None and value.class_ == "placeholder")


def profile_findings(printer: Printer, resin: Resin, missing: Sequence[str]) -> Iterator[Finding]:
    """Yield what does not fit between printer and resin, and that the dose is not calibrated."""
    if missing:
        yield Finding(
            code="not-calibrated",
            severity="warning",
            message=f"placeholder values for {', '.join(missing)}: masks are exact, "
            "but times and doses are a guess until these are measured",
        )
    ours, theirs = printer.optics.wavelength_nm.value, resin.resin.wavelength_nm.value
    if abs(ours - theirs) > WAVELENGTH_SLACK_NM:
        yield Finding(
            code="wavelength-mismatch",
            severity="warning",
            message=f"resin {resin.name} was characterised at {theirs:g} nm, printer {printer.name} exposes at {ours:g} nm: "
            "its Dp and Ec do not hold",
            value=ours,
            limit=theirs,
            unit="nm",
        )


def height_findings(bounds_um: np.ndarray, grid: Grid) -> Iterator[Finding]:
    """Yield the rounding of the part's top to the slabs."""
    top, made = float(bounds_um[1, 2]), float(grid.z_edges_um[-1])
    step = float(grid.thickness_um[-1])
    if abs(made - top) > HEIGHT_SLACK * step:
        yield Finding(
            code="top-rounded",
            severity="info",
            message=f"the part is {top:.6g} µm high, its layers make {made:.6g} µm",
            layers=(grid.n_layers - 1, grid.n_layers - 1),
            value=made - top,
            limit=0.0,
            unit="µm",
        )


def facet_findings(parts: Sequence[Part], grid: Grid) -> Iterator[Finding]:
    """Yield horizontal facets that lie inside a slab: their surface moves to a slab plane."""
    heights = np.concatenate([_flat_heights(part) for part in parts])
    edges = grid.z_edges_um
    heights = heights[(heights > edges[0]) & (heights < edges[-1])]
    if heights.size == 0:
        return
    above = np.clip(np.searchsorted(edges, heights), 1, grid.n_layers)
    off = np.minimum(edges[above] - heights, heights - edges[above - 1])
    inside = off > HEIGHT_SLACK * (edges[above] - edges[above - 1])
    if not inside.any():
        return
    levels = np.unique(np.round(heights[inside], 3))
    shown = ", ".join(f"{z:.6g}" for z in levels[:4]) + (", …" if len(levels) > 4 else "")
    yield Finding(
        code="facets-off-planes",
        severity="info",
        message=f"horizontal surfaces at {len(levels)} heights lie inside a slab ({shown} µm): "
        "each moves to the slab plane its layer's middle decides",
        layers=(int(above[inside].min()) - 1, int(above[inside].max()) - 1),
        value=float(off[inside].max()),
        limit=0.0,
        unit="µm",
    )


def _flat_heights(part: Part) -> np.ndarray:
    """Heights of the part's horizontal triangles that have an area [µm]."""
    from pmsl.kernels import crossings

    out = np.zeros(len(part.solid.faces))
    n = crossings.flat_heights(part.solid.vertices_um, part.solid.faces, part.transform, 1e-2, out)
    return out[:n]
