"""What of a print file changes light or motion: flips, films, squeezing, layers of 0 µm, engines; kept, or refused by name."""

import copy
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from formats.byu_files import FOREIGN, FRAME, edited, other_zip, settings
from formats.byu_host import assert_as_the_host_prints
from formats.conformance import f_frame, job_of, printer_of

import pmsl
from pmsl.errors import ExposureError, HostError, JobError, TargetError
from pmsl.formats.frames import png_write
from pmsl.host import Simulation, play
from pmsl.job.techniques import Squeeze, Vacuum

LETTER = FRAME.copy()  # alike whichever way it is turned only if it is not turned
LETTER[1, 2:4] = 40
IMAGES = {"a.png": FRAME, "b.png": FRAME[::-1], "f.png": LETTER}
DEFAULTS = FOREIGN["Default layer settings"]
EVEN, EACH = "flat-field-by-host", "flat-field-by-exposure"
SQUEEZED = {
    "Special layer techniques": {
        "Squeeze out resin": {"Enable squeeze": True, "Squeeze count": 2, "Squeeze force (N)": 5, "Squeeze time (ms)": 200}
    }
}
FILM = {"Print on film": {"Enable print on film": True, "Distance up (mm)": 0.4, "Wait before exposure (ms)": 700}}
AGAIN = {"0 um layer": {"Enable 0 um layer": True, "Number of duplications": 2}}
VACUUM = {"Enable vacuum": True, "Target vacuum level (Torr)": 10, "Vacuum wait time (sec)": 30}
LONG, SHORT = {"Mirror image long axis": True}, {"Mirror image short axis": True}
OFF = {"0 um layer": {"Enable 0 um layer": False, "Number of duplications": 9}, "Print on film": {"Enable print on film": False}}


def lists(*images, **layer):
    return {"Image settings list": list(images), **layer}


def zero(**layer):
    return {"Position settings": {"Layer thickness (um)": 0, **layer.pop("position", {})}, **layer}


EVERYTHING = edited(
    Special_print_techniques={"Print under vacuum": VACUUM},
    Layers=[
        lists(*({"Image file": "f.png", **turn} for turn in (LONG, SHORT, {**LONG, **SHORT}))),
        lists({"Do grayscale correction": True}, {"Do grayscale correction": False}, {"Image file": "b.png"}),
        {"Position settings": SQUEEZED, **lists({"Image file": "b.png"})},
        lists({"Special image techniques": AGAIN}, {"Image file": "b.png", "Special image techniques": {**FILM, **AGAIN}}, {}),
        zero(position=SQUEEZED, **lists({"Wait after exposure (ms)": 20}, {"Image file": "b.png"})),
        zero(**lists({"Special image techniques": FILM})),
        lists({"Special image techniques": OFF}, {"Image file": "b.png", "Image x offset (um)": -7.5, "Image y offset (um)": 3}),
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return other_zip(tmp_path_factory.mktemp("byu") / "all.zip", EVERYTHING, IMAGES)


def alike(a, b):
    """Assert that two jobs show and move the same."""
    assert (a.requires, a.vacuum, a.n_layers, a.placeholders) == (b.requires, b.vacuum, b.n_layers, b.placeholders)
    assert [(e.name, e.wavelength_nm, e.grid, e.orientation) for e in a.engines] == [
        (e.name, e.wavelength_nm, e.grid, e.orientation) for e in b.engines
    ]
    fields = [f for f in a[0].exposures[0].__dataclass_fields__ if f not in ("mask", "mask_sha256")]
    for p, q in zip(a.layers(), b.layers(), strict=True):
        assert (p.motion, p.squeeze, p.thickness_um, p.relift_after) == (q.motion, q.squeeze, q.thickness_um, q.relift_after)
        assert [[getattr(e, f) for f in fields] for e in p.exposures] == [[getattr(e, f) for f in fields] for e in q.exposures]
        assert [e.mask.sha256() for e in p.exposures] == [e.mask.sha256() for e in q.exposures]


def test_everything_is_read_as_the_host_prints_it(everything):
    job = pmsl.read(everything)
    assert_as_the_host_prints(job, everything)
    assert job.requires == (EVEN, EACH, "lift-between-exposures", "squeeze-resin", "print-on-film", "vacuum")
    assert job.vacuum == Vacuum(pressure_pa=pytest.approx(1333.22, abs=0.01), wait_s=30)
    assert job[2].squeeze == Squeeze(count=2, force_n=5, time_s=0.2)
    frame = LETTER[::-1]  # as a mask: row 0 is the smallest y
    flips = [e.mask.dense(np.uint8) for e in job[0].exposures]
    assert all(np.array_equal(a, b) for a, b in zip(flips, (frame[:, ::-1], frame[::-1], frame[::-1, ::-1]), strict=True))
    relifts = [[e.relift is not None for e in p.exposures] for p in job.layers()]
    assert [sum(r) for r in relifts] == [0, 0, 0, 4, 0]  # twice again, and two layers of 0 µm
    assert pmsl.verify(everything) == []


@pytest.mark.parametrize("name", ["native", "byu"])
def test_everything_is_kept(everything, tmp_path, name):
    job, path = pmsl.read(everything), tmp_path / "out.zip"
    pmsl.write(job, path, format=name)
    alike(job, pmsl.read(path))
    assert pmsl.verify(path) == []
    if name == "byu":
        assert_as_the_host_prints(job, path)
        return
    with zipfile.ZipFile(path) as z:
        doc = json.loads(z.read("job.json"))
    assert doc["schema"] == "pmsl.job/2" and doc["requires"] == list(job.requires)


def test_an_older_pmsl_and_a_forged_job_do_not_pass(everything, tmp_path):
    """A reader looks at what a job requires: what it asks for has to stand there."""
    pmsl.write(pmsl.read(everything), tmp_path / "n")
    table = tmp_path / "n" / "job.json"
    for lost in ("vacuum", "squeeze-resin", "print-on-film", "lift-between-exposures", EACH):
        doc = json.loads(table.read_text())
        doc["requires"].remove(lost)
        other = tmp_path / "forged"
        other.mkdir(exist_ok=True)
        (other / "job.json").write_text(json.dumps(doc))
        with pytest.raises(JobError, match=f"asks for {lost}, which the job does not require"):
            pmsl.read(other)


@pytest.mark.parametrize("name", ["sl1", "nanodlp", "goo", "ctb", "ome-tiff"])
@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (lists({"Special image techniques": FILM}), "print-on-film"),
        (lists({"Special image techniques": AGAIN}), "lift-between-exposures"),
        ({"Position settings": SQUEEZED}, "squeeze-resin"),
    ],
)
def test_formats_without_a_place_refuse_by_name(tmp_path, name, layer, word):
    path = other_zip(tmp_path / "x.zip", edited(Layers=[layer]), IMAGES)
    for lossy in (False, True):
        with pytest.raises(TargetError, match=word):
            pmsl.write(pmsl.read(path, pitch_um=47.0), tmp_path / f"out.{name}", format=name, lossy=lossy)
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]


def test_the_player_does_not_move_without_them(everything):
    job = pmsl.read(everything)
    machine = Simulation(job)
    with pytest.raises(HostError, match="print-on-film.*which pmsl's player does not do"):
        play(job, machine.engines, machine.stage)


def test_false_is_no_request(tmp_path):
    doc = edited(
        Special_print_techniques={"Print under vacuum": {"Enable vacuum": False, "Target vacuum level (Torr)": 10}},
        Layers=[
            {
                "Position settings": {"Special layer techniques": {"Squeeze out resin": {"Enable squeeze": False, "Squeeze count": 3}}},
                "Image settings list": [
                    {"Special image techniques": OFF, "Do grayscale correction": False, "Mirror image long axis": False}
                ],
            },
            {"Position settings": {"Special layer techniques": {"Squeeze out resin": {"Enable squeeze": True, "Squeeze count": 0}}}},
        ],
    )
    path = other_zip(tmp_path / "x.zip", doc, IMAGES)
    job = pmsl.read(path, pitch_um=50)
    assert job.requires == () and job.vacuum is None and job[0].exposures[0].film_lift_um is None
    assert not {"host-techniques", "not-read"} & {f.code for f in job.findings}
    pmsl.write(job, tmp_path / "out.nanodlp", lossy=True)
    pmsl.write(job, tmp_path / "again.zip", format="byu")
    assert_as_the_host_prints(pmsl.read(path), tmp_path / "again.zip")
    shown = settings(tmp_path / "again.zip")["Layers"][0]["Image settings list"][0]
    assert shown["Do grayscale correction"] is False  # a host whose printer has a correction would do it unasked


def test_a_field_evened_out_for_all_or_for_some(tmp_path):
    for some, requires, flags in (([True, True], (EVEN,), [None, None]), ([True, None], (EVEN, EACH), [True, False])):
        images = [{} if even is None else {"Do grayscale correction": even} for even in some]
        images[1]["Image file"] = "b.png"
        job = pmsl.read(other_zip(tmp_path / "x.zip", edited(Layers=[lists(*images)]), IMAGES))
        assert job.requires == requires and [e.flat_field_by_host for e in job[0].exposures] == flags
        assert job.process.evened == "delegated"
        (tmp_path / "x.zip").unlink()


def test_frames_that_are_even_already_are_not_evened_again(tmp_path):
    from msgspec.structs import replace

    job = job_of([f_frame((37, 53))], printer_of((37, 53)))
    object.__setattr__(job, "process", replace(job.process, corrections=("flatfield",)))
    pmsl.write(job, tmp_path / "j.zip", format="byu")
    assert settings(tmp_path / "j.zip")["Default layer settings"]["Image settings"]["Do grayscale correction"] is False


@pytest.mark.parametrize(
    ("layers", "before", "after", "settle"),
    [
        ([lists({"Light engine power setting": 0, "Wait before exposure (ms)": 40}, {})], 0.04 + 0.5, 0.0, 0.01),
        ([lists({}, {"Layer exposure time (ms)": 0, "Wait after exposure (ms)": 30})], 0.0, 0.03, 0.01),
        ([lists({"Light engine power setting": 0}), lists({})], 0.0, 0.0, 0.51),
    ],
)
def test_time_without_light_is_waited(tmp_path, layers, before, after, settle):
    job = pmsl.read(other_zip(tmp_path / "x.zip", edited(Layers=layers), IMAGES))
    e = job[-1].exposures[0]
    assert (e.wait_before_s, e.wait_after_s, job[0].motion.settle_s) == (pytest.approx(before), pytest.approx(after), pytest.approx(settle))


def test_waits_and_lifts_of_black_images_go_to_their_neighbours(tmp_path):
    layers = [lists({"Image file": "k.png", "Wait after exposure (ms)": 50}, {}, {"Image file": "k.png", "Wait before exposure (ms)": 70})]
    layers.append(zero(**lists({"Image file": "k.png"}, {"Image file": "b.png"})))
    job = pmsl.read(other_zip(tmp_path / "x.zip", edited(Layers=layers), {**IMAGES, "k.png": 0 * FRAME}))
    first, second = job[0].exposures
    assert (first.wait_before_s, first.wait_after_s) == (0.05, 0.07) and first.relift is None and second.relift is not None


@pytest.mark.parametrize("off", [{"Light engine power setting": 0}, {"Layer exposure time (ms)": 0}, {"Image file": "k.png"}])
@pytest.mark.parametrize("name", ["native", "byu"])
def test_layers_of_0_um_that_show_nothing_are_lifts_that_are_kept(tmp_path, name, off):
    """Some between the lights of a layer, some behind the last of them, in their order, with their squeezing and waits."""
    dark = lists({**off, "Wait before exposure (ms)": 40})
    up = [{"Position settings": {"Layer thickness (um)": 0, "Distance up (mm)": mm}, **dark} for mm in (0.2, 0.3, 0.4, 0.5)]
    layers = [lists({}), up[0], zero(position=SQUEEZED, **dark), zero(**lists({"Image file": "b.png"})), up[1], lists({}), up[2], up[3]]
    path = other_zip(tmp_path / "x.zip", edited(Layers=layers), {**IMAGES, "k.png": 0 * FRAME})
    job = pmsl.read(path)
    assert_as_the_host_prints(job, path)
    between = job[0].exposures[1].relift
    assert [lift.motion.lift_um for lift in between.lifts] == [200.0, 1000.0, 1000.0]
    assert [lift.squeeze is not None for lift in between.lifts] == [False, True, False]
    behind = [[lift.motion.lift_um for lift in plan.relift_after.lifts] for plan in job.layers()]
    assert behind == [[300.0], [400.0, 500.0]]
    taken_s = sum(lift.duration_s for lift in job[1].relift_after.lifts)
    assert job[1].duration_s == pytest.approx(job[1].motion.duration_s + job[1].exposures[0].duration_s + taken_s)
    waited_s = job[0].relift_after.motion.settle_s - job[0].motion.settle_s  # the time that its image is dark, where the host says it
    assert waited_s == pytest.approx(0.54 if "Light engine power setting" in off else 0.04)
    pmsl.write(job, tmp_path / "out.zip", format=name)
    alike(job, pmsl.read(tmp_path / "out.zip"))
    assert pmsl.verify(tmp_path / "out.zip") == [] and pmsl.diff(job, tmp_path / "out.zip", kinds=["motion", "light", "times"]).alike
    other = other_zip(tmp_path / "y.zip", edited(Layers=layers[:-1]), {**IMAGES, "k.png": 0 * FRAME})
    assert [one.key for one in pmsl.diff(job, other, kinds=["motion"]).differences][0].startswith("relift_after")


@pytest.mark.parametrize("name", ["byu_v5_two_engines", "byu_v5_focus_sweep", "region_valve_peer_job", "openmfd_golden_2x2_stitched"])
@pytest.mark.parametrize("format", ["byu", pytest.param("native", marks=pytest.mark.slow)])
def test_files_of_the_group_and_of_a_peer_come_back_as_they_were(tmp_path, name, format):
    sample = Path(__file__).resolve().parents[3] / "shared" / "cases" / f"{name}.zip"
    if not sample.exists():
        pytest.skip("no shared samples here")
    job = pmsl.read(sample)
    pmsl.write(job, tmp_path / "out.zip", format=format)
    alike(job, pmsl.read(tmp_path / "out.zip"))


def test_layers_of_0_um_without_end_are_refused(tmp_path):
    doc = edited(Layers=[lists({}), {**zero(**lists({"Light engine power setting": 0})), "Number of duplications": 1500}])
    with pytest.raises(JobError, match="more than 1000 layers of 0 µm in a row"):
        pmsl.read(other_zip(tmp_path / "x.zip", doc, IMAGES))


def test_the_defaults_own_count_is_that_of_layers_that_say_none(tmp_path):
    doc = edited(Layers=[{}, {"Number of duplications": 2}, {"Using named layer group": "stack"}])
    doc["Default layer settings"] = {**DEFAULTS, "Number of duplications": 3}
    path = other_zip(tmp_path / "x.zip", doc, IMAGES)
    assert pmsl.read(path).n_layers == 3 + 2 + 3
    assert_as_the_host_prints(pmsl.read(path), path)


def test_named_defaults_and_named_settings_together_are_said(tmp_path):
    doc = edited(
        Named_image_settings={"edge": {"Relative focus position (um)": 5}, "strong": {"Light engine power setting": 250}},
        Layers=[{"Using named default image settings": "edge", **lists({"Using named image settings": "strong"}, {})}],
    )
    path = other_zip(tmp_path / "x.zip", doc, IMAGES)
    job = pmsl.read(path)
    assert [(e.power, e.focus_um) for e in job[0].exposures] == [(0.25, 0), (0.1, 5)]
    assert "named-settings" in {f.code for f in job.findings}
    assert_as_the_host_prints(job, path)


# --- light engines ---------------------------------------------------------------------------------------------------

SMALL = np.zeros((4, 6), np.uint8)
SMALL[1, 2:5] = 255
TWO = edited(
    Layers=[
        lists({"Light engine": "wintech", "Image file": "s.png", "Light engine wavelength (nm)": 405, "Image x offset (um)": 12.5}),
        lists({}, {"Light engine": "wintech", "Image file": "s.png", "Light engine wavelength (nm)": 405}),
        lists({"Light engine wavelength (nm)": 405}, {"Light engine": "visitech (385 nm)", "Light engine wavelength (nm)": 385}),
    ],
)


@pytest.fixture
def two(tmp_path):
    return other_zip(tmp_path / "two.zip", TWO, {**IMAGES, "s.png": SMALL})


def test_engines_of_different_sizes_and_wavelengths(two, tmp_path):
    job = pmsl.read(two)
    assert [(e.name, e.wavelength_nm, e.grid.shape) for e in job.engines] == [
        ("visitech", 365, (5, 9)),  # of the default image
        ("wintech", 405, (4, 6)),
        ("visitech", 405, (5, 9)),
        ("visitech", 385, (5, 9)),
    ]
    assert [[e.engine for e in p.exposures] for p in job.layers()] == [[1], [0, 1], [2, 3]]
    assert np.array_equal(job[0].exposures[0].mask.dense(np.uint8)[::-1], SMALL) and job[0].exposures[0].offset_um == (12.5, 0)
    for name in ("native", "byu"):
        pmsl.write(job, tmp_path / f"{name}.zip", format=name)
        alike(job, pmsl.read(tmp_path / f"{name}.zip"))
        assert pmsl.verify(tmp_path / f"{name}.zip") == []
    assert_as_the_host_prints(job, tmp_path / "byu.zip")
    with pytest.raises(TargetError, match="light engines is 4"):
        pmsl.write(job, tmp_path / "out.nanodlp")
    with pytest.raises(ExposureError, match="an exposure with light engine 1"):
        pmsl.write(job, tmp_path / "dose.zip", dose=True)


def test_fields_of_engines_have_one_middle_and_pixels_of_their_own(two):
    job = pmsl.read(two, field=(4, 6), pitch_um=0.5)
    (x, y), small = job.engines[1].grid.origin_um, job.engines[1].grid
    assert job.engines[0].grid.pitch_um.tolist() == [1, 1] and small.pitch_um.tolist() == [0.5, 0.5]
    assert (x + 3 * 0.5, y + 2 * 0.5) == (4.5, 2.5)
    assert "printer.optics.pitch_um" in job.placeholders  # the other engine's
    lit_um2 = [SMALL.sum() / 255 * 0.25, FRAME.sum() / 255, FRAME.sum() / 255]
    assert job.estimate().resin_ml == pytest.approx(sum(lit_um2) * 10e-12)


def test_images_of_one_engine_have_one_size(tmp_path):
    path = other_zip(tmp_path / "x.zip", edited(Layers=[lists({}, {"Image file": "s.png"})]), {**IMAGES, "s.png": SMALL})
    with pytest.raises(JobError, match="s.png"):
        list(pmsl.read(path).layers())
    assert pmsl.verify(path) != []


def test_a_table_and_its_images_in_a_folder(tmp_path):
    """As a slicer of the group packs its samples; the host does not look there."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("printfile/print_settings.json", json.dumps(copy.deepcopy(FOREIGN)))
        for name, frame in IMAGES.items():
            z.writestr(f"printfile/slices/{name}", png_write.encode(frame))
    assert pmsl.read(path).n_layers == 5
    (problem,) = pmsl.verify(path)
    assert "the host looks in the root" in problem


def test_older_names_of_a_technique_mean_the_same(tmp_path):
    older = {"Zero micron layer": {"Enable zero micron": True, "Zero micron count": 2}}
    made = []
    for special in (AGAIN, older):
        made.append(pmsl.read(other_zip(tmp_path / "x.zip", edited(Layers=[lists({"Special image techniques": special})]), IMAGES)))
        problems = pmsl.verify(tmp_path / "x.zip")
        (tmp_path / "x.zip").unlink(missing_ok=special is AGAIN)
    assert [len(job[0].exposures) for job in made] == [2, 2] or [sum(e.repeat for e in job[0].exposures) for job in made] == [3, 3]
    assert any("older name" in line for line in problems)
