"""How wide lines, gaps, dots and holes come out on glass: edges of blurred light at the threshold.

The light of a line is a sum of blurred boxes, one a pixel across it. Lines along the pixels have one gray in each column of pixels; of
turned ones the grays change along the line, and what is seen is its mean: the line, blurred by the pixel's own shadow twice (once as it
covers pixels, once as they are shown). A square's light is the product of two such sums, with a Gaussian blur.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

LINE, GAP, DOT, HOLE = "line", "gap", "dot", "hole"
FEATURES = (LINE, GAP, DOT, HOLE)
ROUNDS, EXACT_PX = 50, 1e-9  # of Newton's steps, or of halving; ends where no edge moves by more
STEPS = 24  # of a turned pixel's shadow
REACH = 6.0  # σ or γ beyond the edge that a crossing is looked for


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features on glass.

    Attributes
    ----------
    dark : (N,) bool
        Gaps and holes.
    square : (N,) bool
        Dots and holes.
    low, high, share : (N, K) float64
        Boxes of light (of dark ones: of what is missing) across each: their ends [px] from the middle, and their height, relative to white.
    dose_mj_cm2 : (N,) float64
        Of a white pixel.
    pitch_um : (N,) float64
        Across the feature.
    """

    dark: np.ndarray
    square: np.ndarray
    low: np.ndarray
    high: np.ndarray
    share: np.ndarray
    dose_mj_cm2: np.ndarray
    pitch_um: np.ndarray


def features_of(
    feature: np.ndarray,
    angle_deg: np.ndarray,
    width_px: np.ndarray,
    dose_mj_cm2: np.ndarray,
    pitch_um: tuple[float, float],
    response: np.ndarray,
) -> Features:
    """Return features by their names.

    Parameters
    ----------
    feature : (N,) str
        ``line``, ``gap``, ``dot`` or ``hole``.
    angle_deg : (N,) float64
        Which way a line or gap runs: 0 along x, 90 along y.
    width_px : (N,) float64
        As designed; one edge on a pixel's edge where it runs along the pixels.
    dose_mj_cm2 : (N,) float64
        Of a white pixel.
    pitch_um : (float, float)
        Of a pixel, x and y.
    response : (256,) float64
        Light of every gray level.
    """
    dark = np.isin(feature, (GAP, HOLE))
    boxes = [_boxes(float(w), float(a), bool(d), response) for w, a, d in zip(width_px, angle_deg, dark, strict=True)]
    most = max(len(box) for box in boxes)
    filled = np.array([[*box, *[(0.0, 0.0, 0.0)] * (most - len(box))] for box in boxes])
    across = np.hypot(pitch_um[0] * np.sin(np.radians(angle_deg)), pitch_um[1] * np.cos(np.radians(angle_deg)))
    square = np.isin(feature, (DOT, HOLE))
    pitch = np.where(square, math.sqrt(pitch_um[0] * pitch_um[1]), across)
    return Features(dark, square, filled[:, :, 0], filled[:, :, 1], filled[:, :, 2], np.asarray(dose_mj_cm2, np.float64), pitch)


def _boxes(width: float, angle: float, dark: bool, response: np.ndarray) -> list[tuple[float, float, float]]:
    """Return the boxes of light across one feature."""
    turn = abs(math.fmod(angle, 90.0))
    if min(turn, 90.0 - turn) > 1e-6:
        offsets, weights = _shadow(math.radians(turn))
        return [(o - width / 2, o + width / 2, w) for o, w in zip(offsets.tolist(), weights.tolist(), strict=True)]
    whole, rest = int(width + 1e-9), width - int(width + 1e-9)
    level = round(255 * (1 - rest if dark else rest))
    part = 1 - response[level] if dark else response[level]
    out = [(-width / 2, whole - width / 2, 1.0)] if whole else []
    return [*out, (whole - width / 2, whole + 1 - width / 2, float(part))] if rest > 1e-9 else out


def _shadow(turn: float) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets [px] and weights of a turned pixel's shadow, twice: two boxes of its sides, each twice."""
    sides = (math.cos(turn), math.sin(turn)) * 2
    weights, step = np.ones(1), 2.0 / STEPS
    for side in sides:
        n = max(round(side / step), 1)
        weights = np.convolve(weights, np.full(n, 1.0 / n))
        # the box of n steps stands for one of `side`: what rounding leaves is less than half a step
    offsets = (np.arange(len(weights)) - (len(weights) - 1) / 2) * step
    return offsets, weights


def light_across(features: Features, at_px: np.ndarray, blur_px: float, heavy_tail: bool) -> np.ndarray:
    """Return the light (of dark features: what is missing) at places across each, relative to white: (N,) float64.

    Parameters
    ----------
    features : Features
    at_px : (N,) float64
        From the middle [px].
    blur_px : float
        σ of a Gaussian, or γ of a Lorentzian.
    heavy_tail : bool
        Whether the blur is a Lorentzian.
    """
    return _light_and_slope(features, at_px, blur_px, heavy_tail)[0]


def widths_um(features: Features, blur_px: float, ec_mj_cm2: float, heavy_tail: bool = False) -> np.ndarray:
    """Return how wide features come out: (N,) float64 [µm], below 0 where one does not survive.

    There, it is what a parabola through the peak would be, mirrored: so it goes on smoothly, and a search finds back.

    Parameters
    ----------
    features : Features
    blur_px : float
        σ of a Gaussian, or γ of a Lorentzian [px].
    ec_mj_cm2 : float
        Dose of a white pixel that just cures on glass.
    heavy_tail : bool
    """
    tau = ec_mj_cm2 / features.dose_mj_cm2
    wanted = np.where(features.dark, 1.0 - tau, tau)
    weight = features.share * (features.high - features.low)
    middle = (weight * (features.high + features.low)).sum(axis=1) / (2 * weight.sum(axis=1))
    peak = light_across(features, middle, blur_px, heavy_tail)
    wanted = np.where(features.square, wanted / np.maximum(peak, 1e-12), wanted)
    lasts = (peak > wanted) & (wanted > 0)
    span = features.high.max(axis=1) - features.low.min(axis=1) + REACH * blur_px * (20.0 if heavy_tail else 1.0)
    apart = _edges(features, middle, np.where(lasts, wanted, 0.5 * peak), span, blur_px, heavy_tail)
    step = 0.25 * blur_px
    sides = light_across(features, middle + step, blur_px, heavy_tail) + light_across(features, middle - step, blur_px, heavy_tail)
    bend = np.maximum((2 * peak - sides) / step**2, 1e-6)
    lost = -2 * np.sqrt(2 * np.maximum(wanted - peak, 0.0) / bend)
    return np.asarray(np.where(lasts, apart, np.maximum(lost, -span)) * features.pitch_um)


def _edges(features: Features, middle: np.ndarray, wanted: np.ndarray, span: np.ndarray, blur_px: float, heavy_tail: bool) -> np.ndarray:
    """Return how far apart the two places are at which light falls to what is wanted, `span` at most to each side: (N,) float64 [px].

    Newton's steps, halving the bracket where one would leave it.
    """
    both = Features(*(np.concatenate([part, part]) for part in (getattr(features, name) for name in Features.__slots__)))
    sign, start, goal = np.repeat([-1.0, 1.0], len(wanted)), np.concatenate([middle, middle]), np.concatenate([wanted, wanted])
    near, far = np.zeros(len(goal)), np.concatenate([span, span])
    half = np.concatenate([middle - features.low.min(axis=1), features.high.max(axis=1) - middle])
    alone = np.tan(math.pi * (0.5 - goal)) if heavy_tail else ndtri(np.clip(1 - goal, 1e-9, 1 - 1e-9))  # of an edge far from the other
    at = np.clip(half + blur_px * alone, 0.2 * half, far)
    for _ in range(ROUNDS):
        over, slope = _light_and_slope(both, start + sign * at, blur_px, heavy_tail)
        over, slope = over - goal, slope * sign
        near, far = np.where(over > 0, at, near), np.where(over > 0, far, at)
        step = np.where(slope < 0, at - over / np.minimum(slope, -1e-300), np.inf)
        step = np.where((step >= near) & (step <= far), step, 0.5 * (near + far))
        moved, at = np.abs(step - at).max(initial=0.0), step
        if moved < EXACT_PX:
            break
    return np.asarray(at[: len(wanted)] + at[len(wanted) :])


def _light_and_slope(features: Features, at_px: np.ndarray, blur_px: float, heavy_tail: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the light at places across each feature, as `light_across` does, and how it rises [1/px]."""
    high, low = (at_px[:, None] - features.low) / blur_px, (at_px[:, None] - features.high) / blur_px
    if heavy_tail:
        steps, rises = (np.arctan(high) - np.arctan(low)) / math.pi, (1 / (1 + high**2) - 1 / (1 + low**2)) / math.pi
    else:
        steps, rises = ndtr(high) - ndtr(low), (np.exp(-0.5 * high**2) - np.exp(-0.5 * low**2)) / math.sqrt(2 * math.pi)
    return (features.share * steps).sum(axis=1), (features.share * rises).sum(axis=1) / blur_px
