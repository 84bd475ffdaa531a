"""Regions that meshes draw (modifier meshes): what each has of a layer, and the images that come of it.

sites    parts and the shapes of their regions, placed, and what they have in common
shares   the images of a layer, split between regions
pieces   what they are collected in: one image for each dose factor and way to be shown
"""

from pmsl.correct.modifiers.region_images import RegionShares

__all__ = ["RegionShares"]
