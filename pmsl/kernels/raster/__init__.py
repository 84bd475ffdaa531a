"""Segments and triangles to covered pixels; runs of masks."""
