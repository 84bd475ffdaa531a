"""What is known of a solid is made once, lives with it, and with no copy of it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from solids import box

from pmsl.mesh.repair.repair import closed, repaired
from pmsl.mesh.shells.shells import known_boxes_um, known_shells
from pmsl.mesh.solid_results import SolidResults


def test_results_are_made_once_and_a_copy_begins_anew():
    solid = box((0, 0, 0), (10, 20, 30))
    assert all(getattr(solid.results, f.name) in (None, {}) for f in fields(SolidResults))
    first = solid.bounds_um, solid.health, known_shells(solid), known_boxes_um(solid)
    assert closed(solid) and repaired(solid) is solid and not solid.inside_out
    again = solid.bounds_um, solid.health, known_shells(solid), known_boxes_um(solid)
    assert all(a is b for a, b in zip(first, again, strict=True))
    moved = replace(solid, vertices_um=solid.vertices_um * 2.0)
    assert moved.results is not solid.results and moved.results.bounds_um is None
    assert np.array_equal(moved.bounds_um, 2.0 * solid.bounds_um) and solid.sextuple_volume_um3 == pytest.approx(6 * 6000)
    assert moved.sextuple_volume_um3 == pytest.approx(6 * 48_000)
    with pytest.raises(AttributeError):  # names are declared: no key can be spelt wrong
        solid.results.shell_box = None


def test_a_repair_is_made_again_only_where_its_bound_matters():
    whole = box((0, 0, 0), (10, 10, 10))
    assert repaired(whole, weld_um=1.0) is whole and whole.results.repaired.weld_um is None
    cracked = replace(whole, faces=whole.faces[1:].copy())
    one = repaired(cracked, weld_um=0.5)
    assert one is not cracked and cracked.results.repaired.weld_um == 0.5 and repaired(cracked, weld_um=0.5) is one
    assert repaired(cracked, weld_um=0.25) is not one and cracked.results.repaired.weld_um == 0.25
