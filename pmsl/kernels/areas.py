"""Connected areas of a mask, found in its runs."""

from pmsl.kernels._jit import helper, kernel


@helper
def find(parent, i):
    """Return the first run of the area of run i."""
    while parent[i] >= 0 and parent[i] != i:
        if parent[parent[i]] >= 0:
            parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@helper
def join(parent, i, j):
    """Make the areas of two runs one."""
    a, b = find(parent, i), find(parent, j)
    if a < b:
        parent[b] = a
    else:
        parent[a] = b


@kernel
def areas(row_start, col, length, level, parent, area):
    """Join runs that touch, corners too, and add up what each area covers.

    Parameters
    ----------
    row_start : (n_rows + 1,) int64; col, length : (R,) int32; level : (R,) uint8
        Maximal runs, columns ascending in each row.
    parent : (R,) int64
        Overwritten: scratch.
    area : (R,) float64
        Overwritten: the first entries are what each area covers [px], its pixels weighted with level / 255, in the order of their
        first runs.

    Returns
    -------
    int
        Number of areas.
    """
    for i in range(col.size):
        parent[i] = i
    for r in range(row_start.size - 1):
        above = row_start[r - 1] if r > 0 else row_start[r]
        end = row_start[r]
        for i in range(row_start[r], row_start[r + 1]):
            if i > row_start[r] and col[i - 1] + length[i - 1] == col[i]:
                join(parent, i - 1, i)
            while above < end and col[above] + length[above] < col[i]:
                above += 1
            j = above
            while j < end and col[j] <= col[i] + length[i]:
                join(parent, j, i)
                j += 1
    n = 0
    for i in range(col.size):  # a root comes before all others of its area
        root = find(parent, i)
        if root == i:
            area[n] = 0.0
            parent[i] = -1 - n
            n += 1
            root = i
        area[-1 - parent[root]] += length[i] * (level[i] / 255.0)
    return n


@kernel
def linked(first, second, parent, label):
    """Number what hangs together by links.

    Parameters
    ----------
    first, second : (P,) int64
        The two ends of every link.
    parent : (N,) int64
        Overwritten: scratch.
    label : (N,) int64
        Overwritten: the group of each, groups in the order of their first members.

    Returns
    -------
    int
        Number of groups.
    """
    for i in range(parent.size):
        parent[i] = i
    for p in range(first.size):
        join(parent, first[p], second[p])
    n = 0
    for i in range(parent.size):  # a root comes before all others of its group
        root = find(parent, i)
        if root == i:
            label[i] = n
            n += 1
        else:
            label[i] = label[root]
    return n
