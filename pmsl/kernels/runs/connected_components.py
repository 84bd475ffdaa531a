"""Connected areas of a mask, found in its runs."""

from pmsl.kernels._compiler.jit import helper, kernel


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


@helper
def numbered(parent, label):
    """Number the groups in the order of their first members, into `label`; return how many there are."""
    n = 0
    for i in range(parent.size):  # a root comes before all others of its group
        root = find(parent, i)
        if root == i:
            label[i] = n
            n += 1
        else:
            label[i] = label[root]
    return n


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
def voids(column, floor, roof, width, parent, label):
    """Number what hangs together: voids of neighbouring columns whose heights overlap.

    Parameters
    ----------
    column : (N,) int64
        Number of each void's column, ascending; rows are `width` numbers long, the last of which has no column.
    floor, roof : (N,) float64
    width : int
    parent : (N,) int64
        Overwritten: scratch.
    label : (N,) int64
        Overwritten: the group of each, groups in the order of their first members.

    Returns
    -------
    int
        Number of groups.
    """
    size = column.size
    for i in range(size):
        parent[i] = i
    beside, behind = 0, 0  # first void of the column to the right, and of that in the next row
    for i in range(size):
        while beside < size and column[beside] < column[i] + 1:
            beside += 1
        while behind < size and column[behind] < column[i] + width:
            behind += 1
        for begin, wanted in ((beside, column[i] + 1), (behind, column[i] + width)):
            j = begin
            while j < size and column[j] == wanted:
                if floor[i] < roof[j] and floor[j] < roof[i]:
                    join(parent, i, j)
                j += 1
    return numbered(parent, label)


@kernel
def linked(first, second, parent, label):
    """Number what links hold together.

    Parameters
    ----------
    first, second : (M,) int64
        Both ends of each link.
    parent : (N,) int64
        Overwritten: scratch.
    label : (N,) int64
        Overwritten: the group of each of N things, groups in the order of their first members.

    Returns
    -------
    int
        Number of groups.
    """
    for i in range(parent.size):
        parent[i] = i
    for i in range(first.size):
        join(parent, first[i], second[i])
    return numbered(parent, label)
