"""The table of PHYSICS.md, "Memory by contact": what an oracle prints of plain jobs and of jobs corrected for enclosed liquid.

Its roofs are ten layers thick. A roof in the very middle of a slab leaves that slab void.
"""

import functools

import manifold3d
import numpy as np
import pytest
from contact_oracle import Print
from contact_parts import DP, EC, ROOF, H, P, Printed, channel, resin

import pmsl

OFF = (0.0, 2.5, 5.0, 7.5)  # of a roof in its slab [µm]
ENCLOSED, CONTACT, OPEN = "enclosed", "contact", "open"
ROOFS = {  # (ends are closed, corrected for enclosed liquid), printed by: at each place in a slab [µm]
    (True, False, ENCLOSED): (-26.6, -29.1, -21.5, -24.0),
    (True, False, CONTACT): (-26.5, -29.0, -21.5, -24.0),
    (True, False, OPEN): (-8.1, -10.6, -3.1, -5.6),
    (True, True, ENCLOSED): (0.0, 0.0, 0.0, 0.0),
    (True, True, CONTACT): (4.0, 1.5, 0.0, 0.0),
    (True, True, OPEN): (21.9, 19.4, 19.8, 24.4),
    (False, False, ENCLOSED): (-26.6, -29.1, -21.5, -24.0),
    (False, False, CONTACT): (-8.0, -10.5, -3.0, -5.5),
    (False, False, OPEN): (-8.1, -10.6, -3.1, -5.6),
    (False, True, ENCLOSED): (0.0, 0.0, 0.0, 0.0),
    (False, True, CONTACT): (22.0, 19.5, 20.0, 24.5),
    (False, True, OPEN): (21.9, 19.4, 19.8, 24.4),
}
QUICK = {(True, True, CONTACT, 0.0), (True, True, CONTACT, 5.0), (False, True, CONTACT, 7.5), (False, False, CONTACT, 2.5)}


class OpenPrint(Print):
    """All liquid is replaced, wherever it is."""

    def _exchanged(self, solid, lit):
        return np.ones(solid.shape)


def truth(printed, memory):
    kind, renewal = (OpenPrint, 1.0) if memory == OPEN else (Print, float(memory == CONTACT))
    return kind(printed.frames, printed.white, H, P, 0.36, DP, EC, renewal, np.inf)


@functools.cache
def made(closed, corrected, off):
    return Printed(channel(closed, ROOF + off), resin("enclosed") if corrected else None)


def rows():
    for (closed, corrected, memory), expected in ROOFS.items():
        for off, roof in zip(OFF, expected, strict=True):
            quick = (closed, corrected, memory, off) in QUICK
            marks = () if quick else pytest.mark.slow
            names = "closed" if closed else "through", "corrected" if corrected else "plain", memory, str(off)
            yield pytest.param(closed, corrected, memory, off, roof, marks=marks, id="-".join(names))


@pytest.mark.parametrize(("closed", "corrected", "memory", "off", "roof_um"), [*rows()])
def test_roofs(closed, corrected, memory, off, roof_um):
    printed = made(closed, corrected, off)
    assert printed.roofs_um(truth(printed, memory), ROOF + off) == pytest.approx(roof_um, abs=0.3)


@pytest.mark.parametrize(
    ("corrected", "memory", "wall_px"),
    [
        (False, ENCLOSED, 0.293),
        (False, CONTACT, -0.017),
        (False, OPEN, -0.017),
        (True, ENCLOSED, 0.001),
        (True, CONTACT, -0.705),
        (True, OPEN, -0.705),
    ],
)
def test_outer_walls(corrected, memory, wall_px):
    printed = made(True, corrected, 0.0)
    assert printed.walls_px(truth(printed, memory)) == pytest.approx(wall_px, abs=0.01)


def membrane(layers):
    """A membrane between closed voids; the roof of the upper one, 70 µm above the membrane's lower face, is ten layers thick."""
    block = manifold3d.Manifold.cube([200, 240, 250]).translate([30, 30, 0])
    for low, high in ((30, 80), (80 + layers * H, 150)):
        block -= manifold3d.Manifold.cube([60, 180, high - low]).translate([100, 60, low])
    mesh = block.to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3].astype(float), mesh.tri_verts)


@pytest.mark.parametrize(
    ("layers", "memory", "face_um"),
    [
        (1, CONTACT, 0.0),
        pytest.param(2, CONTACT, 1.2, marks=pytest.mark.slow),
        pytest.param(1, OPEN, 0.6, marks=pytest.mark.slow),
        pytest.param(2, OPEN, 1.9, marks=pytest.mark.slow),
        pytest.param(3, OPEN, 11.9, marks=pytest.mark.slow),
    ],
)
def test_membranes(layers, memory, face_um):
    printed = Printed(membrane(layers), resin("enclosed"))
    assert printed.roofs_um(truth(printed, memory), 80.0, 30.0) == pytest.approx(face_um, abs=0.3)


@pytest.mark.slow
def test_a_membrane_of_three_layers_hangs_on_its_rim():
    """Its lowest gray closes the void where it is as bright along the rim as in the middle. Corrected, the rim is darker: that leaks."""
    printed = Printed(membrane(3), resin("enclosed"))
    leaks = printed.roofs_um(truth(printed, CONTACT), 80.0, 30.0)
    lowest = printed.frames[9, 6:24, 10:16]
    lowest[:] = np.median(lowest)
    assert printed.roofs_um(truth(printed, CONTACT), 80.0, 30.0) == pytest.approx(0.0, abs=0.3)
    assert leaks > 5.0
