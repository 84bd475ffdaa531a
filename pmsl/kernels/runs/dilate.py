"""Growing a set of pixels by a disc."""

from pmsl.kernels._compiler.jit import kernel


@kernel
def grow(inside, half_width, out):
    """Set every pixel of `out` that a disc around a pixel of `inside` reaches.

    Parameters
    ----------
    inside : (rows, cols) uint8
        Not 0 where a pixel belongs to the set.
    half_width : (2 R + 1,) int64
        How far the disc reaches to both sides in the rows -R..R from its middle; negative for not at all.
    out : (rows, cols) uint8
        Reached pixels are set to 1, the others stay.
    """
    rows, cols = inside.shape
    reach = half_width.size // 2
    for r in range(rows):
        c = 0
        while c < cols:
            if inside[r, c] == 0:
                c += 1
                continue
            first = c
            while c < cols and inside[r, c] != 0:
                c += 1
            for i in range(half_width.size):
                row = r + i - reach
                if 0 <= row < rows and half_width[i] >= 0:
                    for col in range(max(0, first - half_width[i]), min(cols, c + half_width[i])):
                        out[row, col] = 1
