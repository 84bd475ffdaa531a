"""Ground floor: compiled loops in pixel and slab coordinates. No pmsl imports, no units, no I/O.

_compiler  the decorators; machine code kept on disk, called without the compiler
geometry   triangles by the planes they cross, directed segments; winding, shells, near triangles, holes; polygons and surfaces
raster     segments and triangles → touched cells → coverage, as runs or dense; `slice_layer`: all of it in one call; widths and distances
codec      runs of a frame → PNG, and back; run-length codes and bit planes of controllers
light      blur, light of all layers above → dose and cure front; what is printed of each voxel, face and wall of the design
"""
