"""Masks × printer → irradiance at the exposure plane: gray response, evenness of the field, blur, aerial image; each with its adjoint."""

from pmsl.optics.field import flat_field
from pmsl.optics.grayscale import levels_of, response
from pmsl.optics.image import AerialImage, Projector, aerial_image
from pmsl.optics.points import at_points, at_points_adjoint
from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled, psf_of
from pmsl.optics.spread import spread, spread_adjoint, target_of
from pmsl.optics.tiles import spread_in_tiles

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
    "levels_of",
    "psf_of",
    "response",
    "spread",
    "spread_adjoint",
    "spread_in_tiles",
    "target_of",
]
