"""What `verify` rejects `play` refuses before anything moves, whatever was forged; what is played stays within the machine's limits."""

import copy
import json
import random
import sys
from pathlib import Path

import pytest
from forged_jobs import (
    FACTORS,
    NUMBERS,
    Guarded,
    at,
    copied,
    document,
    number_paths,
    problems_of,
    put,
    refused_or_played_within_limits,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

import pmsl
from pmsl.cli import main
from pmsl.errors import HostError, JobError

ROOT = Path(__file__).parents[2]
CASES = ROOT.parent / "shared" / "cases"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written(tmp_path_factory.mktemp("sound") / "job")


@pytest.fixture(scope="module")
def original(folder):
    return pmsl.read(folder)


def exposure(doc, k=1, j=0):
    return doc["layers"][k]["exposures"][j]


def longer(doc, **changes):
    """Change an exposure, and all that follows from it: dose and estimate."""
    e = exposure(doc)
    before = e["repeat"] * (e["time_s"] + e["wait_before_s"] + e["wait_after_s"])
    e["dose_mj_cm2"] *= changes.get("time_s", e["time_s"]) / e["time_s"]
    e.update(changes)
    doc["estimate"]["print_time_s"] += e["repeat"] * (e["time_s"] + e["wait_before_s"] + e["wait_after_s"]) - before


def many(doc):
    """The same exposure 100 times, each a line of its own."""
    layer, e = doc["layers"][1], exposure(doc)
    doc["estimate"]["print_time_s"] += 100 * e["time_s"]
    layer["exposures"] += [dict(e) for _ in range(100)]


def limits(doc, factor):
    for limit in doc["printer"]["limits"].values():
        limit["value"] *= factor


def edges(doc, change):
    grid = doc["engines"][0]["grid"]
    grid["z_edges_um"] = [change(z) for z in grid["z_edges_um"]]


FORGERIES = {
    "a plane falls back": (lambda d: d["layers"][2].update(z_top_um=0.0), "layer 2: z_top_um 0.0"),
    "a plane is not the grid's": (lambda d: d["layers"][2].update(z_top_um=31.0), "layer 2: z_top_um 31.0"),
    "a plane is beyond all numbers": (lambda d: d["layers"][2].update(z_top_um=1e308), "layer 2: z_top_um"),
    "a thickness is not the grid's": (lambda d: d["layers"][2].update(thickness_um=9.0), "thickness_um 9.0"),
    "edges fall back": (lambda d: d["engines"][0]["grid"].update(z_edges_um=[0, 10, 5, 30]), "strictly increase"),
    "edges begin above the plate": (lambda d: edges(d, lambda z: z + 500), "begin at 500 µm"),
    "edges beyond the travel": (lambda d: d["printer"]["stage"]["travel_um"].update(value=15.0), "the travel of printer pmsl-2um is 15 µm"),
    "a grid that is not the printer's": (
        lambda d: d["engines"][0]["grid"].update(shape=[200, 40]),
        "grid is 40x200 px, the field of printer pmsl-2um 40x24",
    ),
    "a dose is not its time": (lambda d: exposure(d).update(dose_mj_cm2=9.0), "is not time_s"),
    "a time is not its dose": (lambda d: exposure(d).update(time_s=9.0), "is not time_s"),
    "an irradiance is not the doses'": (
        lambda d: d["printer"]["optics"]["settings"][0]["irradiance_mw_cm2"].update(value=1.0),
        "is not time_s",
    ),
    "a longer time, all else fits": (lambda d: longer(d, time_s=500.0), "time_s is 500, the limit of printer pmsl-2um 120"),
    "repeats, all else fits": (lambda d: longer(d, repeat=200), "shown 200 times.*the limit of printer pmsl-2um 120"),
    "repeats beyond all numbers": (lambda d: exposure(d).update(repeat=10**400), "repeat is 1000"),
    "the same light on many lines": (many, "layer 1: its 102 exposures together give a pixel .* s of white, the limit of printer pmsl-2um"),
    "the estimate": (lambda d: d["estimate"].update(print_time_s=1.0), "print_time_s is 1, the layers take"),
    "a repeat the estimate does not have": (lambda d: exposure(d).update(repeat=2), "print_time_s|its doses are not"),
    "a wait of years": (lambda d: longer(d, wait_before_s=1e8), "wait_before_s is 1e.08"),
    "a shift of metres": (lambda d: exposure(d).update(offset_um=[1e9, 0.0]), "offset_um is 1e.09"),
    "a focus of metres": (lambda d: exposure(d).update(focus_um=-1e9), "focus_um is -1e.09"),
    "a power nobody measured": (lambda d: exposure(d).update(power=0.9), "no light setting"),
    "an engine that is not there": (lambda d: exposure(d).update(engine=1), "an engine the job does not have"),
    "another frame's hash": (lambda d: exposure(d).update(file_sha256="0" * 64), "hash"),
    "another mask's hash": (lambda d: exposure(d).update(mask_sha256="0" * 64), "mask hash"),
    "another design's hash": (lambda d: d["design"][0].update(sha256="0" * 64), "its hash is not the one"),
    "a file nobody names": (lambda d: d["layers"][2].update(dose=None), "does not name it"),
    "calibrated, beside placeholders": (lambda d: d.update(calibrated=True), "calibrated is True with 2 placeholders listed"),
    "calibrated, placeholders taken from the list": (lambda d: d.update(calibrated=True, placeholders=[]), "psf.sigma are placeholders"),
    "not calibrated, no placeholder listed": (lambda d: d.update(placeholders=[]), "calibrated is False with 0"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_verify_rejects_is_not_played(folder, original, tmp_path, name):
    edit, words = FORGERIES[name]
    path = copied(folder, tmp_path, edit)
    with pytest.raises(JobError, match=words):
        raise JobError("; ".join(problems_of(path)))
    with pytest.raises(JobError, match=words):
        job = pmsl.read(path)
        machine = Guarded(original, job)
        try:
            pmsl.host.play(job, machine, machine, clock=machine.clock, accept_uncalibrated=True)
        finally:
            assert set(machine.kinds()) == {"dark", "stop"}


@pytest.mark.parametrize("part", ["frames/00001-1.png", "dose/00002.tif", "design/000.ply"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_damaged_files_are_not_played(folder, original, tmp_path, part, damage):
    path = copied(folder, tmp_path, lambda d: None)
    job = pmsl.read(path)
    data = (path / part).read_bytes()
    (path / part).unlink() if damage == "gone" else (path / part).write_bytes(data[: len(data) // 2])
    machine = Guarded(original, job)
    with pytest.raises(JobError, match=part.split("/")[1]):
        pmsl.host.play(job, machine, machine, clock=machine.clock, accept_uncalibrated=True)
    assert set(machine.kinds()) == {"dark", "stop"} and pmsl.verify(path)


def test_the_sound_job_is_played(folder, original):
    assert refused_or_played_within_limits(folder, original)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: longer(d, time_s=500.0), "exposure time is 500 s; the engine allows more than 0 and at most 120 s"),
        (lambda d: longer(d, repeat=200), "engine 0 would be lit for .* s; it allows 120 s in one layer"),
    ],
)
def test_an_engines_own_limits_win_over_the_jobs(folder, original, tmp_path, edit, words):
    """A forged job may allow itself anything: its printer profile is part of it."""
    path = copied(folder, tmp_path, lambda d: (limits(d, 1e9), edit(d), [layer.update(dose=None) for layer in d["layers"]]))
    for file in (path / "dose").iterdir():
        file.unlink()
    assert pmsl.verify(path) == []
    job = pmsl.read(path)
    machine = Guarded(original, job)
    with pytest.raises(HostError, match=words):
        pmsl.host.play(job, machine, machine, clock=machine.clock, accept_uncalibrated=True)
    assert set(machine.kinds()) == {"dark", "stop"}


def test_a_job_of_another_format_is_held_to_what_verify_finds_in_its_file(folder, tmp_path):
    pmsl.write(pmsl.read(folder), tmp_path / "j.nanodlp", format="nanodlp", lossy=True)
    job = pmsl.read(tmp_path / "j.nanodlp")
    data = bytearray((tmp_path / "j.nanodlp").read_bytes())
    data[len(data) // 3] ^= 16
    (tmp_path / "j.nanodlp").write_bytes(data)
    machine = Guarded(pmsl.read(folder), job)
    machine.max_layer_s = machine.max_exposure_s = 1e6
    with pytest.raises(JobError):
        pmsl.host.play(job, machine, machine, clock=machine.clock, accept_uncalibrated=True)
    assert set(machine.kinds()) == {"dark", "stop"}


# --- the forged jobs that are given ------------------------------------------------------------------------------


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases")
@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("planes_fall_back", "layer 12: z_top_um 0.0"),
        ("repeat_200", "layer 5: time_s is 1.5509, shown 200 times 310.179, the limit of printer pmsl-2um 120"),
        ("escape_sequences", None),
    ],
)
def test_jobs_that_were_forged_once(tmp_path, monkeypatch, capsys, case, words):
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    mesh = pmsl.load_solid(ROOT / "sample_meshes/f_orientation.stl", unit="mm")
    pmsl.write(pmsl.prepare(pmsl.place([mesh], printer, resin), printer, resin), tmp_path / "job")
    (tmp_path / "job" / "job.json").write_bytes((CASES / f"{case}.job.json").read_bytes())
    said = {}
    for command in ("verify", "play"):
        monkeypatch.setattr(sys, "argv", ["pmsl", command, str(tmp_path / "job")])
        code = main()
        said[command] = "".join(capsys.readouterr())
        assert code == (0 if words is None else 3), said
        assert not any(ord(c) < 32 and c != "\n" for c in said[command])
    for text in said.values() if words else ():
        assert words in text


def test_a_name_that_a_terminal_would_obey_is_spelled_out(folder, tmp_path, monkeypatch, capsys):
    name = "\x1b]0;mine\x07\x1b[31m\x9bred\r\u202e"

    def edit(doc):
        longer(doc, repeat=200)
        doc["printer"]["name"] = name

    path = copied(folder, tmp_path, edit)
    for command in ("verify", "play"):
        monkeypatch.setattr(sys, "argv", ["pmsl", command, str(path)])
        assert main() == 3
        said = "".join(capsys.readouterr())
        assert r"printer \x1b]0;mine\x07\x1b[31m\x9bred\r\u202e 120" in said and not set(name) & set(said) - set("0;mine[31mred]")


# --- every number of a job ---------------------------------------------------------------------------------------


@settings(max_examples=examples(15))
@given(data=st.data())
def test_whatever_number_is_forged_the_job_is_refused_or_played_within_the_limits(folder, original, tmp_path_factory, data):
    doc = document(folder)
    paths = list(number_paths(doc))
    light = [p for p in paths if p[0] in ("layers", "engines", "estimate") or "limits" in p or "settings" in p or "stage" in p]
    for path in data.draw(st.lists(st.sampled_from(light), min_size=1, max_size=2, unique=True), label="where"):
        scaled = [factor * at(doc, path) for factor in FACTORS]
        put(doc, path, data.draw(st.sampled_from([*NUMBERS, *scaled]), label="to"))
    forged = tmp_path_factory.mktemp("fuzz") / "job"
    forged.mkdir()
    for name in ("frames", "dose", "design"):
        (forged / name).symlink_to(folder / name, target_is_directory=True)
    (forged / "job.json").write_text(json.dumps(doc))
    refused_or_played_within_limits(forged, original)


@pytest.mark.slow
def test_all_numbers_forged_many_ways(folder, original, tmp_path):
    """Each number of the document by itself to each value, then pairs and triples at random; sound jobs among them are played."""
    sound, rng, played = document(folder), random.Random(18), 0
    path = copied(folder, tmp_path, lambda d: None)
    paths = list(number_paths(sound))
    cases = [[(p, v)] for p in paths for v in (*NUMBERS, *(f * at(sound, p) for f in FACTORS))]
    rng.shuffle(cases)
    cases = cases[:6000] + [[(rng.choice(paths), rng.choice(NUMBERS)) for _ in range(rng.choice((2, 3)))] for _ in range(2000)]
    for case in cases:
        doc = copy.deepcopy(sound)
        for where, value in case:
            put(doc, where, value)
        (path / "job.json").write_text(json.dumps(doc))
        played += refused_or_played_within_limits(path, original)
    assert 0 < played < len(cases) / 2, f"{played} of {len(cases)} were played"
