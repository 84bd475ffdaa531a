"""How far vertices may be joined where nobody says it; apart from `weld`, which sound meshes never load."""

from __future__ import annotations

PIXELS = 1 / 20  # the bound, in pixels
USUAL_PIXEL_UM = 7.6  # where no pixel is known: that of the printer which is used where none is named


def bound_um(pixel_um: float | None) -> float:
    """Return how far vertices may be joined where nobody says it [µm]: a twentieth of a pixel."""
    return (USUAL_PIXEL_UM if pixel_um is None else pixel_um) * PIXELS
