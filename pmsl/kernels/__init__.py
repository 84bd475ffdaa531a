"""Ground floor: compiled loops in pixel and slab coordinates. No pmsl imports, no units, no I/O.

_jit       the decorators; _native: machine code kept on disk, called without the compiler; _shim: its entry
crossings  triangles by the planes they cross; triangles × plane → directed segments
facets     passes over a mesh: winding, flat triangles, partly filled slabs; helpers of both: triangles
area       directed segments → touched pixels, with what exact area coverage needs
volume     triangles → touched voxels, with what exact volume coverage needs; helpers: polygon (cutting), surface (heights)
touched    helpers of both: the bits of touched cells
rows       touched cells → coverage, as runs or dense; open rows mended
near       triangles near points
shells     triangles that hang together
spans      runs ↔ dense, 16 → 8 bit
areas      runs that hang together
png        runs of a frame → deflate symbols
copies     its helpers
inflate    zlib stream → runs; codes: its Huffman codes
unfilter   PNG row filters undone
deflate    deflate symbols → bytes
layer      crossings, area, rows and spans in one call
frame      png and deflate in one call
dose       light of all layers above → dose and cure front of a layer; recall: the same, found once where light is the same
printed    cure front × design → what is printed of each voxel; helpers: notes (blocks where nothing happens)
columns    faces of the design matched with those printed, column by column
probes     walls of a layer and how far from them the printed edge lies
across     ridges of voids and how wide they are there
bits       patterns of a few bits → 24-bit images; erle: their run-length code
"""
