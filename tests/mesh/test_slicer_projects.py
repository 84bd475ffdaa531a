"""Projects of slicers: what the side files of both families say of volumes is done, or refused, and said."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, prism
from threemf_files import (
    PARTS,
    RANGES,
    components,
    cubes,
    mesh_xml,
    model,
    move,
    obj,
    parts_project,
    ranged_project,
    ranges,
    write,
)
from threemf_files import settings as parts_of
from tiers import examples

import pmsl
from pmsl.errors import MeshError
from pmsl.masks import coverage
from pmsl.mesh import load_solid

CASES = Path(__file__).parents[3] / "shared" / "cases"
skip = pytest.mark.skipif(not CASES.is_dir(), reason=f"no shared cases at {CASES}")
BOTH = pytest.mark.parametrize("project", [ranged_project, parts_project])

BLOCK, HOLE = cubes(((0, 0, 0), (40, 40, 20)), ((10, 10, -10), (30, 30, 30)))
NAMES = ("ModelPart", "NegativeVolume", "ParameterModifier", "SupportEnforcer", "SupportBlocker")


def load(path):
    return load_solid(path, "um")


def volume(solid):
    health = solid.health
    assert health.watertight and health.winding_consistent
    return health.volume_um3


def codes(solid):
    return {f.code: f for f in solid.findings}


def refusal(path):
    with pytest.raises(MeshError, match=r"a\.3mf: ") as caught:
        load(path)
    return str(caught.value)


@skip
def test_case_a_negative_volume_is_subtracted():
    solid = load_solid(CASES / "prusa_negative_volume.3mf")
    assert volume(solid) == pytest.approx(24e9, rel=1e-12)
    [finding] = solid.findings
    assert (finding.code, finding.severity) == ("negative-volumes", "info") and finding.value == pytest.approx(8.0)
    for mode in ("area", "volume"):
        assert section(solid, 1000.0, mode, pitch_um=100.0) == pytest.approx(12e6, rel=1e-6)


def section(solid, height_um, mode="area", pitch_um=5.0):
    """Area of a thin layer at a height [µm²]."""
    low, high = solid.bounds_um
    cols, rows = np.ceil((high - low)[:2] / pitch_um).astype(int)
    grid = pmsl.Grid(origin_um=low[:2], pitch_um=pitch_um, shape=(int(rows), int(cols)), z_edges_um=[height_um - 0.5, height_um + 0.5])
    return float(coverage([solid], grid, 0, mode).sum()) * pitch_um**2


@BOTH
def test_a_negative_volume_is_subtracted_and_named(tmp_path, project):
    solid = load(project(tmp_path / "a.3mf", [("ModelPart", "block", BLOCK), ("NegativeVolume", "bore & <hole>", HOLE)]))
    assert volume(solid) == pytest.approx(40 * 40 * 20 - 20 * 20 * 20)
    [finding] = solid.findings
    assert finding.code == "negative-volumes" and "'thing'" in finding.message and "'bore & <hole>'" in finding.message
    assert finding.value == pytest.approx(8000e-9)


@BOTH
@pytest.mark.parametrize("kind", NAMES[2:])
def test_modifiers_blockers_and_enforcers_are_left_out_and_named(tmp_path, project, kind):
    solid = load(project(tmp_path / "a.3mf", [("ModelPart", "block", BLOCK), (kind, "aid", HOLE)]))
    assert volume(solid) == pytest.approx(32000)
    words = {"ParameterModifier": "modifier", "SupportEnforcer": "support enforcer", "SupportBlocker": "support blocker"}
    [finding] = solid.findings
    assert (finding.code, finding.value) == ("volumes-left-out", 1.0) and f"1 × {words[kind]} ('aid')" in finding.message


@BOTH
def test_all_kinds_at_once_in_any_order(tmp_path, project):
    other = box((5, 5, 15), (15, 15, 25))
    volumes = [
        ("SupportBlocker", "s", HOLE),
        ("NegativeVolume", "n", HOLE),
        ("ModelPart", "p", BLOCK),
        ("ParameterModifier", "m", HOLE),
        ("ModelPart", "q", other),
        ("NegativeVolume", "k", other),
    ]
    solid = load(project(tmp_path / "a.3mf", volumes))
    assert volume(solid) == pytest.approx(40 * 40 * 20 - 20 * 20 * 20 - (10 * 10 * 5 - 5 * 5 * 5))
    assert set(codes(solid)) == {"volumes-left-out", "negative-volumes"}


def meta(key, value, kind="volume"):
    return f'<metadata type="{kind}" key="{key}" value="{value}"/>'


def ranged(tmp_path, before, after, solids=(BLOCK, HOLE), build='<item objectid="1"/>'):
    """A project of two parts whose side file has been changed in one place."""
    side = ranges(("ModelPart", "block", len(BLOCK.faces)), ("ModelPart", "aid", len(HOLE.faces)))
    assert before in side
    return write(tmp_path / "a.3mf", model(obj(1, mesh_xml(*solids)), build), {RANGES: after.join(side.rsplit(before, 1))})


@pytest.mark.parametrize(
    ("marks", "what"),
    [
        (meta("modifier", "1"), "modifier"),
        (meta("modifier", "1") + meta("volume_type", "ParameterModifier"), "modifier"),
        (meta("modifier", "1") + meta("volume_type", "SupportEnforcer"), "support enforcer"),
        (meta("volume_type", "1"), "modifier"),
        (meta("volume_type", "SeamPosition"), "seam position"),
        (meta("volume_type", "ModelPart") + meta("printable", "0"), "part switched off"),
    ],
)
def test_older_and_rarer_ways_to_say_that_a_volume_does_not_print(tmp_path, marks, what):
    solid = load(ranged(tmp_path, meta("volume_type", "ModelPart"), marks))
    assert volume(solid) == pytest.approx(32000)
    assert f"1 × {what} ('aid')" in codes(solid)["volumes-left-out"].message


@pytest.mark.parametrize(
    "marks", ["", meta("modifier", "0"), meta("volume_type", "0"), meta("modifier", "1") + meta("volume_type", "ModelPart")]
)
def test_older_ways_to_say_that_a_volume_prints(tmp_path, marks):
    solid = load(ranged(tmp_path, meta("volume_type", "ModelPart"), marks))
    assert solid.findings == () and len(solid.faces) == len(BLOCK.faces) + len(HOLE.faces)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (meta("volume_type", "ModelPart"), meta("volume_type", "NegativVolume"), "the type 'NegativVolume', which is not one of ModelPart"),
        (meta("volume_type", "ModelPart"), meta("modifier", "maybe"), "modifier='maybe'; expected 0 or 1"),
        (meta("volume_type", "ModelPart"), meta("printable", "no"), "printable='no'; expected 0 or 1"),
        ("</config>", "", "is damaged .*cannot be known"),
        ("<config>", "<!DOCTYPE a><config>", "DOCTYPE"),
        ("<config>", '<config><object id="1"/>', "names object '1' twice"),
        ('id="1"', 'id=""', "has an object without a number"),
        ('lastid="31"', "", "the triangles '16' to ''"),
        ('lastid="31"', 'lastid="-1"', "the triangles '16' to '-1'"),
        ('firstid="16" lastid="31"', "", "without triangles and without a number"),
        ("</object>", '<object id="5"/></object>', "a <object> in a <object>"),
        ("</volume>", '<volume firstid="0" lastid="3"/></volume>', "a <volume> in a <volume>"),
    ],
)
def test_a_side_file_that_is_not_understood_is_refused(tmp_path, before, after, expected):
    with pytest.raises(MeshError, match=rf"a\.3mf: .*{expected}"):
        load(ranged(tmp_path, before, after))
    path = write(tmp_path / "a.3mf", model(obj(1, mesh_xml(BLOCK))), {PARTS: "<plan/>"})
    assert "begins with <plan>, not with <config>" in refusal(path)


@pytest.mark.parametrize("ends", ["0 16", "0 14", "17 31", "0 31", "16 32", "40 60", "31 16"])
def test_ranges_that_do_not_cover_the_mesh_once(tmp_path, ends):
    """An error where it matters, a word where all is printed anyway."""
    first, last = ends.split()
    kind = meta("volume_type", "NegativeVolume")
    before, after = 'firstid="16" lastid="31"', f'firstid="{first}" lastid="{last}"'
    path = ranged(tmp_path, before, after)
    solid = load(path)
    assert set(codes(solid)) == {"project-misfit"} and len(solid.faces) == 32
    side = f"{meta('name', 'aid')}{meta('volume_type', 'ModelPart')}"
    path = ranged(tmp_path, f"{before}>{side}", f"{after}>{meta('name', 'aid')}{kind}")
    message = refusal(path)
    assert "side file" in message and ("comes next" in message or "of an object that has 32" in message)


@pytest.mark.parametrize("spelling", ["utf-16", "bom", "capitals", "backslash", "slash", "namespace", "spaces"])
def test_a_side_file_counts_however_it_is_spelled(tmp_path, spelling):
    side, name = ranges(("ModelPart", "a", 16), ("NegativeVolume", "b", 16)), RANGES
    if spelling == "utf-16":
        side = side.replace('"1.0"', '"1.0" encoding="UTF-16"', 1).encode("utf-16")
    elif spelling == "bom":
        side = side.encode("utf-8-sig")
    elif spelling == "namespace":
        side = side.replace("<config>", '<config xmlns="urn:x">')
    elif spelling == "spaces":
        side = side.replace('id="1"', 'id=" 1 "').replace('"0"', '" 0 "', 1)
    else:
        name = {"capitals": RANGES.upper(), "backslash": RANGES.replace("/", "\\"), "slash": f"/{RANGES}"}[spelling]
    assert volume(load(write(tmp_path / "a.3mf", model(obj(1, mesh_xml(BLOCK, HOLE))), {name: side}))) == pytest.approx(24000)


def test_a_side_file_of_other_objects(tmp_path):
    for kind in ("ModelPart", "NegativeVolume"):
        side = ranges((kind, "x", 16), number=7)
        path = write(tmp_path / "a.3mf", model(obj(1, mesh_xml(BLOCK))), {RANGES: side})
        if kind == "ModelPart":
            assert "'thing', which the model does not have" in codes(load(path))["project-misfit"].message
        else:
            assert "which the model does not have" in refusal(path)


def test_ranges_of_an_object_that_is_components_are_refused(tmp_path):
    main = model(obj(2, mesh_xml(BLOCK)) + obj(3, mesh_xml(HOLE)) + obj(1, components(2, 3)))
    assert "consists of 2 meshes" in refusal(
        write(tmp_path / "a.3mf", main, {RANGES: ranges(("ModelPart", "a", 16), ("NegativeVolume", "b", 16))})
    )


def group(tmp_path, side, meshes=((1, BLOCK), (2, HOLE)), below=(1, 2), build='<item objectid="9"/>', more=""):
    resources = "".join(obj(n, mesh_xml(solid)) for n, solid in meshes) + more + obj(9, components(*below))
    return write(tmp_path / "a.3mf", model(resources, build), {PARTS: side})


def test_parts_that_are_not_among_the_components(tmp_path):
    wrong = parts_of((1, "normal_part", "a"), (5, "negative_part", "b"))
    assert "negative volume 'b', but the object has no component '5'" in refusal(group(tmp_path, wrong))
    solid = load(group(tmp_path, wrong.replace("negative_part", "normal_part")))
    assert len(solid.faces) == 32 and solid.findings == ()  # all of it is printed, whatever the side file calls it
    few = parts_of((1, "normal_part", "a"), (2, "modifier_part", "b"))
    solid = load(group(tmp_path, few, below=(1, 2, 3), meshes=((1, BLOCK), (2, HOLE), (3, box((50, 0, 0), (60, 10, 10))))))
    assert volume(solid) == pytest.approx(33000)
    assert "says nothing of component '3', which is printed" in codes(solid)["project-misfit"].message
    solid = load(group(tmp_path, parts_of((1, "normal_part", "a"), (7, "normal_part", "gone"), (2, "modifier_part", "b"))))
    assert "no component '7'" in codes(solid)["project-misfit"].message
    assert "type 'negative'" in refusal(group(tmp_path, parts_of((1, "negative", "a"))))


def test_a_negative_volume_that_is_no_mesh_is_refused(tmp_path):
    """Also where it is of a type that need not be whole."""
    beams = (
        '<b:beamlattice xmlns:b="http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"><b:beam v1="0" v2="1"/></b:beamlattice>'
    )
    side = parts_of((1, "normal_part", "a"), (2, "negative_part", "b"))
    for content, expected in (
        (mesh_xml(HOLE).replace("</mesh>", f"{beams}</mesh>"), "negative volume 'b': object '2' is a beam lattice"),
        ("<mesh><vertices/><triangles/></mesh>", "negative volume 'b': object '2' has neither triangles nor components"),
        (mesh_xml(box((10, 10, 5), (30, 30, 5))), "volume 'b': encloses no volume"),
    ):
        assert expected in refusal(group(tmp_path, side, meshes=((1, BLOCK),), more=obj(2, content, 'type="other"')))


def test_one_mesh_as_part_and_as_negative_volume_goes_by_its_place_in_the_list(tmp_path):
    side = parts_of((1, "normal_part", "a"), (1, "negative_part", "b"))
    solid = load(group(tmp_path, side, below=(1, (1, move(x=20)))))
    assert volume(solid) == pytest.approx(20 * 40 * 20)
    assert "several kinds of volumes for component '1'" in refusal(group(tmp_path, side, below=(2, 2, 1, 1)))


def test_parts_may_be_groups_and_side_files_may_name_triangles_in_parts(tmp_path):
    side = parts_of((1, "normal_part", "a"), (4, "negative_part", "b"))
    pair = obj(4, components(2, (2, move(x=8, z=2))))
    assert volume(load(group(tmp_path, side, below=(1, 4), more=pair))) == pytest.approx(32000 - 28 * 20 * 20)
    side = parts_of((1, "normal_part", "a"), (1, "negative_part", "b"), number=1)
    side = side.replace('<part id="1"', '<part firstid="0" lastid="15"', 1).replace('<part id="1"', '<part firstid="16" lastid="31"', 1)
    assert volume(load(write(tmp_path / "a.3mf", model(obj(1, mesh_xml(BLOCK, HOLE))), {PARTS: side}))) == pytest.approx(24000)


def test_objects_switched_off(tmp_path):
    off = '<metadata key="printable" value="0"/>'
    solid = load(
        group(
            tmp_path,
            parts_of((1, "normal_part", "a"), more=off),
            build='<item objectid="9"/><item objectid="1"/><item objectid="9" printable="0"/>',
        )
    )
    assert volume(solid) == pytest.approx(32000)
    assert "2 × marked as not printed ('thing')" in codes(solid)["objects-left-out"].message
    message = refusal(group(tmp_path, parts_of((1, "normal_part", "a"), more=off)))
    assert "nothing to print" in message and "1 × marked as not printed ('thing')" in message


def test_an_object_within_an_object_each_with_its_own_negative_volumes(tmp_path):
    """The inner one is subtracted within itself first: what the outer adds fills its hole again."""
    inner = parts_of((1, "normal_part", "a"), (2, "negative_part", "b"), number=5)
    outer = parts_of((5, "normal_part", "in"), (3, "normal_part", "plug"), (4, "negative_part", "cut"))
    side = inner.replace("</config>", "") + outer.split("<config>")[1]
    plug, cut = cubes(((15, 15, 0), (25, 25, 20)), ((-5, -5, 0), (45, 45, 5)))
    meshes = "".join(obj(n, mesh_xml(s)) for n, s in ((1, BLOCK), (2, HOLE), (3, plug), (4, cut)))
    resources = meshes + obj(5, components(1, 2)) + obj(9, components(5, 3, 4))
    solid = load(write(tmp_path / "a.3mf", model(resources, '<item objectid="9"/>'), {PARTS: side}))
    assert volume(solid) == pytest.approx((1600 - 400 + 100) * 15)


@BOTH
def test_instances_mirrored_scaled_and_moved_each_lose_the_volume(tmp_path, project):
    number = 1 if project is ranged_project else 9
    places = [move(), move(x=200, scale=(-1, 1, 1)), move(y=200, scale=(2, 0.5, -3)), move(x=500, y=500)]
    build = "".join(f'<item objectid="{number}" {place}/>' for place in places)
    slant = box((10, 5, 10), (45, 20, 25))
    solid = load(project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("NegativeVolume", "b", slant)], build=build))
    one = 32000 - 30 * 15 * 10
    assert volume(solid) == pytest.approx(one * (1 + 1 + 3 + 1))
    assert len(solid.findings) == 1
    assert section(solid, 15.0) == pytest.approx((1600 - 450) * 3, rel=1e-9)  # the flipped one lies below


@BOTH
def test_units_and_negative_volumes(tmp_path, project):
    path = project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("NegativeVolume", "b", HOLE)])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode().replace('unit="micron"', 'unit="millimeter"') for name in archive.namelist()}
    build = parts["3D/3dmodel.model"].replace('"/></build>', f'" {move(x=7)}/></build>')
    write(path, build, {name: text for name, text in parts.items() if name != "3D/3dmodel.model"})
    solid = load_solid(path)
    assert volume(solid) == pytest.approx(24000e9)
    assert solid.bounds_um.tolist() == [[7000, 0, 0], [47000, 40000, 20000]]


@BOTH
def test_nothing_left_and_nothing_taken(tmp_path, project):
    message = refusal(project(tmp_path / "a.3mf", [("ModelPart", "a", HOLE), ("NegativeVolume", "all", box((-1, -1, -20), (50, 50, 50)))]))
    assert "('all') take away all of it" in message
    for same in (BLOCK, box((1e-9, 0, 0), (40, 40, 20))):
        assert "take away all" in refusal(project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("NegativeVolume", "same", same)]))
    for far in (box((41, 0, 0), (50, 9, 9)), box((40, 0, 0), (50, 40, 20))):  # apart, and face to face
        solid = load(project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("NegativeVolume", "far", far)]))
        assert volume(solid) == pytest.approx(32000)
        assert (
            codes(solid)["negative-volumes"].severity == "warning" and "nothing was subtracted" in codes(solid)["negative-volumes"].message
        )
    message = refusal(project(tmp_path / "a.3mf", [("NegativeVolume", "alone", HOLE)]))
    assert "nothing to print" in message and "negative volume of nothing ('alone')" in message


@BOTH
def test_volumes_that_are_open_are_mended_first_or_refused_by_name(tmp_path, project):
    torn = pmsl.Solid.from_arrays(BLOCK.vertices_um, BLOCK.faces[:-1])
    solid = load(project(tmp_path / "a.3mf", [("ModelPart", "torn", torn), ("NegativeVolume", "b", HOLE)]))
    assert volume(solid) == pytest.approx(24000)
    finding = next(f for f in solid.findings if f.code == "repaired-holes")
    assert "volume 'torn'" in finding.message and solid.repairs and "'torn'" in solid.repairs[0]
    with pytest.raises(MeshError, match="strict allows none"):
        solid.repaired("strict")
    sheet = pmsl.Solid.from_arrays(HOLE.vertices_um, HOLE.faces[:3])
    for volumes in (
        [("ModelPart", "a", BLOCK), ("NegativeVolume", "sheet", sheet)],
        [("ModelPart", "sheet", sheet), ("NegativeVolume", "b", HOLE)],
    ):
        message = refusal(project(tmp_path / "a.3mf", volumes))
        assert "volume 'sheet': only closed volumes can be subtracted" in message


@BOTH
def test_what_is_mended_of_other_bodies_is_kept_too(tmp_path, project):
    """A hole in a body that no negative volume touches is closed as without a project."""
    torn = pmsl.Solid.from_arrays(BLOCK.vertices_um, BLOCK.faces[:-1])
    away = pmsl.Solid.from_arrays(BLOCK.vertices_um + 100.0, BLOCK.faces[1:])
    path = project(tmp_path / "a.3mf", [("ModelPart", "torn", torn), ("NegativeVolume", "b", HOLE)])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    main = parts.pop("3D/3dmodel.model").replace("</resources>", obj(77, mesh_xml(away)) + "</resources>")
    write(path, main.replace("</build>", '<item objectid="77"/></build>'), parts)
    assert volume(load(path).repaired()) == pytest.approx(24000 + 32000)


@BOTH
def test_bodies_that_overlap_touch_or_have_cavities(tmp_path, project):
    def of(*solids):
        """One mesh; a solid of negative size in a list is a cavity."""
        first = np.cumsum([0] + [len(s.vertices_um) for s in solids])
        faces = [s.faces + start for s, start in zip(solids, first[:-1], strict=True)]
        return pmsl.Solid.from_arrays(np.concatenate([s.vertices_um for s in solids]), np.concatenate(faces))

    cavity = box((10, 10, 5), (30, 30, 15))
    cavity = pmsl.Solid.from_arrays(cavity.vertices_um, cavity.faces[:, ::-1])
    shaft, large = box((15, 15, -5), (25, 25, 25)), box((-5, -5, -5), (50, 50, 50))
    for volumes, expected in (
        ([("ModelPart", "a", of(BLOCK, box((5, 5, 5), (50, 50, 50)))), ("NegativeVolume", "b", HOLE)], 104750 - 12000),
        ([("ModelPart", "a", of(BLOCK, cavity)), ("NegativeVolume", "b", shaft)], 28000 - 1000),
        ([("ModelPart", "a", large), ("NegativeVolume", "b", of(BLOCK, cavity))], 55**3 - 28000),
        ([("ModelPart", "a", BLOCK), ("NegativeVolume", "b", HOLE), ("ModelPart", "plug", shaft)], 24000 + 10 * 10 * 10 - 10 * 10 * 10),
        ([("ModelPart", "a", BLOCK), *(("NegativeVolume", "b", box((x, x, 0), (x + 20, x + 20, 20))) for x in (0, 20))], 16000),
    ):
        assert load(project(tmp_path / "a.3mf", volumes)).repaired().health.volume_um3 == pytest.approx(expected)


def looped_bar():
    """One bar, bent until it passes through itself: a single shell that winds twice around a square."""
    left, right = [(5, 22), (33, 22), (33, 33), (22, 33), (22, 5)], [(5, 18), (37, 18), (37, 37), (18, 37), (18, 5)]
    points = [
        (*p, z) for pair in zip(left, right, strict=True) for p in pair for z in (0, 10)
    ]  # four each: left low, high, right low, high
    quads = [(0, 1, 3, 2), (18, 19, 17, 16)]
    for i in range(0, 16, 4):
        quads += [(i + a, i + b, i + 4 + b, i + 4 + a) for a, b in ((1, 0), (0, 2), (2, 3), (3, 1))]
    return pmsl.Solid.from_arrays(np.array(points, float), np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]))


@BOTH
def test_a_body_that_passes_through_itself_loses_and_takes_what_it_encloses(tmp_path, project):
    """A boolean of it as it is would be wrong without a word."""
    bar = looped_bar()
    for one, other in ((bar, HOLE), (BLOCK, bar)):
        left = load(project(tmp_path / "a.3mf", [("ModelPart", "a", one), ("NegativeVolume", "b", other)]))
        low, high = np.minimum(*(s.bounds_um[0] for s in (one, other))), np.maximum(*(s.bounds_um[1] for s in (one, other)))
        grid = pmsl.Grid(origin_um=low[:2] - 1, pitch_um=0.77, shape=(60, 60), z_edges_um=np.linspace(low[2], high[2], 6))
        assert (high[:2] < low[:2] - 1 + 60 * 0.77).all()
        for k in range(5):
            wanted = coverage([one, other], grid, k) - coverage([other], grid, k)
            assert np.abs(coverage([left], grid, k) - wanted).max() < 1e-9
    assert load(project(tmp_path / "a.3mf", [("ModelPart", "bar", bar), ("SupportBlocker", "b", HOLE)])).n_faces == len(bar.faces)


@BOTH
@pytest.mark.parametrize("apart", [False, True])
def test_a_cavity_across_two_parts_stays_one_beside_a_negative_volume(tmp_path, project, apart):
    left, right, void = box((0, 0, 0), (5, 10, 10)), box((5, 0, 0), (10, 10, 10)), box((1, 4, 1), (9, 6, 3))
    inner = pmsl.Solid.from_arrays(void.vertices_um, void.faces[:, ::-1])
    both = pmsl.Solid.from_arrays(
        np.concatenate([right.vertices_um, inner.vertices_um]), np.concatenate([right.faces, inner.faces + len(right.vertices_um)])
    )
    parts = [("ModelPart", "b", right), ("ModelPart", "c", inner)] if apart else [("ModelPart", "b", both)]
    volumes = [("ModelPart", "a", left), *parts, ("NegativeVolume", "n", box((8, 8, 8), (9, 9, 9)))]
    assert volume(load(project(tmp_path / "a.3mf", volumes))) == pytest.approx(1000 - 32 - 1)


@BOTH
def test_a_body_that_folds_over_is_refused_by_name(tmp_path, project):
    angle = np.radians(90 + 144 * np.arange(5))
    star = prism(np.c_[20 + 19 * np.cos(angle), 20 + 19 * np.sin(angle)], 0, 10)  # its lids lie twice on one another
    for volumes in (
        [("ModelPart", "star", star), ("NegativeVolume", "b", HOLE)],
        [("ModelPart", "a", BLOCK), ("NegativeVolume", "star", star)],
    ):
        message = refusal(project(tmp_path / "a.3mf", volumes))
        assert "volume 'star': encloses no volume, or passes through itself" in message


@BOTH
def test_volumes_that_look_inward_are_turned(tmp_path, project):
    def inside_out(solid):
        return pmsl.Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1])

    solid = load(project(tmp_path / "a.3mf", [("ModelPart", "a", inside_out(BLOCK)), ("NegativeVolume", "b", inside_out(HOLE))]))
    assert volume(solid) == pytest.approx(24000)


def test_volumes_are_named_without_control_characters_of_the_file(tmp_path):
    solid = load(ranged_project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("SupportBlocker", "x\u009b31m\u202e", HOLE)]))
    [finding] = solid.findings
    assert "\u009b" not in finding.message and "\u202e" not in finding.message and "x" in finding.message
    many = [("ModelPart", "a", BLOCK)] + [("SupportBlocker", f"n{i}" * 300, HOLE) for i in range(50)]
    [finding] = load(ranged_project(tmp_path / "a.3mf", many)).findings
    assert finding.value == 50.0 and "and 42 more" in finding.message and len(finding.message) < 6000


def test_side_files_of_both_families_must_agree(tmp_path):
    main = model(obj(1, mesh_xml(BLOCK, HOLE)))
    side = ranges(("ModelPart", "a", 16), ("NegativeVolume", "b", 16))
    plain = parts_of((1, "normal_part", "a"), number=1)
    for parts in ({RANGES: side, PARTS: plain}, {RANGES: side, "Metadata/SuperSlicer_model.config": side}):
        assert volume(load(write(tmp_path / "a.3mf", main, parts))) == pytest.approx(24000)
    other = {RANGES: side, PARTS: plain.replace("normal_part", "support_blocker")}
    assert "do not agree on the volumes of object '1'" in refusal(write(tmp_path / "a.3mf", main, other))


def test_side_files_of_any_number_of_volumes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.slicer_project.MOST_VOLUMES", 20)
    for many in (
        '<object id="1">' + '<volume firstid="0" lastid="0"/>' * 30 + "</object>",
        "".join(f'<object id="{n}"/>' for n in range(30)),
    ):
        path = write(tmp_path / "a.3mf", model(obj(1, mesh_xml(BLOCK))), {RANGES: f"<config>{many}</config>"})
        assert "names more than 20 objects and volumes" in refusal(path)


def test_plates_are_said(tmp_path):
    plates = "".join(f'<plate><metadata key="plater_id" value="{n}"/><metadata key="name" value="x"/></plate>' for n in (1, 2))
    solid = load(group(tmp_path, parts_of((1, "normal_part", "a"), after=plates)))
    assert codes(solid)["project-plates"].value == 2.0


def test_a_project_of_parts_only_is_read_as_without_its_side_file(tmp_path):
    bare = load(write(tmp_path / "b.3mf", model(obj(1, mesh_xml(BLOCK, HOLE)))))
    for path in (
        ranged_project(tmp_path / "a.3mf", [("ModelPart", "a", BLOCK), ("ModelPart", "b", HOLE)]),
        parts_project(tmp_path / "c.3mf", [("ModelPart", "a", BLOCK), ("ModelPart", "b", HOLE)]),
    ):
        solid = load(path)
        assert (solid.vertices_um == bare.vertices_um).all() and (solid.faces == bare.faces).all() and solid.findings == ()


# ---------------------------------------------------------------- random boxes against counting


def corners(span):
    ends = st.tuples(st.integers(0, span), st.integers(0, span)).filter(lambda e: e[0] != e[1]).map(sorted)
    return st.tuples(ends, ends, ends).map(lambda e: (tuple(a for a, _ in e), tuple(b for _, b in e)))


def cells(boxes, span):
    """Unit cells that boxes cover."""
    out = np.zeros((span,) * 3, bool)
    for low, high in boxes:
        out[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return out


SPAN = 6
LISTS = st.lists(corners(SPAN), min_size=1, max_size=4)


def held_to_cells(path, project, objects):
    """Load a project of objects with own parts and negative volumes, and hold it to counted cells: volume, and masks of every layer."""
    expected = np.zeros((SPAN,) * 3, bool)
    [(parts, holes)] = objects
    expected |= cells(parts, SPAN) & ~cells(holes, SPAN)
    named = [("ModelPart", f"p{i}", box(*b)) for i, b in enumerate(parts)] + [
        ("NegativeVolume", f"n{i}", box(*b)) for i, b in enumerate(holes)
    ]
    project(path, named)
    if not expected.any():
        with pytest.raises(MeshError, match="take away all"):
            load(path)
        return
    solid = load(path)
    grid = pmsl.Grid(origin_um=(0.0, 0.0), pitch_um=1.0, shape=(SPAN, SPAN), z_edges_um=np.arange(SPAN + 1.0))
    for k in range(SPAN):
        assert np.allclose(coverage([solid], grid, k), expected[:, :, k].T, atol=1e-9)
    assert np.isclose(solid.repaired().health.volume_um3, expected.sum(), rtol=1e-9)


@BOTH
@settings(max_examples=examples(8))
@given(data=st.data())
def test_random_boxes_less_random_boxes(tmp_path_factory, project, data):
    held_to_cells(tmp_path_factory.mktemp("a") / "a.3mf", project, [(data.draw(LISTS), data.draw(LISTS))])


@pytest.mark.slow
@BOTH
@settings(max_examples=1000)
@given(data=st.data())
def test_a_thousand_random_boxes_less_random_boxes(tmp_path_factory, project, data):
    held_to_cells(tmp_path_factory.mktemp("a") / "a.3mf", project, [(data.draw(LISTS), data.draw(LISTS))])
