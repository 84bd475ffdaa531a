"""Open surfaces that enclose nothing: left out, and named, where what is solid is known without them; else the mesh is refused."""

import numpy as np
import pytest
from solids import box, icosphere

from pmsl import Solid
from pmsl.errors import MeshError

BALL = icosphere(3, 50, (60, 60, 60))
BLOCK = box((0, 0, 0), (100, 100, 100))


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def sheet(size, at=(20, 20, 50), turned=False):
    """A flat square."""
    v = np.array([(0, 0, 0), (size, 0, 0), (size, size, 0), (0, size, 0)], float) + at
    f = np.array([(0, 1, 2), (0, 2, 3)])
    return Solid.from_arrays(v, f[:, ::-1] if turned else f)


def bowl(radius, at, turned=False):
    """The lower part of a sphere: closing it takes about as much surface as it has."""
    ball = icosphere(3, radius, at)
    low = (ball.vertices_um[ball.faces][:, :, 2] < at[2] - 0.7 * radius).all(axis=1)
    return Solid.from_arrays(ball.vertices_um, ball.faces[low][:, ::-1] if turned else ball.faces[low])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("body", [BLOCK, BALL], ids=["block", "ball"])
def test_a_loose_sheet_inside_a_body_is_left_out_and_named(body, turned):
    mesh = joined(body, sheet(60, turned=turned), sheet(50, (25, 25, 60), not turned))
    made = mesh.repaired()
    assert [f.code for f in made.findings][-1] == "repaired-sheets" and "2 open surfaces" in made.repairs[-1]
    assert len(made.faces) == len(body.faces) and made.health.watertight
    assert made.health.volume_um3 == pytest.approx(body.health.volume_um3)
    lost = 60**2 + 50**2
    assert lost > 0.09 * np.linalg.norm(np.cross(*np.moveaxis(np.diff(body.vertices_um[body.faces], axis=1), 1, 0)), axis=1).sum() / 2


def test_a_curved_sheet_inside_a_body_is_left_out_unless_it_looks_inward_as_a_cavity_does():
    inner = [bowl(60, (50, 50, 85)), bowl(60, (50, 50, 95))]
    made = joined(BLOCK, *inner).repaired()
    assert "repaired-sheets" in [f.code for f in made.findings] and made.health.volume_um3 == pytest.approx(1e6)
    with pytest.raises(MeshError, match="what is solid cannot be known"):
        joined(BLOCK, *(Solid.from_arrays(s.vertices_um, s.faces[:, ::-1]) for s in inner)).repaired()


def test_a_curved_sheet_outside_every_body_is_a_reason_to_refuse():
    with pytest.raises(MeshError, match="what is solid cannot be known"):
        joined(BLOCK, bowl(60, (250, 50, 85)), bowl(60, (250, 50, 95))).repaired()


def test_most_of_a_mesh_is_never_left_out():
    with pytest.raises(MeshError, match="% of the mesh, enclose no volume"):
        joined(BLOCK, *(sheet(90, (5, 5, z)) for z in range(3, 97, 10))).repaired()


def test_sheets_are_not_left_out_of_a_body_that_is_not_whole():
    """Half a ball is closed by a lid that was never there; who knows what the sheets beside it were."""
    corners = BALL.vertices_um[BALL.faces]
    half = Solid.from_arrays(BALL.vertices_um, BALL.faces[(corners[:, :, 2] < 61).all(axis=1)])
    assert half.repaired().health.watertight
    with pytest.raises(MeshError, match="what is solid cannot be known"):
        joined(half, sheet(60, (30, 30, 40))).repaired()


@pytest.mark.parametrize("mesh", [sheet(50), joined(sheet(50), sheet(40, (0, 0, 9))), bowl(60, (50, 50, 85))])
def test_where_nothing_is_closed_the_mesh_is_refused(mesh):
    with pytest.raises(MeshError, match="100 % of the mesh, enclose no volume") as refused:
        mesh.repaired()
    assert "--repair none" not in str(refused.value)


def test_a_refusal_names_the_tolerance_that_would_close_it():
    ball = icosphere(2, 1000, (0, 0, 0))
    v = ball.vertices_um[ball.faces.reshape(-1)]
    every_second = (np.arange(len(v)) % 2)[:, None] * np.array([1.0, 0, 0])
    near, far = (Solid.from_arrays(v + um * every_second, np.arange(len(v)).reshape(-1, 3)) for um in (1.0, 20.0))
    with pytest.raises(MeshError, match=r"what is solid cannot be known\. Close them in the program that made them$"):
        far.repaired()
    with pytest.raises(MeshError, match="--weld-um 1") as refused:
        near.repaired()
    assert near.repaired("auto", float(str(refused.value).rsplit(" ", 1)[1])).health.watertight
