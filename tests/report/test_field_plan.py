"""Fields on a page: where they lie, what they share and in which order, as data and as a browser draws it."""

import json

import numpy as np
import pytest

import pmsl
from pmsl.fields.on_plate import on_plate
from pmsl.fields.tiles import FieldLayout
from pmsl.report.page.field_plan import field_plan
from pmsl.report.page.layer_table import white_of_layer
from pmsl.report.viewer.served_job import ServedJob
from pmsl.report.viewer.view_page import view_page
from tests.fields.test_field_jobs import plate_coverage, plate_job
from tests.host_doubles import small_job


@pytest.fixture(scope="module")
def plate():
    job, _ = plate_job()
    return job, on_plate(job)


def data_of(page):
    start = page.index(b'id="page-data"')
    return json.loads(page[page.index(b">", start) + 1 : page.index(b"</script>", start)].replace(b"\\u003c", b"<"))


def test_corners_and_bands_are_those_of_the_layout(plate):
    job, together = plate
    plan, layout = field_plan(together), FieldLayout.of(job.printer, job.process, job.tiles)
    assert plan["plate_um"] == layout.plate_um.tolist() and len(plan["phases"]) == 4
    for layer, phase in enumerate(plan["phases"]):
        tiles = {tile.corner_um for tile in layout.tiles(layer)}
        assert {(x, y) for x in phase["x"]["corners"] for y in phase["y"]["corners"]} == tiles
        for along in (phase["x"], phase["y"]):
            assert len(along["bands"]) == len(along["corners"]) - 1
            assert all(np.isclose(end - start, 10 * 10.0) for start, end in along["bands"])
    assert field_plan(job) is None and field_plan(small_job(2)) is None


def test_a_page_has_the_fields_of_every_layer_in_their_order(plate, tmp_path):
    job, together = plate
    pmsl.report(together, tmp_path / "p.html", check=False, predict=False)
    facts = data_of((tmp_path / "p.html").read_bytes())
    assert facts["fields"] == json.loads(json.dumps(field_plan(together)))
    for k, layer in enumerate(facts["layers"]):
        assert [tuple(e["corner_um"]) for e in layer["exposures"]] == [e.offset_um for e in job[k].exposures]
    served = ServedJob(together)
    assert [tuple(e["corner_um"]) for e in served.layer(1)["exposures"]] == [e.offset_um for e in job[1].exposures]
    assert data_of(view_page(together))["fields"] == facts["fields"]


def test_a_page_of_one_field_says_nothing_of_fields(tmp_path):
    pmsl.report(small_job(2), tmp_path / "p.html", check=False, predict=False)
    facts = data_of((tmp_path / "p.html").read_bytes())
    assert "fields" not in facts and all("corner_um" not in e for layer in facts["layers"] for e in layer["exposures"])


def test_a_browser_draws_borders_seams_and_the_way(plate, browser, tmp_path):
    job, together = plate
    pmsl.report(together, tmp_path / "p.html", check=False, predict=False)
    browser.open((tmp_path / "p.html").as_uri())
    look = "await pmsl.setLayer(1); await pmsl.view.draw(); return pmsl.fieldsDrawn;"
    drawn = browser.run(look)
    nx, ny = job.tiles
    assert (drawn["borders"], drawn["bands"]) == (nx * ny, nx + ny - 2)
    size = np.array(field_plan(together)["size_um"])
    assert np.allclose(drawn["way"], [np.array(e.offset_um) + size / 2 for e in job[1].exposures])
    assert tuple(drawn["chosen"]) == job[1].exposures[0].offset_um
    hidden = browser.run("document.getElementById('fields').click(); await pmsl.view.draw(); return pmsl.fieldsDrawn;")
    assert hidden is None and browser.errors() == []


def test_shapes_of_a_layer_are_those_of_the_plate_and_its_dose_is_that_of_a_field(tmp_path):
    """Ramps of neighbours are no gaps, and light on other fields is no more dose."""
    job, solids = plate_job()
    together = on_plate(job)
    pmsl.report(together, tmp_path / "p.html", check=False, predict=False)
    layers, served = data_of((tmp_path / "p.html").read_bytes())["layers"], ServedJob(together)
    pixel_um2 = float(np.prod(job.grid.pitch_um))
    for k, layer in enumerate(layers):
        assert layer["area_um2"] == pytest.approx(plate_coverage(job, solids, k).sum() * pixel_um2, rel=1e-3)
        assert layer["components"] == 1 and layer["largest_um2"] == layer["smallest_um2"]
        edge_um2 = layer["perimeter_um"] * job.grid.pitch_um[0]
        assert abs(layer["largest_um2"] - layer["area_um2"]) <= edge_um2 / 2
        same = served.layer(k)
        for key in ("area_um2", "components", "largest_um2", "perimeter_um", "overhang_um2", "bounds_um"):
            assert json.loads(json.dumps(same.get(key))) == layer.get(key), key
        whites = {e["white"] for e in layer["exposures"]}
        assert white_of_layer(layer["exposures"]) == pytest.approx(max(whites))


def test_the_dose_of_a_layer_is_known_of_one_engine_and_counts_repeats_of_a_field():
    def shown(*whites, **more):
        return [{"white": white, **more} for white in whites]

    assert white_of_layer([]) == 0.0
    assert white_of_layer(shown(2.0, 3.0)) == 5.0
    assert white_of_layer(shown(2.0, 3.0, corner_um=[0.0, 0.0]) + shown(4.0, corner_um=[9.0, 0.0])) == 5.0
    assert white_of_layer(shown(2.0, None)) is None
    assert white_of_layer(shown(2.0) + shown(1.0, engine=1)) is None
