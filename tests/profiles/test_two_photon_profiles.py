"""Profiles of two-photon writing: shipped ones say what is a guess; what cannot be is refused with what, where, and the limit."""

import msgspec
import pytest
import two_photon_jobs as jobs
from solids import box

import pmsl
from pmsl.errors import ExposureError, MeshError, PmslError, ProfileError
from pmsl.pipeline.two_photon import place_two_photon
from pmsl.profiles import (
    find_two_photon_printer,
    find_two_photon_process,
    find_two_photon_resin,
    library,
    library_template,
    library_text,
    two_photon_library,
)
from pmsl.profiles.tables.keys import documented, keys_of_struct
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Value

FIND = {"printer": find_two_photon_printer, "resin": find_two_photon_resin, "process": find_two_photon_process}
SHIPPED = [(kind, name) for kind, names in two_photon_library().items() for name in names]


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_template_is_its_profile_and_names_every_key(kind, name):
    profile = FIND[kind](name)
    text = library_template(name)
    assert parse(text, type(profile), "template") == profile and profile.name == name
    for key in keys_of_struct(type(profile.two_photon)):
        assert key.name in text and len(documented(type(profile.two_photon))[key.name][0]) > 10
    with pytest.raises(ProfileError, match=r"writes voxels with two photons and has no frames.*gwl and voxel-npy"):
        getattr(pmsl, f"find_{kind}")(name)


def test_projectors_are_no_writers():
    for kind, names in library().items():
        with pytest.raises(ProfileError, match=r"has no table \[two_photon\]"):
            FIND[kind](names[0])
    assert not {n for names in library().values() for n in names} & {n for names in two_photon_library().values() for n in names}


def test_what_nobody_measured_says_so():
    """The machine is a placeholder throughout; of the resins only what stands in print is published."""
    printer = find_two_photon_printer("two-photon-63x")
    values = [getattr(printer.two_photon, key.name) for key in keys_of_struct(type(printer.two_photon))]
    assert {value.class_ for value in values} == {"placeholder"} and "laceholder" in printer.description
    for name in two_photon_library()["resin"]:
        window = find_two_photon_resin(name).two_photon
        published = {
            key.name
            for key in keys_of_struct(type(window))
            if isinstance(v := getattr(window, key.name), Value) and v.class_ == "published"
        }
        assert {"wavelength_nm", "exponent"} <= published and not published & {"threshold_mw", "burn_mw", "speed_um_s"}


def edited(name, old, new):
    text = library_text(name)
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "ip-dip-780",
            "value = 12.0",
            "value = 21.5",
            r"threshold_mw is 21\.5, burn_mw 40 × burn_overlap 0\.53: nothing is written between",
        ),
        ("sz2080-780", "value = 12.0", "value = 40.0", r"threshold_mw is 40, burn_mw 40: nothing"),
        ("sz2080-780", "value = 12.0", "value = -1.0", r"threshold_mw\.value.*> 0"),
        (
            "two-photon",
            "slice_um = 0.3",
            "slice_um = 0.3\nblock_um = 5.0\noverlap_um = 5.0",
            r"overlap_um is 5, block_um 5: blocks must share",
        ),
        ("two-photon", "slice_um = 0.3", "slice_um = 0.3\nbase_dose_factors = [[1.0, 0.8], [1.0, 1.0]]", r"1 µm comes after 1 µm; heights"),
        ("two-photon", "hatch_um", "hatch", r"unknown key 'hatch' in \[two_photon\]; did you mean 'hatch_um'"),
        ("two-photon", "power_mw = 18.0", "", r"key 'power_mw' is missing"),
        ("two-photon", "slice_um = 0.3", 'slice_um = 0.3\nz_drive = "motor"', r"z_drive: expected 'piezo' or 'stage'"),
        ("two-photon", "slice_um = 0.3", "slice_um = nan", r"slice_um"),
        ("two-photon", "process/2", "process/1", r"process/1"),
        ("two-photon-63x", "field_um = {", "field = {", r"did you mean 'field_um'"),
    ],
)
def test_a_bad_file_gets_one_clear_error(tmp_path, name, old, new, said):
    path = tmp_path / "mine.toml"
    path.write_text(edited(name, old, new), encoding="utf-8")
    kind = next(kind for kind, names in two_photon_library().items() if name in names)
    with pytest.raises(ProfileError, match=said):
        FIND[kind](path)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"block_um": 150.0}, ProfileError, r"block_um is 150, the field of printer two-photon-63x 140 µm wide; make block_um at most"),
        (
            {"block_um": 139.0, "stagger_um": 0.4},
            ProfileError,
            r"block_um is 139 and its seams move 1\.2 µm \(stagger_um\), the field .* 140 µm",
        ),
        ({"stagger_um": 50.0}, ProfileError, r"stagger_um is 50: seams that move 150 µm leave nothing of the field"),
        ({"overlap_um": 140.0}, ProfileError, r"overlap_um is 140, a block 140 µm wide"),
        ({"hatch_um": 1e-3}, ProfileError, r"two_photon.hatch_um is 0\.001 µm; at least .* µm is offered, a hundredth of the focus"),
        ({"slice_um": 1e-3}, ProfileError, r"two_photon.slice_um is 0\.001 µm; at least .* µm is offered"),
        ({"power_mw": 51.0}, ProfileError, r"power_mw is 51, the limit of printer two-photon-63x 50 mW"),
        ({"speed_um_s": 2e5}, ProfileError, r"speed_um_s is 200000, the limit of printer two-photon-63x 100000 µm/s"),
        ({"power_mw": 11.0}, ExposureError, r"slice 0 is written with 11 mW, the resin cures above 12 mW at 10000 µm/s: nothing"),
        ({"speed_um_s": 4e4}, ExposureError, r"the resin cures above 24 mW at 40000 µm/s"),
        ({"base_dose_factors": ((0.0, 0.4), (9.0, 1.0))}, ExposureError, r"slice 0 is written with 11\.\d+ mW, the resin"),
        ({"base_dose_factors": ((0.0, 9.0),)}, ExposureError, r"base_dose_factors ask for 54 mW in slice 0, the limit"),
        ({"resin": jobs.resin(wavelength_nm=532.0)}, ExposureError, r"powers hold at 532 nm, printer two-photon-63x writes at 780 nm"),
        ({"printer": jobs.printer(piezo_um=5.0)}, MeshError, r"part is 8\.1 µm high, the piezo of printer two-photon-63x moves 5 µm"),
    ],
)
def test_what_does_not_go_together_gets_one_clear_error(how, error, said):
    with pytest.raises(error, match=said):
        jobs.job(**how)


def test_blocks_are_no_farther_apart_than_the_stage_goes():
    def stage(travel):
        xy = (
            msgspec.UNSET if travel is None else msgspec.structs.replace(jobs.PRINTER.stage.xy, travel_um=Value(travel, "measured", "test"))
        )
        return msgspec.structs.replace(jobs.PRINTER, stage=msgspec.structs.replace(jobs.PRINTER.stage, xy=xy))

    assert len(jobs.job(block_um=5.0, printer=stage((5.0, 5.0))).blocks) == 4 and len(jobs.job(printer=stage(None)).blocks) == 1
    with pytest.raises(MeshError, match=r"4 blocks of 5 µm, 5 µm apart along y; the stage of printer two-photon-63x moves 4.9 µm"):
        jobs.job(block_um=5.0, printer=stage((5.0, 4.9)))
    with pytest.raises(MeshError, match=r"does not move along it \(\[stage\.xy\]\)"):
        jobs.job(block_um=5.0, printer=stage(None))


def test_the_stage_moves_what_the_piezo_cannot():
    assert jobs.job(printer=jobs.printer(piezo_um=5.0), z_drive="stage").n_layers == 27


def codes(**how):
    return [f.code for f in jobs.job(**how).findings if f.code != "not-calibrated"]


def test_what_is_only_doubtful_is_found():
    assert codes() == []
    assert codes(slice_um=0.6) == ["slice-above-voxel"]
    assert codes(hatch_um=0.3) == ["hatch-above-voxel"]
    assert codes(power_mw=21.3) == ["power-above-burning"]
    assert codes(base_dose_factors=((0.0, 1.5), (4.0, 1.0))) == ["power-above-burning"]
    (found,) = [f for f in jobs.job(slice_um=0.6).findings if f.code == "slice-above-voxel"]
    assert found.value == 0.6 and found.limit == pytest.approx(0.632 * 0.9005, rel=1e-3)
    (burnt,) = [f for f in jobs.job(base_dose_factors=((0.0, 1.5), (4.0, 1.0))).findings if f.severity == "error"]
    assert burnt.layers is not None and burnt.layers[0] == 0 and burnt.layers[1] < 5
    measured = jobs.printer(spot_um=(0.264, 0.632), max_power_mw=50.0), jobs.resin(threshold_mw=12.0, burn_mw=40.0, speed_um_s=1e4)
    job = jobs.job(printer=measured[0], resin=measured[1])
    assert job.calibrated and job.findings == ()


def test_parts_that_cannot_be_written_are_refused():
    low = box((0.0, 0.0, -1.0), (5.0, 5.0, 1.0))
    with pytest.raises(MeshError, match="1 µm below the substrate"):
        jobs.job(low)
    with pytest.raises(MeshError, match="no part to write"):
        pmsl.prepare_two_photon([], jobs.PRINTER, jobs.RESIN, jobs.PROCESS)
    with pytest.raises(MeshError, match="doses of its own"):
        part = pmsl.Part(solid=jobs.SPHERE, label="a", dose_scale=2.0)
        pmsl.prepare_two_photon([part], jobs.PRINTER, jobs.RESIN, jobs.PROCESS)


def test_placed_parts_lie_on_the_lattice_scaled_for_shrinkage():
    resin = jobs.resin(shrinkage=(0.1, 0.0, 0.0))
    placed = place_two_photon([box((0.0, 0.0, 5.0), (9.0, 9.0, 9.0))], jobs.PRINTER, resin, jobs.PROCESS)
    low, high = placed.bounds_um
    assert (high - low).tolist() == pytest.approx([10.0, 9.0, 4.0]) and low[2] == 0.0
    assert (low[:2] / 0.2).tolist() == pytest.approx((low[:2] / 0.2).round().tolist(), abs=1e-6)
    job = pmsl.prepare_two_photon(placed, jobs.PRINTER, resin, jobs.PROCESS)
    assert job.grid.shape == (45, 50) and job.provenance.shrinkage == (0.1, 0.0, 0.0)
    small = msgspec.structs.replace(jobs.PRINTER, stage=msgspec.structs.replace(jobs.PRINTER.stage, xy=msgspec.UNSET))
    with pytest.raises(PmslError, match="the field 0.14 × 0.14 mm"):
        place_two_photon([box((0.0, 0.0, 0.0), (150.0, 9.0, 9.0))], small, resin, jobs.PROCESS)
