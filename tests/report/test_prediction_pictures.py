"""Pictures of predictions: where a design ends inside a slab, and sizes that can be looked at."""

import numpy as np
from PIL import Image
from predictions import PX, printer, process, resin, tunnel

import pmsl
from pmsl.cure import CureModel
from pmsl.predict.cross_section import Section
from pmsl.report.prediction_plots import BOTH, layer_picture, section_figure, wanted_in_slabs


def test_a_slab_that_a_face_parts_is_solid_on_the_right_side():
    share = np.array([[1.0, 1.0, 0.3], [0.4, 1.0, 0.3], [0.0, 0.7, 0.3], [0.7, 0.0, 0.3], [1.0, 0.0, 0.7]])  # from the plate up
    depth = (np.arange(10)[::-1] + 0.5) / 10
    found = wanted_in_slabs(share, depth)
    assert found[:, :, 0].astype(int).tolist() == [[1] * 10, [1] * 4 + [0] * 6, [0] * 10, [0] * 3 + [1] * 7, [1] * 10]
    assert found[2, :, 1].astype(int).tolist() == [1] * 7 + [0] * 3 and found[:2, :, 1].all() and not found[3:, :, 1].any()
    assert not found[:4, :, 2].any() and found[4, :, 2].all()  # a wall, whole


def test_a_corrected_roof_inside_a_slab_is_drawn_as_it_is(tmp_path):
    """No stripe of the slab's other part in the colour of what is missing; small layers as squares of several pixels."""
    how = process(10.0, corrections=("edges", "printthrough"))
    job = pmsl.prepare([tunnel(77.0, 43.0)], printer(), resin(20.0, memory="enclosed"), how, accept_uncalibrated=True)
    section, path = Section(job.grid, "x", 250.0), tmp_path / "layer.png"
    pmsl.simulate(job, watch=[section, lambda seen: layer_picture(seen, job.grid, job.printer.orientation, path)])
    figure = section_figure(section, CureModel.of(job.resin))
    (kind,) = (mesh.get_array().reshape(-1, len(section.along_um) - 1) for mesh in figure.axes[0].collections)
    middle = kind[:, int((240.0 - section.along_um[0]) / PX)]
    assert middle.tolist() == [3] * 20 + [0] * 43 + [3] * 77
    assert len(figure.axes[1].collections) == 2  # doses, and the line
    with Image.open(path) as picture:
        assert max(picture.size) >= 560 and picture.getpixel((picture.width // 2, picture.width // 2)) == BOTH
