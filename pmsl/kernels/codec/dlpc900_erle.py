"""Enhanced run-length code of 24-bit images, in the fewest bytes a row can have, and back.

Codes (DLPC900 programmer's guide, enhanced RLE): ``00 01 n`` copies n pixels of the row above, ``n p`` repeats pixel p,
``00 n p…`` holds n > 1 pixels, ``00 00`` ends a row, ``00 01 00`` the image. A number is one byte below 128, else
``n & 127 | 128, n >> 7``. A pixel is its bits 16-23, 8-15, 0-7.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

COPY, REPEAT, PIXELS = range(3)
SHORT = 127  # the longest number of one byte
TOO_SHORT, NO_PIXEL_ABOVE, ROW_OVERRUN, PIXELS_MISSING, TOO_MANY_ROWS = -1, -2, -3, -4, -5


@kernel
def encode(image, ends, plan, out):
    """Encode an image.

    Parameters
    ----------
    image : (rows, cols) uint32
        24 bits a pixel; cols below 32768.
    ends : int
        1 to write ``00 00`` after every row.
    plan : (5, cols + 1) int32
        Scratch: from each pixel on, the bytes the rest of the row takes; the same if it goes on inside pixels; how many
        those are; the best code; how many pixels it covers.
    out : (rows * (3 * cols + 5) + 3,) uint8
        Overwritten.

    Returns
    -------
    int
        Number of bytes.

    Notes
    -----
    Bytes to the end of a row never grow with the pixel they are counted from (any code can be cut at its front), so
    of copies and repeats only the longest, and the longest with a one-byte number, can be best: one pass from the right.
    """
    at = 0
    rows, cols = image.shape
    for r in range(rows):
        line = image[r]
        above = image[r - 1] if r > 0 else line
        _plan(line, above, r > 0, plan)
        c = 0
        while c < cols:
            kind, n = plan[3, c], plan[4, c]
            if kind == REPEAT:
                at = _pixel(line[c], out, _number(n, out, at))
            else:
                out[at] = 0
                at += 1
                if kind == COPY:
                    out[at] = 1
                    at += 1
                at = _number(n, out, at)
                if kind == PIXELS:
                    for i in range(c, c + n):
                        at = _pixel(line[i], out, at)
            c += n
        if ends:
            out[at], out[at + 1] = 0, 0
            at += 2
    out[at], out[at + 1], out[at + 2] = 0, 1, 0
    return at + 3


@helper
def _plan(line, above, has_above, plan):
    """Find the cheapest codes of a row, from its end to its start."""
    cols = line.size
    best, inside, count, kind, length = plan[0], plan[1], plan[2], plan[3], plan[4]
    best[cols], inside[cols], count[cols] = 0, 1 << 30, 0
    alike = same = 0
    for c in range(cols - 1, -1, -1):
        alike = alike + 1 if has_above and line[c] == above[c] else 0
        same = same + 1 if c + 1 < cols and line[c] == line[c + 1] else 1
        goes_on = inside[c + 1] < best[c + 1]
        inside[c] = 3 + (inside[c + 1] if goes_on else best[c + 1])
        count[c] = 1 + (count[c + 1] if goes_on else 0)
        cost, chosen, many = 4 + (same > SHORT) + best[c + same], REPEAT, same
        if same > SHORT and 4 + best[c + SHORT] < cost:
            cost, many = 4 + best[c + SHORT], SHORT
        if alike > 0:
            if 3 + (alike > SHORT) + best[c + alike] <= cost:
                cost, chosen, many = 3 + (alike > SHORT) + best[c + alike], COPY, alike
            if alike > SHORT and 3 + best[c + SHORT] < cost:
                cost, chosen, many = 3 + best[c + SHORT], COPY, SHORT
        if count[c] > 1 and 2 + (count[c] > SHORT) + inside[c] < cost:
            cost, chosen, many = 2 + (count[c] > SHORT) + inside[c], PIXELS, count[c]
        best[c], kind[c], length[c] = cost, chosen, many


@helper
def _number(n, out, at):
    """Write a number; return the place after it."""
    if n <= SHORT:
        out[at] = n
        return at + 1
    out[at], out[at + 1] = (n & 127) | 128, n >> 7
    return at + 2


@helper
def _pixel(pixel, out, at):
    """Write a pixel; return the place after it."""
    out[at], out[at + 1], out[at + 2] = (pixel >> 16) & 255, (pixel >> 8) & 255, pixel & 255
    return at + 3


@kernel
def decode(data, image):
    """Decode an image; rows may end with ``00 00`` or with their last pixel.

    Parameters
    ----------
    data : (n,) uint8
    image : (rows, cols) uint32
        Overwritten as far as it goes.

    Returns
    -------
    int
        Bytes read up to the end of the image, or what is wrong: `TOO_SHORT` and so on.
    """
    rows, cols = image.shape
    size = data.size
    at = r = c = 0
    while True:
        if at + 2 > size:
            return TOO_SHORT
        first = data[at]
        at += 1
        kind = REPEAT
        if first == 0:
            if data[at] == 0:  # the end of a row: one that is full is ended already
                at += 1
                if c != 0:
                    return PIXELS_MISSING
                continue
            kind = PIXELS
            if data[at] == 1:
                kind = COPY
                at += 1
        else:
            at -= 1
        if at >= size:
            return TOO_SHORT
        n = np.int64(data[at])
        at += 1
        if n > SHORT:
            if at >= size:
                return TOO_SHORT
            n = (n & 127) | (np.int64(data[at]) << 7)
            at += 1
        if kind == COPY and n == 0:
            return at if r == rows and c == 0 else PIXELS_MISSING
        if r >= rows:
            return TOO_MANY_ROWS
        if n == 0 or c + n > cols:
            return ROW_OVERRUN
        if kind == COPY:
            if r == 0:
                return NO_PIXEL_ABOVE
            for i in range(c, c + n):
                image[r, i] = image[r - 1, i]
        else:
            many = n if kind == PIXELS else 1
            if at + 3 * many > size:
                return TOO_SHORT
            for i in range(n):
                from_ = at + 3 * i if kind == PIXELS else at
                image[r, c + i] = (np.uint32(data[from_]) << 16) | (np.uint32(data[from_ + 1]) << 8) | np.uint32(data[from_ + 2])
            at += 3 * many
        c += n
        if c == cols:
            r, c = r + 1, 0
