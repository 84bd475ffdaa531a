"""Measured marks → PolynomialMap."""

from __future__ import annotations

import numpy as np

from pmsl.profiles.distortion.elementary_maps import PolynomialMap, powers, terms

LEAST_SPREAD = 0.5  # share of the field's width and height that marks must span


def fitted_marks(marks_um: np.ndarray, degree: int, size_um: tuple[float, float]) -> tuple[PolynomialMap, float]:
    """Lay a polynomial through measured marks by least squares.

    Parameters
    ----------
    marks_um : (n, 4) float64
        x and y in the picture, x and y on the plate.
    degree : int
    size_um : (float, float)
        Of the field.

    Returns
    -------
    PolynomialMap, float
        And the root mean square of what it leaves [µm], both axes together.

    Raises
    ------
    ValueError
        Marks outside of the field, on less than half its width or height, or on a curve that a polynomial of that degree does not see.
    """
    width, height = size_um
    at = marks_um[:, :2]
    for i, (x, y) in enumerate(at.tolist()):
        if not (0 <= x <= width and 0 <= y <= height):
            raise ValueError(
                f"marks[{i}] is at ({x:g}, {y:g}) µm in the picture; the field reaches from (0, 0) to ({width:g}, {height:g}) µm"
            )
    span = np.ptp(at, axis=0) / size_um
    if (span < LEAST_SPREAD).any():
        raise ValueError(
            f"marks span {span[0]:.3g} of the field's width and {span[1]:.3g} of its height, limit {LEAST_SPREAD:g}: "
            "what lies beyond them would be guessed; measure marks near the field's edges"
        )
    half = 0.5 * width
    x, y = (at[:, 0] - half) / half, (at[:, 1] - 0.5 * height) / half
    design = np.column_stack(terms(x, y, degree))
    moved = (marks_um[:, 2:] - at) / half
    coefficients, _, rank, _ = np.linalg.lstsq(design, moved, rcond=1e-9)
    if rank < len(powers(degree)):
        raise ValueError(
            f"marks determine {rank} of the {len(powers(degree))} unknowns of degree {degree}: they lie on too few rows or columns; "
            "spread them over the field, or lower degree"
        )
    left = (moved - design @ coefficients) * half
    return PolynomialMap(degree, coefficients[:, 0], coefficients[:, 1]), float(np.sqrt((left * left).sum(axis=1).mean()))
