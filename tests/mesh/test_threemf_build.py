"""3MF: what is printed of a build, what is left out and said, and what is too much."""

import io
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from solids import box
from threemf_files import components, mesh_xml, model, move, obj, write

from pmsl.errors import MeshError
from pmsl.mesh import load_solid

CASES = Path(__file__).parents[3] / "shared" / "cases"
skip = pytest.mark.skipif(not CASES.is_dir(), reason=f"no shared cases at {CASES}")

CUBE = box((0, 0, 0), (100, 100, 100))
BESIDE = box((200, 0, 0), (300, 100, 100))
MM3 = 1e9


def load(tmp_path, resources, build='<item objectid="1"/>', parts=None, head='unit="micron"'):
    return load_solid(write(tmp_path / "a.3mf", model(resources, build, head), parts), "um")


def refusal(tmp_path, *args, **kwargs):
    with pytest.raises(MeshError, match=r"a\.3mf: ") as caught:
        load(tmp_path, *args, **kwargs)
    return str(caught.value)


def codes(solid):
    return {f.code: f for f in solid.findings}


@skip
def test_case_an_object_of_type_other_as_component():
    solid = load_solid(CASES / "3mf_other_as_component.3mf")
    assert solid.health.volume_um3 == pytest.approx(1 * MM3)
    [finding] = solid.findings
    assert (finding.code, finding.severity, finding.value) == ("objects-left-out", "warning", 1.0)
    assert "1 × of type other ('2')" in finding.message


@skip
def test_case_components_that_double_themselves_are_refused_at_once():
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(MeshError, match=r"262144 meshes .* the limit is 20000; .*--copies"):
        load_solid(CASES / "components_doubled_19_times.3mf")
    assert time.perf_counter() - start < 1.0
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["support", "surface", "other"])
@pytest.mark.parametrize("how", ["item", "component", "nested", "group"])
def test_objects_that_are_no_solids_never_print(tmp_path, kind, how):
    resources = obj(1, mesh_xml(CUBE)) + obj(2, mesh_xml(BESIDE), f'type="{kind}" name="stilts"')
    build = '<item objectid="1"/>'
    if how == "item":
        build += '<item objectid="2"/>'
    elif how == "component":
        resources += obj(3, components(1, 2))
        build = '<item objectid="3"/>'
    elif how == "nested":
        resources += obj(3, components(1, 2)) + obj(4, components(3))
        build = '<item objectid="4"/>'
    else:  # a group of that type, of ordinary meshes
        resources = resources.replace(f'type="{kind}" name="stilts"', "") + obj(3, components(2), f'type="{kind}" name="stilts"')
        build += '<item objectid="3"/>'
    solid = load(tmp_path, resources, build)
    assert solid.health.volume_um3 == pytest.approx(1e6)
    [finding] = solid.findings
    assert finding.code == "objects-left-out" and finding.value == 1.0
    assert f"1 × of type {kind} ('stilts')" in finding.message


def test_solid_supports_print_and_are_said(tmp_path):
    solid = load(
        tmp_path, obj(1, mesh_xml(CUBE)) + obj(2, mesh_xml(BESIDE), 'type="solidsupport"'), '<item objectid="1"/><item objectid="2"/>'
    )
    assert solid.health.volume_um3 == pytest.approx(2e6)
    assert list(codes(solid)) == ["solid-supports"]


def test_counts_of_what_is_left_out_are_of_instances(tmp_path):
    resources = obj(1, mesh_xml(CUBE)) + obj(2, mesh_xml(BESIDE), 'type="support"') + obj(3, components(1, 2, 2))
    build = f'<item objectid="3"/><item objectid="3" {move(x=1000)}/><item objectid="1" printable="0"/>'
    finding = codes(load(tmp_path, resources, build))["objects-left-out"]
    assert finding.value == 5.0
    assert "1 × marked as not printed ('1'), 4 × of type support ('2')" in finding.message


def test_nothing_left_to_print_is_an_error_in_words(tmp_path):
    message = refusal(tmp_path, obj(1, mesh_xml(CUBE), 'type="surface" name="skin"'))
    assert "nothing to print" in message and "1 × of type surface ('skin')" in message
    assert "nothing to print" in refusal(tmp_path, obj(2, mesh_xml(CUBE), 'type="other"') + obj(1, components(2)))


def test_an_unknown_type_is_refused(tmp_path):
    assert "type 'Support', which is not one of model, solidsupport" in refusal(tmp_path, obj(1, mesh_xml(CUBE), 'type="Support"'))


def test_meshes_that_a_slicer_marks_as_no_material_never_print(tmp_path):
    mark = '<metadatagroup><metadata name="cura:anti_overhang_mesh" type="bool">True</metadata></metadatagroup>'
    plain = mark.replace("True", "False")
    resources = obj(1, mesh_xml(CUBE)) + obj(2, mark + mesh_xml(BESIDE)) + obj(3, plain + mesh_xml(BESIDE))
    solid = load(tmp_path, resources, '<item objectid="1"/><item objectid="2"/>')
    assert solid.health.volume_um3 == pytest.approx(1e6)
    assert "1 × marked as anti_overhang_mesh ('2')" in codes(solid)["objects-left-out"].message
    assert load(tmp_path, resources, '<item objectid="1"/><item objectid="3"/>').health.volume_um3 == pytest.approx(2e6)


# ---------------------------------------------------------------- limits


def test_the_limit_of_instances_is_exact(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.build.MOST_INSTANCES", 6)
    resources = obj(1, mesh_xml(CUBE)) + obj(2, components(1, 1)) + obj(3, mesh_xml(BESIDE), 'type="other"')
    build = '<item objectid="2"/>' * 3
    assert len(load(tmp_path, resources, build).faces) == len(CUBE.faces)
    for more in ('<item objectid="1"/>', '<item objectid="3"/>'):
        assert "7 meshes after its components are unfolded; the limit is 6" in refusal(tmp_path, resources, build + more)


def test_the_limit_of_triangles_counts_instances_but_leaves_what_the_file_has_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.build.MOST_TRIANGLES", 20)
    n = len(CUBE.faces)
    assert len(load(tmp_path, obj(1, mesh_xml(CUBE, BESIDE))).faces) == 2 * n  # of itself more than the limit
    message = refusal(tmp_path, obj(1, mesh_xml(CUBE)), '<item objectid="1"/>' * 3)
    assert f"{3 * n} triangles" in message and f"the limit is {max(20, n)}" in message and "--copies" in message


def test_objects_that_lie_in_the_same_place_print_once_and_are_said(tmp_path):
    resources = obj(1, mesh_xml(CUBE), 'name="post"') + obj(2, components(1, (1, move()), (1, move(x=200))))
    solid = load(tmp_path, resources, f'<item objectid="2"/><item objectid="1"/><item objectid="1" {move(x=200, y=-0.0)}/>')
    assert solid.health.volume_um3 == pytest.approx(2e6) and len(solid.faces) == 2 * len(CUBE.faces)
    [finding] = solid.findings
    assert (finding.code, finding.value) == ("repeated-objects", 3.0) and "('post')" in finding.message
    mirrored = load(tmp_path, resources, f'<item objectid="1"/><item objectid="1" {move(x=100, scale=(-1, 1, 1))}/>')
    assert len(mirrored.faces) == 2 * len(CUBE.faces)  # another way to lie there


@pytest.mark.parametrize("through", ["components", "items", "parts", "nothing", "left out", "ranges"])
def test_doubling_of_every_kind_is_refused_at_once(tmp_path, through):
    """Counted, not made: sixty doublings are 10**18 meshes."""
    start = time.perf_counter()
    twice = [obj(n, components(n - 1, n - 1)) for n in range(2, 62)]
    build, parts = '<item objectid="61"/>', None
    resources = obj(1, mesh_xml(CUBE)) + "".join(twice)
    if through == "items":
        build = '<item objectid="1"/>' * 30_000
    elif through == "parts":
        parts = {}
        for n in range(2, 62):
            below = (n - 1, f'p:path="/3D/{n - 1}.model"')
            parts[f"3D/{n}.model"] = model(obj(n, components(below, below)), "")
        parts["3D/1.model"] = model(obj(1, mesh_xml(CUBE)), "")
        resources, build = "", '<item objectid="61" p:path="/3D/61.model"/>'
    elif through == "nothing":  # of objects without a triangle
        resources = obj(1, components(99)) + obj(99, "", 'type="support"') + "".join(twice)
    elif through == "left out":
        resources = obj(1, mesh_xml(CUBE), 'type="other"') + "".join(twice)
    elif through == "ranges":
        parts = {"Metadata/model_settings.config": '<config><object id="61"><part id="1" subtype="negative_part"/></object></config>'}
    message = refusal(tmp_path, resources, build, parts)
    assert "the limit is 20000" in message
    assert time.perf_counter() - start < 3.0


def test_components_nested_too_deep_are_refused_whatever_the_order_of_items(tmp_path):
    chain = "".join(obj(n, components(n - 1)) for n in range(2, 3001))
    up = "".join(f'<item objectid="{n}"/>' for n in range(50, 3001, 50))
    for build in (up, '<item objectid="3000"/>'):
        assert "nested too deep: more than 100" in refusal(tmp_path, obj(1, mesh_xml(CUBE)) + chain, build)
    assert load(tmp_path, obj(1, mesh_xml(CUBE)) + chain, '<item objectid="100"/>').health.volume_um3 == pytest.approx(1e6)


def test_a_circle_is_refused_also_through_another_part(tmp_path):
    parts = {"3D/b.model": model(obj(5, components((1, 'p:path="/3D/3dmodel.model"'))), "")}
    assert "contains itself" in refusal(tmp_path, obj(1, components((5, 'p:path="/3D/b.model"'))), parts=parts)


def test_many_objects_without_anything_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.model_part.MOST_NODES", 50)
    assert "more than 50 objects, components and build items" in refusal(tmp_path, "".join(obj(n, "") for n in range(60)))
    assert "more than 50" in refusal(tmp_path, obj(1, mesh_xml(CUBE)), '<item objectid="1" printable="0"/>' * 60)


def test_tags_without_an_end_are_refused_before_they_are_read_again_and_again(tmp_path):
    """Kilobytes in the archive that would take the parser minutes."""
    start = time.perf_counter()
    long = "n" * 20_000_000
    resources = obj(1, mesh_xml(CUBE))
    assert "a tag of more than 1048576 bytes" in refusal(tmp_path, resources.replace("<object ", f'<object name="{long}" '))
    parts = {"Metadata/model_settings.config": f'<config><object id="1"><metadata key="name" value="{long}"/></object></config>'}
    assert "a tag of more than 1048576 bytes" in refusal(tmp_path, resources, parts=parts)
    assert time.perf_counter() - start < 10.0
    fine = load(tmp_path, resources.replace("<object ", f'<object name="{long[:500_000]}" ') + f"<!-- {'-. ' * 10} -->")
    assert len(fine.faces) == len(CUBE.faces)


def test_many_parts_that_each_unpack_to_much_are_refused_together(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.package.FREE_BYTES", 100_000)
    parts = {f"3D/{n}.model": model(obj(1, mesh_xml(CUBE)), "") + " " * 30_000 for n in range(20)}
    below = [(1, f'p:path="/3D/{n}.model"') for n in range(20)]
    assert len(load(tmp_path, obj(1, components(*below[:2])), parts=parts).faces) == 2 * len(CUBE.faces)
    assert "with the parts before it unpacks to" in refusal(tmp_path, obj(1, components(*below)), parts=parts)


def test_a_transform_that_flattens_is_refused_one_that_only_shrinks_is_not(tmp_path):
    resources = obj(1, mesh_xml(CUBE))
    for flat in (move(scale=(1, 1, 0)), 'transform="1 1 0 1 1 0 0 0 1 0 0 0"', 'transform="0 0 0 0 0 0 0 0 0 0 0 0"'):
        assert "flattens" in refusal(tmp_path, resources, f'<item objectid="1" {flat}/>')
    small = load(tmp_path, resources, f'<item objectid="1" {move(scale=(1e-3, 1, 1e3))}/>')
    assert small.health.volume_um3 == pytest.approx(1e6)
    assert "characters" in refusal(tmp_path, resources, f'<item objectid="1" transform="{"1 " * 5000}"/>')


# ---------------------------------------------------------------- said, because it is not read


def test_a_part_twice_in_the_archive_is_refused(tmp_path):
    path = write(tmp_path / "a.3mf", model(obj(1, mesh_xml(CUBE))))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("3D/3DMODEL.model", model(obj(1, mesh_xml(BESIDE))))
    with pytest.raises(MeshError, match="twice"):
        load_solid(path, "um")


def test_what_is_not_read_is_said(tmp_path):
    parts = {
        "Metadata/Slic3r_PE_sla_drain_holes.txt": "drain_holes_format_version=1\nobject_id=1|0 0 0 0 0 1 0.5 3",
        "Metadata/layer_config_ranges.xml": "<objects/>",
        "Metadata/Slic3r_PE.config": "; layer_height = 0.05\n; hollowing_enable = 1\n",
        "3D/Objects/lost.model": model(obj(1, mesh_xml(CUBE)), ""),
    }
    head = 'unit="micron" xmlns:v="http://schemas.3mf.io/3dmanufacturing/volumetric/2022/01" recommendedextensions="v"'
    solid = load(tmp_path, obj(1, mesh_xml(CUBE) + "<v:volumedata/>"), parts=parts, head=head)
    said = codes(solid)
    assert set(said) == {"project-settings", "parts-not-built", "extensions-not-read"}
    assert "drain holes, hollowing, settings by height" in said["project-settings"].message
    assert "lost.model" in said["parts-not-built"].message
    assert "'volumedata'" in said["extensions-not-read"].message and "volumetric/2022/01" in said["extensions-not-read"].message


def test_extensions_that_leave_the_shape_as_it_is_are_not_said(tmp_path):
    head = 'unit="micron" xmlns:t="http://schemas.microsoft.com/3dmanufacturing/trianglesets/2021/07" recommendedextensions="t p"'
    content = mesh_xml(CUBE).replace("</mesh>", '<t:trianglesets><t:triangleset name="a"/></t:trianglesets></mesh>')
    assert load(tmp_path, obj(1, content), head=head).findings == ()


def test_several_start_parts_are_said(tmp_path):
    kind = 'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"'
    rels = f'<Relationships><Relationship Target="/3D/3dmodel.model" {kind}/><Relationship Target="/3D/b.model" {kind}/></Relationships>'
    parts = {"_rels/.rels": rels, "3D/b.model": model(obj(1, mesh_xml(BESIDE)))}
    assert list(codes(load(tmp_path, obj(1, mesh_xml(CUBE)), parts=parts))) == ["start-parts"]
    assert load(tmp_path, obj(1, mesh_xml(CUBE)), parts={"_rels/.rels": rels.replace("b.model", "3dmodel.model")}).findings == ()


# ---------------------------------------------------------------- an independent reader


def lib3mf_boxes(data):
    """Placed boxes of all meshes that lib3mf finds below its build items: (2, 3) each, in the unit of the file."""
    from lib3mf import get_wrapper

    wrapper = get_wrapper()
    whole = wrapper.CreateModel()
    whole.QueryReader("3mf").ReadFromBuffer(bytearray(data))
    items, out = whole.GetBuildItems(), []
    while items.MoveNext():
        item = items.GetCurrent()
        collect(item.GetObjectResource(), matrix_of(item.GetObjectTransform()), whole, out)
    return out


def matrix_of(transform):
    return np.array([[transform.Fields[i][j] for j in range(3)] for i in range(4)], float)


def collect(resource, matrix, whole, out):
    if resource.IsMeshObject():
        mesh = whole.GetMeshObjectByID(resource.GetResourceID())
        points = np.array([list(v.Coordinates) for v in mesh.GetVertices()]) @ matrix[:3] + matrix[3]
        out.append((points.min(axis=0), points.max(axis=0)))
        return
    group = whole.GetComponentsObjectByID(resource.GetResourceID())
    for i in range(group.GetComponentCount()):
        component = group.GetComponent(i)
        own = matrix_of(component.GetTransform())
        collect(component.GetObjectResource(), np.vstack([own[:3] @ matrix[:3], own[3] @ matrix[:3] + matrix[3]]), whole, out)


def test_placed_meshes_are_those_of_lib3mf(tmp_path):
    pytest.importorskip("lib3mf")
    rng = np.random.default_rng(5)
    for _ in range(20):
        count = int(rng.integers(1, 4))
        resources = "".join(
            obj(n + 1, mesh_xml(box(low, low + rng.integers(1, 9, 3)))) for n, low in enumerate(rng.integers(-9, 9, (count, 3)))
        )
        for n in range(count, count + 3):
            below = [(int(rng.integers(1, n + 1)), random_transform(rng)) for _ in range(int(rng.integers(1, 4)))]
            resources += obj(n + 1, components(*below))
        build = "".join(f'<item objectid="{int(rng.integers(1, count + 4))}" {random_transform(rng)}/>' for _ in range(3))
        solid = load(tmp_path, resources, build)
        theirs = lib3mf_boxes((tmp_path / "a.3mf").read_bytes())
        points = solid.vertices_um.reshape(len(theirs), -1, 3)
        assert np.allclose(points.min(axis=1), [low for low, _ in theirs], rtol=1e-5, atol=1e-3)
        assert np.allclose(points.max(axis=1), [high for _, high in theirs], rtol=1e-5, atol=1e-3)


def random_transform(rng):
    """Axes permuted, scaled unevenly, mirrored, moved."""
    matrix = np.diag(rng.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 3.0], 3))[rng.permutation(3)]
    return f'transform="{" ".join(str(v) for v in [*matrix.ravel(), *rng.integers(-20, 20, 3)])}"'


def test_a_damaged_archive_stays_one_error(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("3D/3dmodel.model", model(obj(1, mesh_xml(CUBE)), '<item objectid="1"/>').replace('objectid="1"', ""))
    (tmp_path / "a.3mf").write_bytes(buffer.getvalue())
    with pytest.raises(MeshError, match="without 'objectid'"):
        load_solid(tmp_path / "a.3mf")
