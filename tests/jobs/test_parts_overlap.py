"""Parts that overlap are a warning with their place; parts that touch, or whose boxes alone overlap, are none."""

import numpy as np
import pytest
from solids import box, cone, prism

import pmsl

PRINTER, RESIN = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")


def overlaps(*parts):
    return [f for f in pmsl.prepare(list(parts), PRINTER, RESIN).findings if f.code == "parts-overlap"]


def test_two_that_overlap():
    (found,) = overlaps(box((100, 100, 0), (300, 300, 50)), box((250, 200, 0), (500, 500, 30)))
    assert found.severity == "warning" and found.value == pytest.approx(50 * 100, rel=1e-3)
    assert found.box_um == ((250, 200, 0), (300, 300, 30)) and found.layers == (0, 2) and "--pack" in found.message


@pytest.mark.parametrize("shift", [(200, 0, 0), (0, 200, 0), (200, 200, 0), (200.7, 3.3, 0), (0, 0, 50)])
def test_those_that_touch_do_not(shift):
    low = np.array([100.3, 100.7, 0])
    other = low + shift
    assert overlaps(box(low, low + (200, 200, 50)), box(other, other + (200, 200, 50))) == []


def test_touching_along_a_slope():
    ring = np.array([(100.3, 100.0), (300.1, 100.0), (100.3, 300.9)])
    other = np.array([(300.1, 100.0), (300.1, 300.9), (100.3, 300.9)])
    assert overlaps(prism(ring, 0, 50), prism(other, 0, 50)) == []
    assert len(overlaps(prism(ring, 0, 50), prism(other - (1.0, 1.0), 0, 50))) == 1


def test_boxes_alone():
    assert overlaps(cone(32, 100, 100, (300, 300, 0)), box((380, 380, 20), (450, 450, 100)), box((380, 380, 0), (450, 450, 20))) == []


def test_one_inside_another_and_several():
    (found,) = overlaps(box((100, 100, 0), (500, 500, 50)), box((200, 200, 0), (300, 300, 50)), box((250, 250, 0), (400, 400, 50)))
    assert "2 other pairs" in found.message


def test_copies():
    part = box((0, 0, 0), (200, 200, 50))

    def copies(step):
        listed = [pmsl.Copy(x_um=100.0 + step * n, y_um=100.0) for n in range(3)]
        return pmsl.place_copies([part], PRINTER, RESIN, listed)

    assert [f.code for f in pmsl.prepare(copies(200.0), PRINTER, RESIN).findings if f.code == "parts-overlap"] == []
    assert len([f for f in pmsl.prepare(copies(150.0), PRINTER, RESIN).findings if f.code == "parts-overlap"]) == 1
