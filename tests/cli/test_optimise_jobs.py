"""Jobs with levels solved together: by command line, process and Python; what they say, and what is refused."""

import json

import numpy as np
import pytest
from forward_model import stated
from msgspec.structs import replace

import pmsl
from pmsl.errors import ExposureError, ProfileError, UsageError
from pmsl.profiles import Process
from pmsl.profiles.tables.schema import parse

SMALL = ("--printer", "pmsl-2um", "--accept-uncalibrated")


@pytest.fixture
def mine(tmp_path):
    """A resin that states its memory."""
    text = pmsl.profiles.library_text("pr48-405")
    assert "\n[resin]\n" in text
    memory = 'memory = { value = "enclosed", class = "placeholder", source = "test" }'
    (tmp_path / "mine.toml").write_text(text.replace("\n[resin]\n", f"\n[resin]\n{memory}\n"))
    return str(tmp_path / "mine.toml")


def cut_block():
    """A block on the plate with corners anywhere in pixels."""
    from solids import prism

    return prism(np.array([(3.3, 2.1), (17.9, 6.2), (13.8, 20.8), (-0.8, 16.7)]) + 3, 0, 40)


def prepared(corrections, resin, **more):
    process = replace(pmsl.find_process("default"), corrections=corrections, **more)
    printer = pmsl.find_printer("pmsl-2um")
    return pmsl.prepare(pmsl.place([cut_block()], printer, resin), printer, resin, process, accept_uncalibrated=True)


def stating():
    base = pmsl.find_resin("pr48-405")
    return replace(base, resin=replace(base.resin, memory=stated("enclosed")))


@pytest.fixture
def uneven(tmp_path):
    """A printer whose field is darker toward its corners."""
    text = pmsl.profiles.library_text("pmsl-2um")
    field = 'vignetting = { value = 0.2, class = "placeholder", source = "test" }'
    (tmp_path / "uneven.toml").write_text(f"{text}\n[optics.flat_field]\n{field}\n")
    return str(tmp_path / "uneven.toml")


def test_the_command_line_makes_such_a_job_and_info_says_so(run, samples, mine, uneven, tmp_path):
    profiles = ("--resin", mine, "--printer", uneven, "--accept-uncalibrated")
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "job", *profiles, "--correct", "flatfield,optimise")
    assert code == 0, err
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert doc["schema"] == "pmsl.job/2" and doc["process"]["schema"] == "pmsl.process/2" and doc["requires"] == []
    assert doc["correction"]["names"] == ["flatfield", "optimise"] == doc["process"]["corrections"]
    found = [f for f in doc["findings"] if f["code"] == "optimised-walls"] or [
        f for layer in doc["layers"] for f in layer.get("findings", []) if f["code"] == "optimised-walls"
    ]
    assert found and all(0 < f["value"] < 0.1 and f["unit"] == "px" for f in found)
    code, out, _ = run("info", "job")
    assert code == 0 and "corrected flatfield, optimise" in out and "levels near corners and small features solved again" in out
    assert pmsl.read("job").correction.names == ("flatfield", "optimise")


def test_walls_alone_need_no_memory_and_both_do(run, samples):
    words = ("slice", samples / "f_orientation.stl", "-o", "job", "--force", "--resin", "pr48-405", *SMALL, "--correct")
    code, _, err = run(*words, "optimise")
    assert code == 3 and "correct optimise: resin pr48-405 does not state its memory" in err
    assert run(*words, "edges,optimise")[0] == 0
    code, _, err = run(*words, "optimize")
    assert code == 2 and "choose from edges, printthrough, flatfield, robust, optimise" in err


def test_a_batch_takes_it(run, samples, mine, tmp_path):
    part, out = samples / "f_orientation.stl", tmp_path / "out"
    (tmp_path / "b.toml").write_text(
        f'schema = "pmsl.batch/1"\nout = {str(out)!r}\n[defaults]\nprinter = "pmsl-2um"\nresin = {mine!r}\naccept_uncalibrated = true\n'
        f'correct = "optimise"\n[[job]]\nname = "part"\nmeshes = [{str(part)!r}]\n'
    )
    code, said, err = run("batch", "b.toml")
    assert code == 0, said + err
    assert pmsl.read(out / "part").process.corrections == ("optimise",)


def test_a_process_of_version_1_does_not_have_it():
    text = pmsl.profiles.library_text("default").replace("layer_um = 10.0", 'layer_um = 10.0\ncorrections = ["optimise"]')
    with pytest.raises(ProfileError, match=r"optimise among corrections came with pmsl\.process/2; write schema"):
        parse(text, Process, "a.toml")
    assert parse(text.replace("process/1", "process/2"), Process, "a.toml").schema == "pmsl.process/2"


def test_jobs_without_it_are_as_before():
    job = prepared(("edges", "printthrough"), stating())
    assert job.process.schema == "pmsl.process/1"
    assert not [f for k in range(job.n_layers) for f in job[k].findings if f.code.startswith("optimise")]


def test_what_it_cannot_be_combined_with_is_refused():
    with pytest.raises(UsageError, match="optimise solves levels one by one"):
        prepared(("optimise",), stating(), relief_layers=5)
    with pytest.raises(ValueError, match="corrections name optimise, which solves for the resin as given, and robust"):
        prepared(("edges", "robust", "optimise"), stating())
    with pytest.raises(ValueError, match=r"xy_offset_um moves the walls that corrections \(optimise\) place"):
        prepared(("optimise",), stating(), xy_offset_um=2.0)
    scattering = stating()
    scattering = replace(scattering, resin=replace(scattering.resin, scatter_um=stated(3.0)))
    with pytest.raises(ExposureError, match="optimise reckons with light of one spot at all depths, near by, not with scatter_um = 3"):
        prepared(("optimise",), scattering)


def test_layers_in_any_order_and_flat_field_apart():
    job, again = prepared(("optimise",), stating()), prepared(("optimise",), stating())
    upward = [job[k].exposures[0].mask.dense(np.uint8) for k in range(job.n_layers)]
    for k in reversed(range(job.n_layers)):
        assert np.array_equal(again[k].exposures[0].mask.dense(np.uint8), upward[k])
    closed = prepared(("edges", "printthrough"), stating())
    assert any(not np.array_equal(closed[k].exposures[0].mask.dense(np.uint8), upward[k]) for k in range(job.n_layers))
