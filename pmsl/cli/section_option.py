"""Where cuts are asked for: ``--section x=UM`` or ``y=UM``."""

from __future__ import annotations

import math
from typing import Literal

from pmsl.errors import UsageError


def section_place(text: str) -> tuple[Literal["x", "y"], float]:
    """Read ``x=UM`` or ``y=UM``; raises `UsageError` where it is something else."""
    axis, _, value = text.partition("=")
    try:
        at = float(value)
    except ValueError:
        at = math.nan
    if axis not in ("x", "y") or not math.isfinite(at):
        raise UsageError(f"--section {text!r}: expected x=UM or y=UM like x=9728")
    return "x" if axis == "x" else "y", at
