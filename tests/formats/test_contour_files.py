"""3MF slice stacks and SVG hold the contours that the masks' areas come from, and other software reads them."""

import xml.etree.ElementTree as ET
import zipfile

import jobs_of_arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box
from tiers import examples

import pmsl
from pmsl.errors import JobError, MeshError, UsageError
from pmsl.formats import registry
from pmsl.formats.contourfiles import SVG, THREEMF
from pmsl.pipeline.io import contours_of

FILES = {"svg": (SVG, "c.svg"), "3mf-slices": (THREEMF, "c.3mf")}


@pytest.fixture(scope="module")
def f(samples):
    return jobs_of_arrays.f_job(samples)


def write(name, job, folder, **more):
    path = folder / FILES[name][1]
    pmsl.write(job, path, format=name, force=True, **more)
    return path


def area_um2(rings):
    return sum(0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) for x, y in (r.T for r in rings))


@pytest.mark.parametrize("name", FILES)
def test_the_rings_are_those_of_the_parts_and_have_the_masks_area(name, f, tmp_path):
    path = write(name, f, tmp_path)
    found = FILES[name][0].contours(path)
    want = list(contours_of(f))
    rings = [ring for block in want for k in range(block.n_layers) for ring in block.rings(k)]
    again = [ring for k in range(found.n_layers) for ring in found.rings(k)]
    assert len(rings) == len(again) and all(np.abs(a - b).max() < 1e-5 for a, b in zip(rings, again, strict=True))
    assert found.z_um == pytest.approx(f.grid.mid_planes_um, abs=1e-6)
    for k in (0, 19):
        assert area_um2(found.rings(k)) == pytest.approx(f[k].exposures[0].mask.sum_px() * f.grid.pixel_um2, rel=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_blocks_of_layers_join_seamlessly(name, f, tmp_path, monkeypatch):
    whole = write(name, f, tmp_path).read_bytes()
    monkeypatch.setattr("pmsl.pipeline.io.CONTOUR_LAYERS", 3)
    assert write(name, f, tmp_path).read_bytes() == whole


def test_lib3mf_reads_the_slices_in_strict_mode(f, tmp_path):
    from lib3mf import get_wrapper

    for design in (True, False):
        path = write("3mf-slices", f, tmp_path, design=design)
        model = get_wrapper().CreateModel()
        reader = model.QueryReader("3mf")
        reader.SetStrictModeActive(True)
        reader.ReadFromFile(str(path))
        assert reader.GetWarningCount() == 0
        stacks = model.GetSliceStacks()
        assert stacks.MoveNext()
        stack = stacks.GetCurrentSliceStack()
        assert stack.GetSliceCount() == f.n_layers
        for k in (0, 7, 19):
            piece = stack.GetSlice(k)
            points = np.array([list(p.Coordinates) for p in piece.GetVertices()]) * 1e3
            rings = [points[list(piece.GetPolygonIndices(i))[:-1]] for i in range(piece.GetPolygonCount())]
            assert piece.GetZTop() == pytest.approx((k + 1) * 0.01, rel=1e-6)
            assert area_um2(rings) == pytest.approx(f[k].exposures[0].mask.sum_px() * f.grid.pixel_um2, rel=1e-4)
        objects = model.GetMeshObjects()
        assert objects.MoveNext() and objects.GetCurrentMeshObject().IsManifoldAndOriented()
        assert objects.GetCurrentMeshObject().HasSlices(False)


def test_svg_shows_the_part_from_the_light_side(f, tmp_path):
    root = ET.parse(write("svg", f, tmp_path)).getroot()
    assert root.get("width") == "3.84mm" and root.get("viewBox") == "0 0 3.84 2.16"
    groups = root.findall("{http://www.w3.org/2000/svg}g")
    assert len(groups) == 20 and groups[0].get("style") is None and groups[1].get("style") == "display:none"
    points = np.array([p.split() for p in groups[0][0].get("d").strip("MZ").split("L")], float)
    rows, cols = np.nonzero(f[0].exposures[0].mask.dense(np.uint8))
    assert points[:, 0].min() == pytest.approx(cols.min() * 0.002, abs=0.002)
    assert points[:, 1].min() == pytest.approx(2.16 - (rows.max() + 1) * 0.002, abs=0.002)
    top = points[points[:, 1] < points[:, 1].min() + 0.1 * np.ptp(points[:, 1])]
    assert np.ptp(top[:, 0]) > 0.9 * np.ptp(points[:, 0])  # the long arm of the F is up


def empty_between():
    """Two boxes with a gap between them in z, so that some slices are empty."""
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    return pmsl.prepare(
        [box((100, 100, 0), (300, 300, 20)), box((100, 100, 40), (300, 300, 60)), box((150, 150, 0), (400, 400, 20))], printer, resin
    )


@pytest.mark.parametrize("name", FILES)
def test_empty_slices_and_overlaps_stay(name, tmp_path):
    job = empty_between()
    found = FILES[name][0].contours(write(name, job, tmp_path))
    assert [len(found.rings(k)) for k in range(6)] == [2, 2, 0, 0, 1, 1]
    assert registry.find(name).verify(tmp_path / FILES[name][1], None) == []


def test_only_jobs_with_parts_have_contours(f, tmp_path):
    pmsl.write(f, tmp_path / "j", design=False)
    for name in FILES:
        with pytest.raises(JobError, match="holds no placed parts"):
            write(name, pmsl.read(tmp_path / "j"), tmp_path)
        with pytest.raises(UsageError, match="holds no dose maps"):
            write(name, f, tmp_path, dose=True)
    assert [p.name for p in tmp_path.iterdir()] == ["j"]
    pmsl.write(f, tmp_path / "k")
    assert write("svg", pmsl.read(tmp_path / "k"), tmp_path).stat().st_size > 1000


def test_an_open_mesh_has_no_contours(tmp_path):
    solid = box((100, 100, 0), (300, 300, 50))
    upright = np.ptp(solid.vertices_um[solid.faces][..., 2], axis=1) > 0
    torn = pmsl.Solid.from_arrays(solid.vertices_um, np.delete(solid.faces, np.argmax(upright), axis=0))
    given = [torn], pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    with pytest.raises(MeshError, match="the mesh is open"):
        write("svg", pmsl.prepare(*given, repair="none"), tmp_path)
    assert not any(tmp_path.iterdir())
    assert write("svg", pmsl.prepare(*given), tmp_path).stat().st_size > 1000  # closed, it has some


def test_contours_are_no_job_and_meshes_no_contours(f, samples, tmp_path):
    for name in FILES:
        with pytest.raises(JobError, match="hold contours and no exposures"):
            registry.recognise(write(name, f, tmp_path)).read(tmp_path / FILES[name][1])
    model = '<model xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources/></model>'
    with zipfile.ZipFile(tmp_path / "mesh.3mf", "w") as package:
        package.writestr("3D/3dmodel.model", model)
    with pytest.raises(JobError, match="without a slice stack"):
        THREEMF.contours(tmp_path / "mesh.3mf")
    with pytest.raises(UsageError, match="does not replace"):
        pmsl.write(f, tmp_path / "mesh.3mf", format="3mf-slices", force=True)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('encoding="UTF-8"', 'encoding="UTF-Infinity"'),
        ('encoding="UTF-8"', 'encoding="rot13"'),
        ("M0 0L", "M0 1e308L"),
        ("M0 0L", "M0 -infL"),
        ('data-x0-um="0.0"', 'data-x0-um="1e308"'),
        ('data-top-um="9.0"', 'data-top-um="nan"'),
    ],
)
def test_an_unknown_encoding_and_points_beyond_any_field_are_refused(old, new, tmp_path):
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" data-x0-um="0.0" data-top-um="9.0">'
        '<g data-z-top-um="5.0"><path d="M0 0L1 0L1 1Z"/></g></svg>'
    )
    path = tmp_path / "c.svg"
    path.write_text(text)
    assert SVG.contours(path).n_layers == 1 and old in text
    path.write_text(text.replace(old, new))
    if "encoding" in old:  # what is in the file is UTF-8 whatever it claims
        assert SVG.contours(path).n_layers == 1
    elif "1e308" in new and "x0" in old:
        assert np.isfinite(SVG.contours(path).xy_um).all()
    else:
        with pytest.raises(JobError, match="not finite"):
            SVG.contours(path)


@given(data=st.data())
@settings(max_examples=examples(20))
@pytest.mark.parametrize("name", FILES)
def test_changed_text_is_read_or_refused(name, data, tmp_path_factory):
    texts = {
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" data-x0-um="0.0" data-top-um="9.0"><g data-z-top-um="5.0">'
        '<path d="M0 0L1 0L1 1Z"/></g><g data-z-top-um="9.0"></g></svg>',
        "3mf-slices": '<model xmlns="a" xmlns:s="b" unit="millimeter"><s:slicestack zbottom="0"><s:slice ztop="0.01"><s:vertices>'
        '<s:vertex x="0" y="0"/><s:vertex x="1" y="0"/><s:vertex x="1" y="1"/></s:vertices><s:polygon startv="0"><s:segment v2="1"/>'
        '<s:segment v2="2"/><s:segment v2="0"/></s:polygon></s:slice></s:slicestack></model>',
    }
    text = list(texts[name])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from(["", "9", "-", "e9", "nan", "<", '"', " ", "\0", "é", "Z"]))
    path = tmp_path_factory.mktemp("t") / FILES[name][1]
    if name == "svg":
        path.write_text("".join(text), encoding="utf-8")
    else:
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("3D/3dmodel.model", "".join(text))
    try:
        FILES[name][0].contours(path)
    except JobError as err:
        assert str(path) in str(err)
