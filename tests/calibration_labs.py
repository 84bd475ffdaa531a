"""Synthetic labs: slow forward models of their own for what is printed and measured, and sheets filled in with it."""

import csv
import math

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pmsl.calibrate.coupons.measuring_sheet import sheet_text

DEPTHS = np.linspace(-40.0, 400.0, 22_001)  # 20 nm apart
LINE_PX = (np.arange(1600) + 0.5) / 40 - 20  # px


def film_um(events_mj_cm2, dp, ec, induction=0.0, tail=0.0):
    """Thickness of a film: the last depth of a fine grid at which the events, each less what oxygen spends, add up to the threshold."""
    light = (1 - tail) * np.exp(-DEPTHS / dp) + tail
    total = sum(np.maximum(event * light - induction, 0.0) for event in events_mj_cm2)
    cured = np.flatnonzero(total >= ec - induction)
    return DEPTHS[cured[-1]] if len(cured) else -math.inf


def roof_um(layers, dose, layer_um, dp, ec, induction=0.0, tail=0.0):
    """How far a roof comes down below its designed face: as a film of events, each from its own exposure plane."""
    total = np.zeros(len(DEPTHS))
    for k in range(layers):
        light = (1 - tail) * np.exp(-(DEPTHS + (k + 1) * layer_um) / dp) + tail
        total += np.maximum(dose * light - induction, 0.0)
    cured = np.flatnonzero(total >= ec - induction)
    return DEPTHS[cured[-1]] if len(cured) else -math.inf


def exchanged_roof_um(layers, dose, layer_um, dp, ec, induction, renewal, way_um, reach_um):
    """The same beside liquid `way_um` from the vat: followed in time at every depth, recoat by recoat, solid from the first time on."""
    lost = 0.0 if way_um is None else renewal * math.exp(-way_um / reach_um)
    dose_of, solid = np.zeros(len(DEPTHS)), np.zeros(len(DEPTHS), bool)
    for k in range(layers):
        dose_of = (1.0 - lost) * dose_of + np.maximum(dose * np.exp(-(DEPTHS + (k + 1) * layer_um) / dp) - induction, 0.0)
        solid |= dose_of >= ec - induction
    cured = np.flatnonzero(solid)
    return DEPTHS[cured[-1]] if len(cured) else -math.inf


def lab_width(feature, width, tau, sigma, response=None):
    """Width of a line or gap along the pixels: a box, blurred by a sum, cut at the threshold and counted with shares of samples."""
    whole, rest = int(width), width - int(width)
    if response is not None:  # what the partly covered pixel shows: of a gap the light of what is left
        rest = response[round(255 * rest)] if feature == "line" else 1 - response[round(255 * (1 - rest))]
    box = ((LINE_PX >= 0) & (whole > LINE_PX)) + rest * ((whole <= LINE_PX) & (whole + 1 > LINE_PX))
    light = gaussian_filter1d(box.astype(float), sigma * 40, mode="constant", truncate=8)
    wanted = tau if feature == "line" else 1 - tau
    over = np.flatnonzero(light >= wanted)
    if len(over) == 0:
        return 0.0
    a, b = over[0], over[-1]
    left = LINE_PX[a] - (light[a] - wanted) / (light[a] - light[a - 1]) / 40
    return LINE_PX[b] + (light[b] - wanted) / (light[b] - light[b + 1]) / 40 - left


def rows_of(coupon):
    """Rows of a coupon's sheet, as a lab reads them."""
    return list(csv.DictReader(line for line in sheet_text(coupon).splitlines() if not line.startswith("#")))


def filled(coupon, path, measure, lost=0.0, rng=None):
    """Write a coupon's sheet filled in: `measure` gives the cells of a row; some rows are lost."""
    rows = rows_of(coupon)
    for row in rows:
        if rng is None or rng.random() >= lost:
            row.update({name: f"{value:.4f}" if isinstance(value, float) else str(value) for name, value in measure(row).items()})
    head = [line for line in sheet_text(coupon).splitlines() if line.startswith("#")]
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write("\n".join(head) + "\n")
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_rows(path, rows):
    """Write rows of a sheet of one's own."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def share_inside(labs):
    """Share of labs whose true value lies inside its interval, of each name: labs give (true values, FitResult)."""
    inside = {}
    for true, found in labs:
        for name, value in true.items():
            low, high = found.parameters[name].interval95
            inside.setdefault(name, []).append(low - 1e-9 <= value <= high + 1e-9)
    return {name: float(np.mean(hits)) for name, hits in inside.items()}
