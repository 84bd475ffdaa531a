"""Triangles of meshes: what they share, enclose and measure."""
