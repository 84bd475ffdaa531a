"""The slab that holds a height: half open, as every height of a job is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pmsl import Grid

GRID = Grid(origin_um=(0, 0), pitch_um=1, shape=(2, 2), z_edges_um=[0, 10, 30, 35, 100])


def test_an_edge_belongs_to_the_slab_above_it():
    for k, edge in enumerate(GRID.z_edges_um[:-1]):
        assert GRID.layer_of(edge) == k
        assert GRID.layer_of(np.nextafter(edge, -np.inf)) == max(k - 1, 0)
    assert GRID.layer_of(100) == GRID.layer_of(1e9) == 3 and GRID.layer_of(-5) == 0


@given(st.floats(0, 99.999))
def test_a_height_lies_in_its_slab(z):
    k = GRID.layer_of(z)
    assert GRID.z_edges_um[k] <= z < GRID.z_edges_um[k + 1]
