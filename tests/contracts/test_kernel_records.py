"""The named record of a kernel's arrays has its fields in the order of the kernel's parameters, and callers name what they hand over."""

import ast
import inspect

import pytest
from sources import FILES, ROOT, tree_of

from pmsl.kernels.compare import compare_voxels, edge_probes, face_matching, void_records
from pmsl.kernels.mesh import near_triangles, triangle_pairs
from pmsl.kernels.raster import area, cells_to_runs, slice_layer, union, volume
from pmsl.kernels.solve import pixel_light

RECORDS = {
    volume.VolumeSweepArrays: volume.cells,
    slice_layer.LayerArrays: slice_layer.runs_of_layer,
    face_matching.FaceMatchingArrays: face_matching.faces,
    compare_voxels.VoxelComparisonArrays: compare_voxels.compare,
    triangle_pairs.TrianglePairArrays: triangle_pairs.find,
    near_triangles.NearTriangleArrays: near_triangles.pairs,
    cells_to_runs.CellRunArrays: cells_to_runs.runs,
    area.AreaSweepArrays: area.cells,
    union.UnionArrays: union.cells,
    edge_probes.EdgeProbeArrays: edge_probes.edges,
    pixel_light.FallingLightArrays: pixel_light.fall,
    void_records.VoidRecordArrays: void_records.rest,
}


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
def test_fields_are_the_parameters_of_the_kernel(record):
    kernel = RECORDS[record]
    assert record._fields == tuple(inspect.signature(getattr(kernel, "py_func", kernel)).parameters)


def test_every_record_is_listed():
    names = {
        node.name
        for path in (ROOT / "kernels").rglob("*.py")
        if path.parent.name != "_compiler"
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert names == {record.__name__ for record in RECORDS}


def groups_without_names(tree):
    """Lines of calls that are handed two or more tuples written out where they are spread: nobody sees which argument is which."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [c.lineno for c in calls if sum(isinstance(a, ast.Starred) and isinstance(a.value, ast.Tuple) for a in c.args) > 1]


def test_no_caller_hands_over_groups_without_names():
    found = {str(path.relative_to(ROOT)): lines for path in FILES if (lines := groups_without_names(tree_of(path)))}
    assert found == {}


def test_groups_without_names_are_seen():
    assert groups_without_names(ast.parse("f(*(a, b), *(c, d))\nf(*a, *b)\nf(*(a, b), c)")) == [1]
