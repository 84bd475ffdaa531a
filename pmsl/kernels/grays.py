"""Gray pixels that no white pixel is near, and the light that single pixels get from runs."""

from pmsl.kernels._jit import kernel


@kernel
def far_from_white(row_start, col, length, value, half_width, line, ahead, out_row, out_col, out_length):
    """Find stretches of gray pixels with no white pixel in the disc around each of them.

    Parameters
    ----------
    row_start, col, length, value : (rows + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask; 255 is white.
    half_width : (2 R + 1,) int64
        How far the disc reaches to both sides in the rows -R..R from its middle.
    line : (cols,) uint8
        Working space, as wide as the grid.
    ahead : (2 R + 1,) int64
        Working space: the runs before these ended left of the disc.
    out_row, out_col, out_length : (m,) int64
        Row of the mask's window, column of the grid and length of every stretch; overwritten as far as they reach.

    Returns
    -------
    int
        Stretches found; more than m where there was no room for all.
    """
    reach = half_width.size // 2
    widest = half_width[reach]
    rows = row_start.size - 1
    found = 0
    for r in range(rows):
        for t in range(half_width.size):
            ahead[t] = row_start[min(max(r + t - reach, 0), rows)]
        for i in range(row_start[r], row_start[r + 1]):
            if value[i] == 255:
                continue
            near = False
            first = col[i]
            end = first + length[i]
            j = i - 1
            while j >= row_start[r] and end - (col[j] + length[j]) <= widest:
                if value[j] == 255:
                    near = True
                    break
                j -= 1
            j = i + 1
            while not near and j < row_start[r + 1] and col[j] - first <= widest:
                near = value[j] == 255
                j += 1
            if near:
                continue
            line[first:end] = 0
            left = length[i]
            for t in range(half_width.size):
                row = r + t - reach
                if row < 0 or row >= rows or left == 0:
                    continue
                low, stop = ahead[t], row_start[row + 1]
                while low < stop and col[low] + length[low] + half_width[t] <= first:  # the first run that ends beyond the disc's left end
                    low += 1
                ahead[t] = low
                while low < stop and col[low] - half_width[t] < end:
                    if value[low] == 255:
                        for c in range(max(first, col[low] - half_width[t]), min(end, col[low] + length[low] + half_width[t])):
                            left -= 1 - line[c]
                            line[c] = 1
                    low += 1
            if left == 0:
                continue
            c = first
            while c < end:
                if line[c] != 0:
                    c += 1
                    continue
                begin = c
                while c < end and line[c] == 0:
                    c += 1
                if found < out_row.size:
                    out_row[found], out_col[found], out_length[found] = r, begin, c - begin
                found += 1
    return found


@kernel
def light_at(row_start, row0, col, length, value, response, flat, pixel_row, pixel_col, first, share, out):
    """Sum the light that reaches the middles of pixels, from the runs around each.

    Parameters
    ----------
    row_start, col, length, value : (rows + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask.
    row0 : int
        Row of the grid of the first row of runs.
    response : (256,) float64
        Relative irradiance of every level.
    flat : (rows, cols) float64
        Of the whole grid, or (0, 0): an even field.
    pixel_row, pixel_col : (m,) int64
    first : (2,) int64
        Row and column, from the pixel, of the first of the shares.
    share : (A, B) float64
        Of the light of each pixel around one, what gets into its middle.
    out : (m,) float64
        Added into.
    """
    rows = row_start.size - 1
    even = flat.size == 0
    for i in range(pixel_row.size):
        left = pixel_col[i] + first[1]
        right = left + share.shape[1]
        total = 0.0
        for a in range(share.shape[0]):
            r = pixel_row[i] + first[0] + a - row0
            if r < 0 or r >= rows:
                continue
            low, high = row_start[r], row_start[r + 1]
            stop = high
            while low < high:  # the first run that ends beyond the left
                mid = (low + high) // 2
                if col[mid] + length[mid] <= left:
                    low = mid + 1
                else:
                    high = mid
            while low < stop and col[low] < right:
                light = response[value[low]]
                for c in range(max(left, col[low]), min(right, col[low] + length[low])):
                    total += light * share[a, c - left] * (1.0 if even else flat[row0 + r, c])
                low += 1
        out[i] += total
