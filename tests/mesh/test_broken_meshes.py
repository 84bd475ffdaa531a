"""Any damage to a good mesh: masks within a bound of the good ones, or a finding, or a refusal; and light never where no part was."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solids import box, hull, icosphere, moved
from tiers import examples

from pmsl import Grid, Solid
from pmsl.errors import MeshError
from pmsl.masks import masks_of

FIELD = Grid(origin_um=(0, 0), pitch_um=0.25, shape=(48, 56), z_edges_um=np.linspace(0, 10, 9))
SMALL = 0.01  # of the largest area: layers below are not held to it
SLIGHT = 0.005  # of the area of every other layer: what slight damage may cost, repaired
WEAK = settings(deadline=None, max_examples=examples(10), suppress_health_check=[HealthCheck.too_slow])


def turned(solid, angle):
    """Turn about an axis that is none of the field's: no two defects of a row may cancel."""
    q, _ = np.linalg.qr(np.random.default_rng(angle).normal(size=(3, 3)))
    v = solid.vertices_um - solid.vertices_um.mean(axis=0)
    return Solid.from_arrays(v @ (q * np.sign(np.linalg.det(q))) + (7, 6, 5), solid.faces)


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def good_meshes():
    ball, cave = turned(icosphere(3, 4.5, (0, 0, 0)), 1), icosphere(2, 2.0, (7.4, 6.1, 5))
    one, other = turned(icosphere(2, 3.0, (0, 0, 0)), 2), turned(icosphere(2, 2.5, (0, 0, 0)), 3)
    points = np.random.default_rng(3).normal(size=(200, 3))
    return {
        "ball": ball,
        "cavity": joined(ball, Solid.from_arrays(cave.vertices_um, cave.faces[:, ::-1])),
        "two": joined(moved(one, (-1.5, 0, 0)), moved(other, (1.6, 0.5, 0.3))),
        "block": turned(box((0, 0, 0), (6, 5, 4)), 4),
        "hull": turned(hull(points * 4 / np.linalg.norm(points, axis=1).max()), 5),
    }


GOOD = good_meshes()


@dataclass(frozen=True)
class Damage:
    """What is done to the triangles of a soup: shares of them, a jitter of their corners [µm], and how chance falls."""

    missing: float = 0.0
    flipped: float = 0.0
    doubled: float = 0.0
    jitter_um: float = 0.0
    seed: int = 0

    def done_to(self, solid):
        rng = np.random.default_rng(self.seed)
        t = solid.vertices_um[solid.faces]
        n = len(t)
        pick = [rng.permutation(n)[: round(share * n)] for share in (self.flipped, self.doubled, self.missing)]
        t[pick[0]] = t[pick[0]][:, ::-1]
        copies = t[pick[1]][:, rng.permutation(3)]
        t = np.concatenate([np.delete(t, pick[2][: n - 1], axis=0), copies])
        t = t[rng.permutation(len(t))] + rng.uniform(-1, 1, (len(t), 3, 3)) * self.jitter_um
        return Solid.from_arrays(t.reshape(-1, 3), np.arange(3 * len(t)).reshape(-1, 3))


shares = st.one_of(st.just(0.0), st.floats(0.0, 1.0))
damages = st.builds(Damage, shares, shares, shares, st.sampled_from([0.0, 0.0, 1e-6, 1e-4, 1e-2, 0.3]), st.integers(0, 2**32 - 1))
slight = st.builds(
    Damage,
    st.sampled_from([0.0, 0.002, 0.01]),
    st.sampled_from([0.0, 0.01, 0.05]),
    st.sampled_from([0.0, 0.05, 1.0]),
    st.sampled_from([0.0, 1e-6]),
    st.integers(0, 2**32 - 1),
)
_GOOD_AREAS: dict[tuple[str, str], np.ndarray] = {}


def areas(solid, mode, repair="auto"):
    """Area of every layer, what was found, and how far light reaches: (8,), findings, (2, 2) rows and columns."""
    maker = masks_of([solid], FIELD, mode, repair)
    masks = [maker.mask_and_defects(k) for k in range(FIELD.n_layers)]
    lit = np.any([m.dense(np.uint16) > 0 for m, _ in masks], axis=0)
    reach = np.array([[i.min(), i.max()] for i in np.nonzero(lit)]) if lit.any() else np.array([[24, 24], [28, 28]])
    found = bool(maker.parts[0].solid.findings) or any(d.rows or d.overlap or d.shared for _, d in masks)
    return np.array([m.sum_px() for m, _ in masks]), found, reach


def good_areas(name, mode):
    if (name, mode) not in _GOOD_AREAS:
        _GOOD_AREAS[name, mode] = areas(GOOD[name], mode)
    return _GOOD_AREAS[name, mode]


def worst(found, wanted):
    large = wanted >= SMALL * wanted.max()
    return float(np.abs(found[large] / wanted[large] - 1.0).max())


@WEAK
@given(st.sampled_from(sorted(GOOD)), damages, st.sampled_from(["area", "volume"]), st.sampled_from(["auto", "none"]))
def test_any_damage_is_right_or_found_or_refused(name, damage, mode, repair):
    wanted, _, reach = good_areas(name, mode)
    if repair == "none" and damage.doubled > 0.4:
        return  # as the mesh is: faces that look both ways cancel, and who asks for that gets it
    bad = damage.done_to(GOOD[name])
    try:
        got, found, lit = areas(bad, mode, repair)
    except MeshError as refused:
        assert len(str(refused)) > 40
        return
    assert found or worst(got, wanted) <= SLIGHT or not got.any()  # a job without light is not written
    beyond = 2 + int(np.ceil(damage.jitter_um / 0.25))
    assert (lit[:, 0] >= reach[:, 0] - beyond).all() and (lit[:, 1] <= reach[:, 1] + beyond).all()  # no streak


@WEAK
@given(st.sampled_from(["ball", "cavity", "two", "hull"]), slight, st.sampled_from(["area", "volume"]))
def test_slight_damage_is_repaired(name, damage, mode):
    wanted, _, _ = good_areas(name, mode)
    if name == "cavity" and damage.doubled == 1:
        return  # where every face looks both ways nobody can tell a cavity from a body in a body
    bad = damage.done_to(GOOD[name])
    got, found, _ = areas(bad, mode)
    assert worst(got, wanted) <= (SLIGHT if name == "ball" else 4 * SLIGHT)
    assert found or (damage.missing, damage.flipped, damage.doubled, damage.jitter_um) == (0, 0, 0, 0) or np.array_equal(got, wanted)


@pytest.mark.parametrize("repair", ["strict", "auto"])
@pytest.mark.parametrize("damage", [Damage(missing=0.01), Damage(flipped=0.01), Damage(doubled=0.01), Damage(jitter_um=1e-6)], ids=str)
def test_strict_refuses_each_damage_that_auto_repairs(damage, repair):
    bad = damage.done_to(GOOD["ball"])
    if repair == "auto":
        assert bad.repaired().repairs and bad.repaired().health.watertight
        return
    with pytest.raises(MeshError, match="strict allows none"):
        bad.repaired("strict")
