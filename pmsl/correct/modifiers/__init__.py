"""Regions that meshes draw (modifier meshes): what each has of a layer, and the images that come of it.

placed_regions  parts and the shapes of their regions, placed, and what they have in common
region_images   the images of a layer, split between regions
level_groups    what they are collected in: one image for each dose factor and way to be shown
"""

from pmsl.correct.modifiers.region_images import RegionShares

__all__ = ["RegionShares"]
