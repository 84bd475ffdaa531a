"""Masks × printer → irradiance at the exposure plane: gray response, evenness of the field, blur, aerial image; each with its adjoint."""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later
from pmsl.optics.convolution import spread, spread_adjoint, target_of

if TYPE_CHECKING:
    from pmsl.optics.field_evenness import flat_field
    from pmsl.optics.image_formation import AerialImage, Projector, aerial_image
    from pmsl.optics.point_light import at_points, at_points_adjoint
    from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled, psf_of
    from pmsl.optics.tiled_convolution import spread_in_tiles

_HOMES = homes_in(
    __name__,
    field_evenness="flat_field",
    image_formation="AerialImage Projector aerial_image",
    point_light="at_points at_points_adjoint",
    psf="Gaussian Lorentzian Psf Sampled psf_of",
    tiled_convolution="spread_in_tiles",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "AerialImage",
    "Gaussian",
    "Lorentzian",
    "Projector",
    "Psf",
    "Sampled",
    "aerial_image",
    "at_points",
    "at_points_adjoint",
    "flat_field",
    "psf_of",
    "spread",
    "spread_adjoint",
    "spread_in_tiles",
    "target_of",
]
