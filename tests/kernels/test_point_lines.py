"""Text of points: digit for digit what Python writes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.kernels.codec.point_lines import point_text

NM = st.one_of(st.integers(-2000, 2000), st.integers(-(10**12), 10**12))


def written(nm):
    """The slow and obvious way."""
    return f"{'-' if nm < 0 else ''}{abs(nm) // 1000}.{abs(nm) % 1000:03d}"


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.lists(st.tuples(NM, NM), max_size=4), max_size=5))
def test_points_and_words_stand_as_python_writes_them(polylines):
    points = np.array([point for line in polylines for point in line], np.int64).reshape(-1, 2)
    start = np.cumsum([0, *map(len, polylines)]).astype(np.int64)
    wanted = "".join("".join(f"{written(x)} {written(y)} 0.150\n" for x, y in line) + "Write\n" for line in polylines)
    assert point_text(points, start, b" 0.150\n", b"Write\n").decode() == wanted
