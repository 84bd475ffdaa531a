"""Exposure times that a format's rule gives, instead of one for each layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmsl.formats.adapt.capability import refusal

TIME_SLACK_S = 1e-3
Rule = Callable[[np.ndarray], np.ndarray]


def longest(wanted_s: np.ndarray) -> np.ndarray:
    """Return the rule of targets with one time for all layers: the longest that is wanted."""
    lit = wanted_s[np.isfinite(wanted_s)]
    return np.full(len(wanted_s), lit.max() if lit.size else 1.0)


def check_times(wanted_s: np.ndarray, given_s: np.ndarray, name: str) -> None:
    """Refuse exposure times that the target's rule does not give within `TIME_SLACK_S`.

    Parameters
    ----------
    wanted_s, given_s : (L,) float64
        Times of all layers [s]; nan for those without light.
    name : str
        Of the format, for the message.

    Raises
    ------
    TargetError
        With the first layer whose time would be another.
    """
    off = np.abs(given_s - wanted_s) > TIME_SLACK_S * (1 + 1e-9)
    if off.any():
        k = int(np.argmax(off))
        limit = f"{given_s[k]:.6g} s, what the format's rule gives"
        advice = (
            "slice with bottom dose factors that fall in equal steps, --bottom-dose-factors 10,7,4, or with none of them, or pass --lossy "
            "to fold doses into gray, or choose a format with a time for each layer"
        )
        raise refusal(name, "time_s", f"{wanted_s[k]:.6g} s", limit, advice, f"layer {k}: ", "must equal")
