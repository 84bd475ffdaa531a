"""A job of two light engines: sliced, written, verified, played, to byu and back; what does not go together is refused with both values."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import numpy as np
import pytest

import pmsl
from pmsl.core.grid import Grid, spanning
from pmsl.errors import ExposureError, MeshError, PmslError, ProfileError, UsageError
from pmsl.formats import registry
from pmsl.pipeline import with_depth
from pmsl.profiles import Printer, Resin
from pmsl.profiles.process import LayerHeights
from pmsl.profiles.release import recorded
from pmsl.profiles.tables.schema import build
from pmsl.profiles.tables.template import template
from tests.engine_plates import (
    COARSE,
    FINE,
    measured,
    parts_on_both,
    plain_process,
    replace,
    two_engine_job,
    two_engine_printer,
    two_wavelength_resin,
)
from tests.host_doubles import small_job
from tests.solids import box, prism

ONE_ENGINE = sorted(name for name in registry.names() if name != "native" and "engine" not in registry.find(name).capability.holds)


@pytest.fixture(scope="module")
def job():
    return two_engine_job()


def test_each_engine_shows_its_parts_as_if_it_were_alone(job):
    printer, resin = two_engine_printer(), two_wavelength_resin()
    body, detail = parts_on_both()
    alone = pmsl.prepare([body], printer.of_engine(COARSE), resin.at(405.0), plain_process())
    moved = pmsl.Part(solid=box((20, 20, 0), (100, 90, 50)))  # less the corner of the fine field
    fine = pmsl.prepare([moved], printer.of_engine(FINE), resin.at(385.0), plain_process())
    assert (job.n_layers, alone.n_layers, fine.n_layers) == (5, 3, 5)
    for plan in job.layers():
        shown = {e.engine: e for e in plan.exposures}
        assert set(shown) == ({0, 1} if plan.index < 3 else {1})
        for i, one in ((0, alone), (1, fine)):
            if i in shown:
                (wanted,) = one[plan.index].exposures
                assert shown[i].mask.sha256() == wanted.mask.sha256()
                assert (shown[i].time_s, shown[i].dose_mj_cm2) == (wanted.time_s, wanted.dose_mj_cm2)
    assert [(e.name, e.wavelength_nm) for e in job.engines] == [(COARSE, 405.0), (FINE, 385.0)]
    assert job.estimate().resin_ml * 1e12 == pytest.approx(70 * 180 * 30 + 80 * 70 * 50, rel=1e-5)


def test_doses_follow_each_working_curve(job):
    """White cures through the layer by the same margin at either wavelength: Ec exp(h/Dp) times 1.5."""
    for e, dp, ec in zip(job[0].exposures, (60.0, 30.0), (12.0, 8.0), strict=True):
        assert e.dose_mj_cm2 == pytest.approx(1.5 * ec * np.exp(10.0 / dp))


def test_it_is_written_verified_and_read(job, tmp_path):
    pmsl.write(job, tmp_path / "job")
    assert pmsl.verify(tmp_path / "job") == []
    back = pmsl.read(tmp_path / "job")
    assert back.estimate() == job.estimate() and back.engines == job.engines
    assert back.printer == recorded(job.printer) and back.resin == job.resin
    assert [part.engine for part in back.parts] == [msgspec.UNSET, FINE]
    document = json.loads((tmp_path / "job" / "job.json").read_text(encoding="utf-8"))
    assert (document["schema"], document["printer"]["schema"], document["resin"]["schema"]) == (
        "pmsl.job/2",
        "pmsl.printer/2",
        "pmsl.resin/2",
    )
    assert pmsl.diff(job, back).alike


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dose_mj_cm2": 8.0}, "is not time_s × irradiance"),
        ({"power": 0.5}, "is no light setting"),
        ({"engine": 2}, "names engine 2"),
    ],
)
def test_numbers_of_the_second_engine_are_held_against_its_own_light(job, tmp_path, change, words):
    pmsl.write(job, tmp_path / "job")
    path = tmp_path / "job" / "job.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["layers"][0]["exposures"][1] |= change
    path.write_text(json.dumps(document), encoding="utf-8")
    assert any(words in problem for problem in pmsl.verify(tmp_path / "job"))


def test_it_is_played_and_waits_after_each_change_of_engine(job):
    machine, given = pmsl.host.Simulation(job), []

    def tell(status):
        if status.state == "layer done":
            given.append([engine.dose().dense().sum() for engine in machine.engines])

    status = pmsl.host.play(job, machine.engines, machine.stage, clock=machine.clock, on_status=tell)
    wanted = [[pmsl.dose_map(job, plan, engine=i).dense().sum() for i in range(2)] for plan in job.layers()]
    assert status.state == "done" and np.allclose(given, wanted, rtol=1e-6)
    changes = 5  # within each of three layers, and twice back to the first engine
    plain = sum(plan.duration_s for plan in job.layers())
    assert job.estimate().print_time_s == pytest.approx(plain + 0.5 * changes)
    assert status.elapsed_s == pytest.approx(job.estimate().print_time_s, abs=0.05)  # the plate's way differs by the layers


def test_the_research_host_s_file_holds_both_engines(job, tmp_path):
    """One host aligns middles of fields: where they are apart the file says where the second begins."""
    pmsl.write(job, tmp_path / "both.zip", format="byu")
    back = pmsl.read(tmp_path / "both.zip")
    assert pmsl.verify(tmp_path / "both.zip") == []
    assert [(e.name, e.wavelength_nm, e.grid) for e in back.engines] == [(e.name, e.wavelength_nm, e.grid) for e in job.engines]
    for ours, theirs in zip(job.layers(), back.layers(), strict=True):
        assert [(e.engine, e.mask.sha256()) for e in ours.exposures] == [(e.engine, e.mask.sha256()) for e in theirs.exposures]
        assert [e.time_s for e in ours.exposures] == pytest.approx([e.time_s for e in theirs.exposures])
    assert pmsl.diff(job, back, kinds=["light", "times", "grid", "heights"]).alike
    pmsl.write(back, tmp_path / "again.zip", format="byu")
    assert pmsl.read(tmp_path / "again.zip").engines == back.engines


@pytest.mark.parametrize("name", [name for name in ONE_ENGINE if name not in ("gwl", "voxel-npy")])
def test_formats_of_one_engine_refuse_it_by_name(job, tmp_path, name):
    with pytest.raises(PmslError, match=f"{name} cannot hold this job: light engines is 2, the limit is 1"):
        pmsl.write(job, tmp_path / f"x{(registry.find(name).suffixes or ('',))[0]}", format=name, lossy=True)
    assert not list(tmp_path.iterdir())


def test_the_grid_is_the_finest_over_all_fields(job):
    """No longer that of the first engine: slabs are those of all."""
    grid, (coarse, fine) = job.grid, [e.grid for e in job.engines]
    assert grid.pitch_um.tolist() == [2.0, 2.0] and grid.n_layers == 5
    steps = (fine.origin_um - grid.origin_um) / 2.0
    assert np.array_equal(steps, np.rint(steps))
    for own in (coarse, fine):
        assert (own.origin_um >= grid.origin_um - 1e-6).all()
        assert (own.origin_um + own.size_um <= grid.origin_um + grid.size_um + 1e-6).all()
    assert not job.one_grid and small_job(2).one_grid
    with pytest.raises(ExposureError, match="one engine's pixels and wavelength"):
        pmsl.dose_map(job, job[0])


def test_grids_of_the_same_pixels_span_the_first():
    one = Grid(origin_um=(3, 4), pitch_um=2, shape=(5, 6), z_edges_um=[0, 1])
    assert spanning([one, Grid(origin_um=(3, 4), pitch_um=2, shape=(5, 6), z_edges_um=[0, 1, 2])]) is one


def test_parts_of_one_engine_make_a_job_of_it_alone():
    """A printer of several engines then gives the bytes of one that has only that engine."""
    printer, resin = two_engine_printer(), two_wavelength_resin()
    body, detail = parts_on_both()
    first = pmsl.prepare([body], printer, resin, plain_process())
    assert first.printer == printer.of_engine(COARSE).unmoved() and first.resin == resin.at(405.0)
    assert first.resin.wavelength is first.printer.engine is msgspec.UNSET
    second = pmsl.prepare([detail], printer, resin, plain_process())
    assert second.engines[0].wavelength_nm == 385.0 and second.resin.resin.dp_um.value == 30.0
    assert second[0].exposures[0].engine == 0 and second.parts[0].bounds_um[0][:2] == (20.0, 20.0)


def test_the_shipped_printer_of_two_engines_prints_at_385_and_405_nm():
    """7.6 µm over the plate and 2 µm in its middle, each by the published curve of one resin."""
    middle = [
        pmsl.Part(solid=box((9500, 5900, 0), (9620, 6000, 20))),
        pmsl.Part(solid=box((9700, 6000, 0), (9740, 6040, 20)), engine="fine"),
    ]
    job = pmsl.prepare(middle, "microfluidics-7.6um-2um", "pr48-385-405")
    assert [(e.name, e.wavelength_nm, e.grid.pitch_um[0]) for e in job.engines] == [("visitech", 385.0, 7.6), ("fine", 405.0, 2.0)]
    assert [job.resin_of(i).resin.dp_um.value for i in range(2)] == [39.2, 69.3]
    first, second = job[1].exposures
    assert second.mask.sum_px() == 20 * 20 and first.mask.sum_px() * 7.6**2 == pytest.approx(120 * 100, rel=1e-3)
    assert "printer.optics.irradiance_mw_cm2" in job.placeholders
    coarse, fine = (engine.grid for engine in job.engines)
    assert np.allclose(coarse.origin_um + coarse.size_um / 2, fine.origin_um + fine.size_um / 2)


def test_profiles_of_several_engines_are_read_as_they_are_shown(tmp_path):
    for profile, find in ((two_engine_printer(), pmsl.find_printer), (two_wavelength_resin(), pmsl.find_resin)):
        path = tmp_path / "p.toml"
        path.write_text(template(profile), encoding="utf-8")
        assert find(str(path)) == profile


def test_overlapping_parts_on_two_engines_are_said():
    parts = [pmsl.Part(solid=box((110, 70, 0), (200, 150, 20))), pmsl.Part(solid=box((150, 80, 0), (220, 150, 20)), engine=FINE)]
    found = [f for f in two_engine_job(parts).findings if f.code == "engines-overlap"]
    assert len(found) == 1 and found[0].box_um == ((150.0, 80.0, 0.0), (200.0, 150.0, 20.0))
    assert not any(f.code == "engines-overlap" for f in two_engine_job().findings)


SLIVER = [(0, 0), (40, 3), (40, 3.6)]  # its grays cure nowhere


@pytest.mark.parametrize("origin_um", [(100.0, 60.0), (-37.5, 12.25)])
def test_what_is_said_of_an_engine_stands_where_its_parts_stand(origin_um):
    """Findings and regions of the fine engine are those of its job alone, moved by its origin; they name the engine."""
    x, y = origin_um
    printer = two_engine_printer(origin_um=measured(origin_um))
    resin, process = two_wavelength_resin(), plain_process()
    region = pmsl.Region(solid=box((50, 40, 0), (120, 60, 13)), dose_scale=0.2, label="soft")
    alone = [
        pmsl.Part(solid=prism(np.array(SLIVER) + (60, 80), 0, 25), engine=FINE),
        pmsl.Part(solid=box((60, 30, 0), (100, 60, 25)), regions=(region,), engine=FINE),
    ]
    moved = [dataclasses.replace(part, transform=[[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, 0], [0, 0, 0, 1]]) for part in alone]
    both = pmsl.prepare([pmsl.Part(solid=box((200, 100, 0), (250, 150, 20))), *moved], printer, resin, process)
    own = pmsl.prepare(alone, printer.of_engine(FINE), resin.at(385.0), process)

    def placed(findings, by=(0.0, 0.0), of=""):
        return {
            (f.code, of + f.message, f.layers, None if f.box_um is None else tuple((a + by[0], b + by[1], c) for a, b, c in f.box_um))
            for f in findings
        }

    of = f"engine {FINE}: "
    wanted = placed(own.findings, origin_um, of)
    assert {code for code, *_ in wanted} >= {"facets-off-planes", "weak-layers"}
    assert any(box_um is not None for *_, box_um in wanted)
    assert placed(f for f in both.findings if f.message.startswith(of)) == wanted
    of_layers = [placed(own[k].findings, origin_um, of) for k in range(3)]
    assert [placed(both[k].findings) for k in range(3)] == of_layers and any(of_layers)
    low, high = own.regions[0].bounds_um
    assert both.regions[0].bounds_um == tuple((a + x, b + y, c) for a, b, c in (low, high))


def test_parts_beyond_the_field_of_their_engine_are_refused_where_they_were_put():
    parts = [*parts_on_both(), pmsl.Part(solid=box((250, 90, 0), (270, 100, 10)), label="late", engine=FINE)]
    words = r"engine fine: part late reaches from \(250, 90\) to \(270, 100\) µm, the field of the engine from \(100, 60\) to \(260, 180\)"
    for of in (parts, parts[2:]):  # also where all are on that engine
        with pytest.raises(MeshError, match=words):
            two_engine_job(of)


def test_limits_count_the_light_of_each_engine_by_itself(job):
    """Doses of two wavelengths in one place are not added."""
    most = max(e.dose_mj_cm2 for e in job[0].exposures)
    limits = replace(job.printer.limits, max_dose_mj_cm2=measured(1.01 * most))
    tight = dataclasses.replace(job, printer=replace(job.printer, limits=limits))
    from pmsl.job.consistency import JobCheck

    assert JobCheck(tight).layer(tight[0]) == []


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"resin": replace(two_wavelength_resin(), wavelength=msgspec.UNSET)},
            ExposureError,
            "engine fine exposes at 385 nm.*at 405 nm only",
        ),
        (
            {"parts": [*parts_on_both(), pmsl.Part(solid=box((0, 0, 0), (9, 9, 9)), label="x", engine="red")]},
            UsageError,
            "'red'.*coarse, fine",
        ),
        ({"parts": parts_on_both(fine_box=((20, 80, 0), (200, 150, 50)))}, MeshError, "engine fine: part detail reaches"),
        ({"corrections": ("edges",)}, UsageError, "not offered with corrections"),
        ({"layers": LayerHeights(min_um=5, max_um=20)}, UsageError, "not offered with layer heights that follow"),
        ({"power": 0.5}, UsageError, "engine coarse: process default: power 0.5"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(change, error, words):
    with pytest.raises(error, match=words):
        two_engine_job(**change)


def test_fields_and_depth_are_refused_with_parts_on_several_engines(job):
    with pytest.raises(UsageError, match="coarse, fine"):
        pmsl.prepare(parts_on_both(), two_engine_printer(), two_wavelength_resin(), plain_process(), fields="auto")
    with pytest.raises(UsageError, match="--depth"):
        with_depth(job, 4)


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (Printer, {"engine_name": None}, "needs engine_name"),
        (Printer, {"engine_name": FINE}, "two light engines are called 'fine'"),
        (Printer, {"engine": []}, "engine"),
        (Resin, {"wavelength": "copy"}, "7.5 nm or less apart"),
        (Resin, {"induction": 20.0}, "wavelength 385 nm: induction_mj_cm2 is 20"),
    ],
)
def test_profiles_that_do_not_hold_together_are_refused(kind, change, words):
    table = msgspec.json.decode(msgspec.json.encode(two_engine_printer() if kind is Printer else two_wavelength_resin()))
    if change.get("wavelength") == "copy":
        table["wavelength"].append({**table["wavelength"][0], "wavelength_nm": {**table["wavelength"][0]["wavelength_nm"], "value": 388.0}})
    elif "induction" in change:
        table["wavelength"][0]["induction_mj_cm2"] = {"value": change["induction"], "class": "measured", "source": "x"}
    else:
        table |= change
        table = {key: value for key, value in table.items() if value is not None}
    with pytest.raises(ProfileError, match=words):
        build(table, kind, "p")


def test_a_machine_with_one_engine_is_refused(job):
    machine = pmsl.host.Simulation(job)
    with pytest.raises(PmslError, match="the job has 2 light engine"):
        pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock)


def test_checks_that_need_one_grid_say_that_they_were_left_out(job):
    (left,) = [f for f in pmsl.check(job) if f.code == "checks-left-out"]
    assert "pixels of their own" in left.message
