"""The area of a layer → what the laser draws in it: borders, hatches, skins, each kind begun where the one before ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.exposure.drawn.line_light import DrawnLight
from pmsl.job.drawing import Drawing, DrawnLines, Kind, lines_of
from pmsl.slicing.hatching import hatch_lines, inset_area, ordered_rings
from pmsl.slicing.hatching.layer_areas import LayerAreas
from pmsl.slicing.hatching.outlines import common_area, lost_walls

ARC_W0 = 1e-3  # of the spot: how far chords of moved outlines may be off


def drawing_of(k: int, areas: LayerAreas, light: DrawnLight) -> tuple[Drawing, Any]:
    """Return what is drawn in layer k, and the area that its outermost border surrounds.

    Parameters
    ----------
    k : int
    areas : LayerAreas
    light : DrawnLight
    """
    hatch, w0 = light.hatch, light.w0_um
    area, inset, arc = areas.area(k), float(light.inset_um[k]), ARC_W0 * w0
    groups: list[DrawnLines] = []

    def draw(kind: Kind, lines: Any) -> None:
        if len(lines):
            of_kind = light.kinds[kind]
            groups.append(lines_of(kind, float(of_kind.power_mw[k]), float(of_kind.speed_um_s[k]), lines))

    def at() -> tuple[float, float] | None:
        if not groups:
            return None
        x, y = groups[-1].points_um[-1].tolist()
        return x, y

    outer = inset_area(area, inset, arc)
    rings: list[np.ndarray] = []
    for i in range(hatch.borders):
        inner = outer if i == 0 else inset_area(area, inset + i * hatch.border_steps_um, arc)
        rings += ordered_rings(inner, tuple(rings[-1][-1].tolist()) if rings else None)
    draw("border", rings)
    inner = inset_area(area, inset + light.hatches_begin_um, arc) if hatch.borders else outer
    angle = light.angle_deg(k)
    if "skin" in light.kinds and not inner.is_empty:
        skin = common_area(inner, areas.skin(k, light.skin_layers))
        inner = common_area(inner, skin, without=True)
        draw("hatch", hatch_lines(inner, light.kinds["hatch"].spacing_um, angle, order=hatch.order, start_um=at()))
        draw("skin", hatch_lines(skin, light.kinds["skin"].spacing_um, angle, order=hatch.order, start_um=at()))
    else:
        draw("hatch", hatch_lines(inner, light.kinds["hatch"].spacing_um, angle, order=hatch.order, start_um=at()))
    return Drawing(w0, tuple(groups)), outer


def lost_findings(k: int, area: Any, outer: Any, inset: float, grid: Grid) -> list[Finding]:
    """Say where a layer is narrower than what the spot cures: nothing is drawn there.

    Parameters
    ----------
    k : int
    area, outer : shapely.MultiPolygon
        Of the layer, and so far inside [µm].
    inset : float
        How far that is [µm].
    grid : Grid
        Of the job, for places.
    """
    boxes = lost_walls(area, outer, inset)
    if not boxes:
        return []
    low, high = (float(z) for z in grid.z_edges_um[k : k + 2])
    x0, y0, x1, y1 = np.array(boxes).T
    box = (float(x0.min()), float(y0.min()), low), (float(x1.max()), float(y1.max()), high)
    return [
        Finding(
            code="narrower-than-spot",
            severity="warning",
            message=f"in {len(boxes)} place{'s' * (len(boxes) > 1)} the part is narrower than twice the inset of its border, "
            f"{2 * inset:.4g} µm: nothing is drawn there; make it wider, take a smaller spot, or give a smaller inset_um",
            layers=(k, k),
            box_um=box,
            value=len(boxes),
            limit=2 * inset,
            unit="µm",
        )
    ]
