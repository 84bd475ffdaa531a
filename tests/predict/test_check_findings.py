"""What `pmsl check --predict` finds: blocked channels and lost features, and no rims of wider gaps."""

from pathlib import Path

import manifold3d
import pytest
from predictions import job_of

import pmsl
from pmsl.predict.check_findings import predicted_findings

SAMPLES = Path(__file__).resolve().parents[2] / "sample_meshes"


def cube(low, high):
    return manifold3d.Manifold.cube([b - a for a, b in zip(low, high, strict=True)]).translate(list(low))


def found(body, *light, **optics):
    mesh = body.to_mesh()
    job = job_of([pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)], *light, **optics)
    return job, predicted_findings(job, 1)


BLOCK = cube((100, 100, 0), (420, 380, 200))


def test_a_neck_too_low_for_its_light_is_a_blocked_channel_and_a_high_one_is_none():
    room = cube((150, 180, 40), (250, 300, 160))
    for height, blocked in ((6.0, True), (100.0, False)):
        _, findings = found(BLOCK - room - cube((240, 220, 60), (500, 260, 60 + height)), 20.0)
        assert [f.code for f in findings if f.code == "blocked-channel"] == ["blocked-channel"] * blocked
        assert all(f.layers and f.box_um for f in findings)


def test_what_a_prediction_says_beside_is_left_to_it():
    """A cavity keeps resin: `check` finds that by itself, from light that is followed layer by layer."""
    job, findings = found(BLOCK - cube((200, 180, 60), (320, 300, 140)), 12.0, 20.0)
    assert "resin-trap" in {f.code for f in pmsl.simulate(job).findings}
    assert findings == ()


def test_a_gap_narrower_than_a_pixel_is_not_named_again():
    job, findings = found(BLOCK - cube((250, 50, -10), (253, 500, 300)), 12.0, 20.0)
    assert {f["kind"] for f in pmsl.simulate(job).lost} == {"gap"} and findings == ()
    _, (wide,) = found(BLOCK - cube((250, 50, -10), (262, 500, 300)), 12.0, 20.0, sigma_px=1.0)
    assert wide.code == "lost-feature" and abs(wide.value - 12.0) < 0.5 and wide.limit == 10.0


@pytest.mark.slow
def test_a_roof_that_lands_a_layer_low_is_no_lost_gap():
    """The chip of the samples: roofs of two channels, drawn 10 nm below a plane of layers, are cured 29 µm low, and the channels open."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(SAMPLES / "microfluidic_chip.stl", unit="mm")], printer, resin), printer, resin)
    assert {f["kind"] for f in pmsl.simulate(job).lost} == {"gap"} and predicted_findings(job, 2) == ()
