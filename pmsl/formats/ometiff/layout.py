"""What writer and reader of OME-TIFF agree on."""

from __future__ import annotations

COMPRESSION = "zlib"
ORIENTATIONS = {  # TIFF 6.0, tag 274: where row 0 and column 0 are seen
    ("-y", "+x"): 1,
    ("-y", "-x"): 2,
    ("+y", "-x"): 3,
    ("+y", "+x"): 4,
    ("+x", "-y"): 5,
    ("-x", "-y"): 6,
    ("-x", "+y"): 7,
    ("+x", "+y"): 8,
}
