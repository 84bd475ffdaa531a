"""Repair: what is changed, that it is said, that a sound mesh is left alone, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, grid, hull, icosphere, moved, soup
from tiers import examples, thinned

import pmsl
from pmsl import Solid
from pmsl.errors import GridError, MeshError, UsageError
from pmsl.masks import coverage, masks_of
from pmsl.mesh.shells.shells import inward, measures_of, shells_of
from pmsl.mesh.triangle_soup import Soup


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def turned(solid, faces=slice(None)):
    f = solid.faces.copy()
    f[faces] = f[faces][:, ::-1]
    return Solid.from_arrays(solid.vertices_um, f)


def without(solid, faces):
    return Solid.from_arrays(solid.vertices_um, np.delete(solid.faces, faces, axis=0))


def codes(solid):
    return [f.code for f in solid.findings]


def shells(solid, few=1 << 17):
    return shells_of(solid.vertices_um, solid.faces, few)


BALL, SMALL = icosphere(3, 5, (7, 6, 2)), icosphere(2, 2.1, (7.2, 6.1, 2))
FAR = moved(BALL, (30, 0, 0))


# --- closed, or not: one pass --------------------------------------------------------------------------------------


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_closed_is_every_edge_with_its_opposite(seed, as_soup, damaged):
    rng = np.random.default_rng(seed)
    bodies = [moved(hull(rng.normal(size=(rng.integers(4, 30), 3))), (20 * i, 0, 0)) for i in range(rng.integers(1, 5))]
    solid = joined(*bodies)
    if damaged:
        which = rng.integers(len(solid.faces))
        solid = without(solid, [which]) if rng.random() < 0.5 else turned(solid, [which])
    solid = soup(solid) if as_soup else solid
    found = shells(Solid.from_arrays(solid.vertices_um, solid.faces[rng.permutation(len(solid.faces))]))
    assert (found.closed, found.count) == (not damaged, len(bodies))
    if not damaged:
        ordered = shells(solid, few=0)
        assert ordered.closed and ordered.count == len(bodies)
        assert np.array_equal(ordered.label, shells(solid).label)


def test_minus_zero_is_zero():
    b = soup(box((0, 0, 0), (1, 1, 1)))
    v = b.vertices_um.copy()
    v[v == 0] = np.resize([0.0, -0.0], (v == 0).sum())
    assert shells(Solid.from_arrays(v, b.faces)).closed


def test_bodies_that_are_not_listed_one_after_the_other():
    two = joined(BALL, FAR)
    mixed = Solid.from_arrays(two.vertices_um, two.faces[np.random.default_rng(0).permutation(len(two.faces))])
    assert shells(mixed).count == 2 and shells(mixed, few=0).count < len(two.faces) and shells(mixed, few=0).closed


# --- a sound mesh ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sound",
    [
        BALL,
        joined(BALL, FAR),
        joined(BALL, turned(SMALL)),
        joined(BALL, SMALL),
        joined(BALL, BALL),
        turned(BALL),
        turned(joined(BALL, turned(SMALL))),
    ],
    ids=["ball", "two", "cavity", "nested", "twice", "inside out", "inside out with a cavity"],
)
def test_a_closed_mesh_is_left_alone(sound):
    assert sound.repaired() is sound


def test_nothing_is_done_twice_or_when_not_asked():
    broken = without(BALL, [5])
    mended = broken.repaired()
    assert mended is broken.repaired() and mended.repaired() is mended and broken.repaired("none") is broken
    with pytest.raises(UsageError, match="auto, none, strict"):
        broken.repaired("maybe")


# --- shells that look inward ----------------------------------------------------------------------------------------


def test_what_looks_inward():
    crossing, apart = turned(moved(SMALL, (4, 0, 0))), turned(moved(SMALL, (30, 0, 0)))
    mesh = joined(BALL, turned(SMALL), crossing, apart)
    found = shells(mesh)
    m = measures_of(mesh.vertices_um, mesh.faces, found)
    looks, holder = inward(mesh.vertices_um, mesh.faces, found, m)
    assert looks.tolist() == [0, 1, 2, 2] and holder.tolist() == [-1, 0, -1, -1]


@pytest.mark.parametrize("shift", [0.0, 2.5, 4.5, 8.0], ids=["inside", "touching the rim", "crossing", "apart"])
def test_a_reversed_body_is_a_cavity_only_inside_another(shift):
    small = moved(SMALL, (shift, 0.3, 0.2))
    mesh = joined(BALL, turned(small))
    mended = mesh.repaired()
    if shift < 3:
        assert mended is mesh
        return
    assert codes(mended) == ["repaired-shells"] and mended.findings[0].value == 1
    assert mended.repairs == ("1 shells looked inward without lying wholly inside another; turned",)
    g = grid(rows=14, cols=20)
    for k in range(3):
        assert np.abs(coverage([mesh], g, k) - coverage([BALL, small], g, k)).max() <= 1e-12


def test_a_bar_that_sticks_out_without_a_corner_outside_is_no_cavity():
    """All corners of the reversed bar lie inside the ring-shaped body; its middle passes through the hole."""
    outer = [box((0, 0, 0), (3, 10, 10)), box((7, 0, 0), (10, 10, 10)), box((2, 0, 0), (8, 10, 3)), box((2, 0, 7), (8, 10, 10))]
    from manifold3d import Manifold, Mesh, OpType

    whole = Manifold.batch_boolean([Manifold(Mesh(s.vertices_um.astype("f4"), s.faces.astype("u4"))) for s in outer], OpType.Add).to_mesh()
    ring = Solid.from_arrays(whole.vert_properties[:, :3], whole.tri_verts.astype(int))
    bar = box((1, 4, 4), (9, 6, 6))
    mended = joined(ring, turned(bar)).repaired()
    assert codes(mended) == ["repaired-shells"]
    inner = turned(box((0.5, 4, 4), (2.5, 6, 6)))
    assert joined(ring, inner).repaired().repairs == ()


# --- holes, winding, copies -----------------------------------------------------------------------------------------


def test_a_missing_face_is_put_back():
    mended = without(BALL, [100]).repaired()
    assert mended.health.watertight and codes(mended) == ["repaired-holes"]
    assert mended.health.volume_um3 == pytest.approx(BALL.health.volume_um3, rel=1e-12)
    finding = mended.findings[0]
    corners = BALL.vertices_um[BALL.faces[100]]
    assert np.allclose(finding.box_um, [corners.min(axis=0), corners.max(axis=0)], atol=1e-9) and finding.value == 1


@pytest.mark.parametrize("as_soup", [False, True])
def test_a_box_without_a_lid_gets_one(as_soup):
    b = box((1, 1, 0), (9, 8, 3))
    lid = [i for i, f in enumerate(b.faces) if (b.vertices_um[f, 2] == 3).all()]
    opened = without(b, lid)
    mended = (soup(opened) if as_soup else opened).repaired()
    assert mended.health.watertight and mended.health.volume_um3 == pytest.approx(8 * 7 * 3)


def test_a_ring_that_is_not_convex_is_closed_with_its_own_area():
    ring = np.array([(0, 0), (6, 0), (6, 1), (1, 1), (1, 5), (6, 5), (6, 6), (0, 6)], float) + 1
    n = len(ring)
    v = np.vstack([np.c_[ring, np.zeros(n)], np.c_[ring, np.full(n, 3.0)]])
    walls = [t for i in range(n) for t in ((i, (i + 1) % n, n + (i + 1) % n), (i, n + (i + 1) % n, n + i))]
    mended = Solid.from_arrays(v, np.array(walls)).repaired()
    assert mended.health.watertight and mended.health.volume_um3 == pytest.approx(3 * (36 - 20), rel=1e-12)


def test_a_long_rim_gets_a_point_in_its_middle():
    angle = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    n = len(angle)
    ring = np.c_[6 + 4 * np.cos(angle), 6 + 4 * np.sin(angle)]
    v = np.vstack([np.c_[ring, np.zeros(n)], np.c_[ring, np.full(n, 9.0)]])
    walls = [t for i in range(n) for t in ((i, (i + 1) % n, n + (i + 1) % n), (i, n + (i + 1) % n, n + i))]
    mended = Solid.from_arrays(v, np.array(walls)).repaired()
    assert mended.health.watertight and mended.health.volume_um3 == pytest.approx(9 * 0.5 * n * 16 * np.sin(2 * np.pi / n), rel=1e-9)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_turned_faces_are_turned_back(share):
    which = np.random.default_rng(3).choice(len(BALL.faces), int(share * len(BALL.faces)), replace=False)
    mended = turned(BALL, which).repaired()
    assert np.array_equal(np.sort(mended.vertices_um[mended.faces], axis=1), np.sort(BALL.vertices_um[BALL.faces], axis=1))
    assert codes(mended) == ["repaired-winding"]
    assert mended.findings[0].value == len(which)
    assert mended.health.volume_um3 == pytest.approx(BALL.health.volume_um3, rel=1e-12)


def test_copies_of_faces_are_taken_out():
    f = BALL.faces
    doubled = Solid.from_arrays(BALL.vertices_um, np.concatenate([f, f[:7], f[20:22, ::-1]]))
    mended = doubled.repaired()
    assert len(mended.faces) == len(f) and codes(mended) == ["repaired-duplicate-faces"] and mended.findings[0].value == 9


def test_two_sides_of_nothing_are_taken_out():
    a, b = BALL.faces[10, :2]
    fin = np.array([[a, b, len(BALL.vertices_um)], [b, a, len(BALL.vertices_um)]])
    mesh = Solid.from_arrays(np.vstack([BALL.vertices_um, [[20, 20, 20]]]), np.concatenate([BALL.faces, fin[:, [0, 1, 2]], BALL.faces[:1]]))
    mended = mesh.repaired()
    assert mended.health.watertight and len(mended.faces) == len(BALL.faces)


@pytest.mark.parametrize(("other", "jitter_um"), thinned(2, [None, FAR], [0.0, 1e-6]))
def test_a_body_whose_faces_look_both_ways_is_a_body(other, jitter_um):
    """Every edge has as many faces one way as the other, and every row sums to nothing: it must not be lost without a word."""
    both = soup(joined(BALL, turned(BALL)))
    both = Solid.from_arrays(both.vertices_um + np.random.default_rng(1).uniform(-1, 1, both.vertices_um.shape) * jitter_um, both.faces)
    wanted = [BALL] if other is None else [BALL, other]
    mended = joined(both, *wanted[1:]).repaired()
    assert "repaired-duplicate-faces" in codes(mended) and mended.health.watertight
    assert mended.health.volume_um3 == pytest.approx(len(wanted) * BALL.health.volume_um3, rel=1e-5)
    with pytest.raises(MeshError, match="strict allows none"):
        joined(both, *wanted[1:]).repaired("strict")


def test_a_large_body_whose_faces_look_both_ways_is_a_body(monkeypatch):
    for module in ("repair.repair", "shells.shells"):
        monkeypatch.setattr(f"pmsl.mesh.{module}.FEW", 100)
    both = soup(joined(BALL, turned(BALL)))
    order = np.random.default_rng(0).permutation(len(both.faces))
    records = both.vertices_um.reshape(-1, 3, 3)[order].astype(np.float32)
    as_read = Solid.of_soup(Soup(records.reshape(-1, 3), 1.0), source="a.stl", sha256="", unit="um")
    for mesh in (as_read, Solid.from_arrays(both.vertices_um, both.faces[order])):
        mended = mesh.repaired()
        assert codes(mended) == ["repaired-duplicate-faces"]
        assert mended.health.volume_um3 == pytest.approx(BALL.health.volume_um3, rel=1e-6)


def test_a_sheet_of_two_sides_covers_nothing_and_is_said():
    wall = np.array([[20, 0, 0], [24, 0, 0], [24, 0, 4], [20, 0, 4]], float)
    sheet = Solid.from_arrays(wall, np.array([[0, 1, 2], [0, 2, 3], [2, 1, 0], [3, 2, 0]]))
    mended = joined(BALL, sheet).repaired()
    assert "repaired-sheets" in codes(mended) and len(mended.faces) == len(BALL.faces)
    large = Solid.from_arrays(wall * 30, sheet.faces)
    mended = joined(BALL, large).repaired()
    assert mended.repairs == ("4 faces look both ways and enclose no volume; left out",) and len(mended.faces) == len(BALL.faces)


def test_cracks_are_welded():
    b = soup(icosphere(3, 4000, (7000, 6000, 5000)))
    noise = np.random.default_rng(1).uniform(-2e-3, 2e-3, b.vertices_um.shape)
    mended = Solid.from_arrays(b.vertices_um + noise, b.faces).repaired()
    assert mended.health.watertight and codes(mended) == ["repaired-cracks"]
    assert np.abs(mended.vertices_um[mended.faces] - b.vertices_um[b.faces]).max() < 1e-2


# --- refused ----------------------------------------------------------------------------------------------------------


def test_a_soup_is_refused_with_a_reason():
    rng = np.random.default_rng(5)
    mesh = Solid.from_arrays(rng.uniform(0, 10, (300, 3)), np.arange(300).reshape(-1, 3))
    for entry in (mesh.repaired, lambda: masks_of([mesh], grid()), lambda: pmsl.prepare([mesh], "pmsl-2um", "pr48-405")):
        with pytest.raises(MeshError, match="100 open surfaces, 100 % of the mesh, enclose no volume"):
            entry()


def test_a_point_is_refused():
    with pytest.raises(MeshError, match="no triangle has an area"):
        Solid.from_arrays(np.ones((3, 3)), np.array([[0, 1, 2], [1, 2, 0]])).repaired()


@pytest.mark.parametrize("size", [1e13, 1e100, 1e200, 1e300])
@pytest.mark.parametrize("damage", [lambda s: without(s, [3]), turned, lambda s: joined(s, turned(s))], ids=["open", "turned", "both ways"])
def test_sizes_beyond_reason_are_refused_whatever_is_broken(size, damage):
    huge = damage(Solid.from_arrays(BALL.vertices_um * size, BALL.faces))
    with pytest.raises((MeshError, GridError)):
        masks_of([huge], grid())


def test_a_stray_face_is_left_out_and_said():
    stray = Solid.from_arrays(BALL.vertices_um[BALL.faces[0]] + 20, np.array([[0, 1, 2]]))
    mended = joined(BALL, stray).repaired()
    assert "repaired-sheets" in codes(mended) and len(mended.faces) == len(BALL.faces)


@pytest.mark.parametrize(
    ("mesh", "reason"),
    [
        (without(BALL, [3]), "1 holes of 3 edges closed"),
        (turned(BALL, [3]), "1 faces ran against their neighbours"),
        (turned(BALL), "all faces look inward"),
        (joined(BALL, turned(moved(SMALL, (4, 0, 0)))), "1 shells looked inward"),
        (joined(BALL, moved(SMALL, (4, 0, 0))), "1 pairs of bodies overlap"),
        (joined(BALL, SMALL), "1 bodies lie wholly inside another"),
        (joined(BALL, BALL), "triangles repeat another one"),
    ],
)
def test_strict_refuses_what_needed_repair(mesh, reason):
    with pytest.raises(MeshError, match=f"needs repair, and --repair strict allows none.*{reason}"):
        mesh.repaired("strict")


def test_strict_takes_what_is_sound():
    for sound in (BALL, joined(BALL, FAR), joined(BALL, turned(SMALL))):
        assert sound.repaired("strict") is sound


# --- masks ------------------------------------------------------------------------------------------------------------


def ball(n):
    """A sphere without symmetry."""
    sphere = icosphere(n, 4.5, (0, 0, 0))
    q, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    return Solid.from_arrays(sphere.vertices_um @ (q * np.sign(np.linalg.det(q))) * (1, 0.93, 1) + (7, 6, 5), sphere.faces)


@pytest.mark.parametrize("mode", ["area", "volume"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_sphere_that_lacks_one_face_in_a_hundred_keeps_its_area(mode, seed):
    whole = ball(4)
    hole = np.random.default_rng(seed).choice(len(whole.faces), len(whole.faces) // 100, replace=False)
    fine = pmsl.Grid(origin_um=(0, 0), pitch_um=0.05, shape=(240, 280), z_edges_um=np.linspace(0, 10, 21))
    good, bad = masks_of([whole], fine, mode), masks_of([without(whole, hole)], fine, mode)
    areas = np.array([(good.mask(k).sum_px(), bad.mask(k).sum_px()) for k in range(20)])
    large = areas[:, 0] >= 0.01 * areas[:, 0].max()
    assert (np.abs(areas[large, 1] / areas[large, 0] - 1) <= 5e-3).all()
    assert not any(bad.mask_and_defects(k)[1].rows for k in range(20))


def test_a_job_says_what_was_repaired(tmp_path):
    whole = icosphere(3, 400, (5000, 5000, 400))
    job = pmsl.prepare([without(whole, [100])], "pmsl-25um", "pr48-405")
    written = pmsl.write(job, tmp_path / "job.zip")
    assert "repaired-holes" in [f.code for f in written.findings] and "open-rows" not in [f.code for f in written.findings]
    assert [i.repairs[0][:28] for i in pmsl.read(tmp_path / "job.zip").provenance.inputs] == ["1 holes of 3 edges closed wi"]
    with pytest.raises(MeshError, match="strict"):
        pmsl.prepare([without(whole, [100])], "pmsl-25um", "pr48-405", repair="strict")
