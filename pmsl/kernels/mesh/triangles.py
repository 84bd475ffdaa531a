"""Corners of the triangles of a mesh, in single or double precision, with or without faces: helpers of crossings and facets."""

import numpy as np

from pmsl.kernels._compiler.jit import helper


@helper
def count(vertices, faces):
    """Number of triangles: without faces every three vertices are one."""
    return faces.shape[0] if faces.shape[0] > 0 else vertices.shape[0] // 3


@helper
def vertex_of(faces, i, corner):
    """Row of `vertices` that is a corner of triangle i."""
    return np.int64(faces[i, corner]) if faces.shape[0] > 0 else 3 * i + corner


@helper
def placed(vertex, factor, transform, axis):
    """One coordinate of a placed vertex, term by term: equal vertices stay equal bit for bit. In double precision from the start."""
    t = transform[axis]
    x, y, z = np.float64(vertex[0]) * factor, np.float64(vertex[1]) * factor, np.float64(vertex[2]) * factor
    return x * t[0] + y * t[1] + z * t[2] + t[3]
