"""The named record of a kernel's arrays has its fields in the order of the kernel's parameters."""

import inspect

import pytest

from pmsl.kernels.light import compare_voxels, face_matching
from pmsl.kernels.raster import slice_layer, volume

RECORDS = {
    volume.VolumeSweepArrays: volume.cells,
    slice_layer.LayerArrays: slice_layer.runs_of_layer,
    face_matching.FaceMatchingArrays: face_matching.faces,
    compare_voxels.VoxelComparisonArrays: compare_voxels.compare,
}


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
def test_fields_are_the_parameters_of_the_kernel(record):
    kernel = RECORDS[record]
    assert record._fields == tuple(inspect.signature(getattr(kernel, "py_func", kernel)).parameters)
