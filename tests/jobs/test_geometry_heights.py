"""Layer heights from geometry, through the house: profiles, option, job on disk, doses, findings, other formats."""

import json

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from solids import box, cone

import pmsl
from pmsl.cli.app import app
from pmsl.errors import ProfileError, TargetError, UsageError
from pmsl.pipeline.request.profile_overrides import override_process
from pmsl.profiles.process import LayerHeights
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Value
from pmsl.profiles.tables.toml_text import toml_value

PRINTER, RESIN, PROCESS = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pegda-nps-1.0-385"), pmsl.find_process("default")
PRINTER = msgspec.structs.replace(PRINTER, optics=msgspec.structs.replace(PRINTER.optics, wavelength_nm=RESIN.resin.wavelength_nm))


def auto(low=5.0, high=40.0, stair=2.0, **values):
    return msgspec.structs.replace(PROCESS, layers=LayerHeights(min_um=low, max_um=high, stair_um=stair), **values)


def steps(*tops):
    """Boxes one on another, each narrower: facets at their tops."""
    return [box((0, 0, 0), (400 - 40 * i, 300 - 20 * i, z)) for i, z in enumerate(tops)]


def prepared(parts, process, printer=PRINTER):
    return pmsl.prepare(pmsl.place(parts, printer, RESIN), printer, RESIN, process)


def codes(job):
    return [f.code for f in job.findings]


def test_facets_lie_on_planes_and_doses_follow():
    job = prepared(steps(200, 260, 300), auto())
    assert {0, 200, 260, 300} <= set(job.grid.z_edges_um.tolist()) and job.n_layers == 8
    assert not {"facets-off-planes", "top-rounded", "facets-too-near", "stairs-high"} & set(codes(job))
    time_of = {h: job[k].exposures[0].time_s for k, h in enumerate(job.grid.thickness_um.tolist()) if k >= 3}
    assert time_of[40] > time_of[30] > 0
    area = prepared(steps(200, 260, 300), auto(coverage="volume"))
    assert np.array_equal(area.grid.z_edges_um, job.grid.z_edges_um)


def test_the_job_on_disk_says_it(tmp_path):
    job = prepared(steps(200, 260, 300), auto())
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job/job.json").read_text())
    assert doc["schema"] == "pmsl.job/2" and doc["process"]["schema"] == "pmsl.process/2"
    assert doc["process"]["layers"] == {"min_um": 5.0, "max_um": 40.0, "stair_um": 2.0}
    assert doc["engines"][0]["grid"]["z_edges_um"] == job.grid.z_edges_um.tolist()
    again = pmsl.read(tmp_path / "job")
    assert again.process.layers == job.process.layers and pmsl.verify(tmp_path / "job") == []


def test_heights_are_multiples_of_the_stages_step():
    stage = msgspec.structs.replace(PRINTER.stage, step_um=Value(value=4.0, class_="measured", source="stage"))
    printer = msgspec.structs.replace(PRINTER, stage=stage)
    assert printer.schema == "pmsl.printer/2"
    job = prepared(steps(200, 262, 300), auto(), printer)
    assert (np.round(job.grid.z_edges_um / 4) * 4 == job.grid.z_edges_um).all()
    assert "facets-off-planes" in codes(job)  # 262 is no multiple of 4


def test_thin_layers_on_a_flat_slope_only():
    tall = cone(64, 200, 40, (0, 0, 0))  # its sides rise 1 : 5
    job = prepared([box((-200, -200, 0), (200, 200, 400)), move(tall, 400)], auto(low=2, high=20, stair=2))
    assert np.allclose(job.grid.thickness_um[:20], 20) and (job.grid.thickness_um[20:] < 2.1).all()


def move(solid, z):
    return pmsl.Solid.from_arrays(solid.vertices_um + np.array([0, 0, z]), solid.faces)


def test_facets_too_near_and_slopes_too_flat_are_findings():
    near = prepared(steps(200, 203, 300), auto())
    (found,) = [f for f in near.findings if f.code == "facets-too-near"]
    assert found.severity == "warning" and found.value == pytest.approx(3) and "lower min_um" in found.message
    flat = prepared([cone(64, 200, 40, (0, 0, 0))], auto(low=5, high=20, stair=2))
    (found,) = [f for f in flat.findings if f.code == "stairs-high"]
    assert found.value == pytest.approx(5 * np.cos(np.arctan(0.2)), rel=0.1) and found.limit == 2


def test_parts_alike_and_mirrored_parts_have_the_same_heights():
    solid = cone(64, 200, 40, (500, 500, 0))
    at = np.eye(4)
    at[0, 3] = 1000
    copies = [pmsl.Part(solid=solid), pmsl.Part(solid=solid, transform=at)]
    mirrored = pmsl.Part(solid=solid, transform=np.diag([-1.0, 1, 1, 1]) + np.array([[0, 0, 0, 1000.0]] + 3 * [[0, 0, 0, 0]]))
    heights = [pmsl.prepare(parts, PRINTER, RESIN, auto(low=2, high=20)).grid.z_edges_um for parts in (copies[:1], copies, [mirrored])]
    assert np.array_equal(heights[0], heights[1]) and np.array_equal(heights[0], heights[2])


def test_formats_that_hold_one_height_refuse_by_name(tmp_path):
    job = prepared(steps(200, 262.5, 300), auto())
    with pytest.raises(TargetError, match="layer height is"):
        pmsl.write(job, tmp_path / "job.sl1")
    assert not list(tmp_path.iterdir())


# --- options and profiles ---------------------------------------------------------------------------------------


def overridden(**options):
    names = "layer_um layer_heights exposure_s bottom_dose_factors xy_offset_um bottom_xy_offset_um coverage correct unreachable"
    return override_process(PROCESS, **{**dict.fromkeys(names.split()), **options})


def test_the_option():
    assert overridden(layer_heights="auto:5,40").layers == LayerHeights(min_um=5, max_um=40)
    assert overridden(layer_heights="auto:5,40,2").layers == LayerHeights(min_um=5, max_um=40, stair_um=2)
    assert overridden(layer_heights="auto:5,40").layers.highest_stair_um == 5


NONE = ["5,40", "auto", "auto:5", "auto:40,5", "auto:0,5", "auto:5,nan", "auto:1,2,3,4", "auto:5,4e9", "uneven:5,40"]


@pytest.mark.parametrize("text", NONE)
def test_an_option_that_is_none(text):
    with pytest.raises(UsageError, match="--layer-heights"):
        overridden(layer_heights=text)


def test_one_height_or_many():
    with pytest.raises(UsageError, match="exclude each other"):
        overridden(layer_heights="auto:5,40", layer_um=10.0)


@pytest.mark.parametrize("table", ["min_um = 40, max_um = 5", "min_um = 0, max_um = 5", "min_um = 5", "min_um = 5, max_um = 9, stairs = 1"])
def test_a_table_that_is_none(table):
    text = 'schema = "pmsl.process/2"\nname = "mine"\ndescription = ""\nlayers = { %s }\n'
    with pytest.raises(ProfileError):
        parse(text % table, pmsl.profiles.Process, "mine.toml")


def test_a_table_in_toml_of_version_2():
    text = 'schema = "pmsl.process/%d"\nname = "mine"\ndescription = ""\nlayers = { min_um = 5, max_um = 40, stair_um = 1.5 }\n'
    made = parse(text % 2, pmsl.profiles.Process, "mine.toml")
    assert made.layers == LayerHeights(min_um=5, max_um=40, stair_um=1.5) and made.heights_um == [5, 40]
    assert toml_value(msgspec.to_builtins(made.layers)) == "{ min_um = 5.0, max_um = 40.0, stair_um = 1.5 }"
    with pytest.raises(ProfileError, match=r"pmsl\.process/2"):
        parse(text % 1, pmsl.profiles.Process, "mine.toml")


def test_the_command_prints_the_list(tmp_path, samples):
    words = ["slice", str(samples / "microfluidic_chip.stl"), "-o", str(tmp_path / "job"), "--layer-heights", "auto:5,40,2"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "22 layers" in done.output and "6 × 40, 1 × 20, 1 × 40" in done.output


def test_predicted_roofs_are_no_worse(samples):
    """A chip's channel floors and roofs lie on planes: the printed roofs are nearer to the design than those of 40 µm layers."""
    printer = pmsl.find_printer("microfluidics-7.6um")
    solid = pmsl.load_solid(samples / "microfluidic_chip.stl")

    def worst(process):
        placed = pmsl.place([solid], printer, RESIN)
        found = pmsl.predict.simulate(pmsl.prepare(placed, printer, RESIN, process))
        return found.z_error_um["down"]["p95_abs"]

    assert worst(auto()) <= worst(msgspec.structs.replace(PROCESS, layer_um=40.0))
