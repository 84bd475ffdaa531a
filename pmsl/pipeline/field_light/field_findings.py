"""What is to be said of a plate of several fields before any layer: of its stage, of what overlaps do to doses and roofs."""

from __future__ import annotations

from pmsl.core.finding import Finding, Severity
from pmsl.cure import CureModel
from pmsl.fields.tiles import PHASES, FieldLayout
from pmsl.fields.weights import effective_ratio, roof_shift_um

MOST_ROOF_UM = 2.0  # that an overlap may move roofs by without a warning


def stage_findings(layout: FieldLayout) -> list[Finding]:
    """Return what is to be said of places of the stage.

    Parameters
    ----------
    layout : FieldLayout
    """
    step, pitch, out = layout.stage.step_um.value, min(layout.pitch_um), list[Finding]()
    if step > pitch:
        text = f"edges that cross a seam may jog by {step / 2:g} µm, half a step of the xy stage; a pixel is {pitch:g} µm"
        out.append(Finding(code="stage-step-coarse", severity="warning", message=text, value=step, limit=pitch, unit="µm"))
    if not layout.on_one_grid:
        text = f"fields lie between the pixels of their neighbours: places are multiples of {step:g} µm, pixels {pitch:g} µm"
        out.append(Finding(code="fields-between-pixels", severity="info", message=text, value=step, limit=pitch, unit="µm"))
    return out


def overlap_finding(cure: CureModel, dose_mj_cm2: float, height_um: float, f: float, layout: FieldLayout) -> Finding:
    """Return what is to be said of overlaps where every exposure spends induction dose.

    Parameters
    ----------
    cure : CureModel
    dose_mj_cm2, height_um, f : float
        Of ordinary layers: white dose, height, `induction_share`.
    layout : FieldLayout
    """
    cycle = 1 if layout.x.stagger_px == 0 and layout.y.stagger_px == 0 else PHASES
    roof = roof_shift_um(cure, dose_mj_cm2, height_um, f, cycle)
    top, bottom = (100 * (effective_ratio(cure, dose_mj_cm2, f, z) - 1) for z in (0.0, height_um))
    text = (
        f"where fields overlap, effective dose is kept in the middle of the slab: {top:+.2g} % at the exposure plane, "
        f"{bottom:+.2g} % at the far face, roofs move by up to {roof:+.2g} µm"
    )
    if abs(roof) > MOST_ROOF_UM:
        text += "; [fields] blend = 'none' cuts fields instead, in other places from layer to layer"
    severity: Severity = "warning" if abs(roof) > MOST_ROOF_UM else "info"
    return Finding(code="fields-overlap", severity=severity, message=text, value=abs(roof), limit=MOST_ROOF_UM, unit="µm")
