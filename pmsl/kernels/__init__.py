"""Ground floor: compiled loops in pixel and slab coordinates. No pmsl imports, no units, no I/O.

_jit       the one decorator
crossings  triangles by the planes they cross; triangles × plane → directed segments
facets     passes over a mesh: winding, flat triangles, partly filled slabs
area       directed segments → exact pixel coverage, as runs or dense
volume     triangles → exact voxel coverage, as runs or dense
spans      runs ↔ dense, 16 → 8 bit
png        runs of a frame → deflate symbols
deflate    deflate symbols → bytes
"""
