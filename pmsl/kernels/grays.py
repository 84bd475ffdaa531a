"""Gray pixels that no white pixel is near."""

from pmsl.kernels._jit import kernel


@kernel
def far_from_white(row_start, col, length, value, half_width, line, out_row, out_col, out_length):
    """Find stretches of gray pixels with no white pixel in the disc around each of them.

    Parameters
    ----------
    row_start, col, length, value : (rows + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask; 255 is white.
    half_width : (2 R + 1,) int64
        How far the disc reaches to both sides in the rows -R..R from its middle.
    line : (cols,) uint8
        Working space, as wide as the grid.
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
                low, high = row_start[row], row_start[row + 1]
                while low < high:  # the first run that ends beyond the disc's left end
                    mid = (low + high) // 2
                    if col[mid] + length[mid] + half_width[t] <= first:
                        low = mid + 1
                    else:
                        high = mid
                while low < row_start[row + 1] and col[low] - half_width[t] < end:
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
