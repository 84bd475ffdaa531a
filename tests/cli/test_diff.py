"""``pmsl diff``: exit codes, words, JSON, pictures."""

import json

import numpy as np
import pytest
from jobs_of_arrays import job_of

import pmsl


@pytest.fixture
def pair(tmp_path):
    levels = np.zeros((3, 20, 30), np.uint8)
    levels[:, 4:12, 5:20] = 255
    for name, value in (("a", 255), ("b", 55)):
        levels[1, 6, 7] = value
        pmsl.write(job_of(levels.copy(), [1.0, 2.0, 2.0]), tmp_path / name, format="nanodlp", lossy=True)
    return tmp_path


def test_exit_codes_and_words(run, pair):
    code, out, _ = run("diff", pair / "a", pair / "a")
    assert code == 0 and "alike" in out
    code, out, err = run("diff", pair / "a", pair / "b", "--pictures", pair / "out")
    assert code == 4 and "light" in out and "layer 1" in out and "1 px differ" in out and "note:" in err
    assert (pair / "out" / "diff-layer-00001.png").is_file()
    code, _, err = run("diff", pair / "a", pair / "b", "--pictures", pair / "out")
    assert code == 2 and "--force" in err
    assert run("diff", pair / "a", pair / "b", "--pictures", pair / "out", "--force")[0] == 4
    assert run("diff", pair / "a", pair / "b", "--tolerance-dose", "0.8")[0] == 0
    assert run("diff", pair / "a", pair / "b", "--kind", "motion", "--kind", "times")[0] == 0
    assert run("diff", pair / "a", pair / "b", "--kind", "colour")[0] == 2
    assert run("diff", pair / "a", pair / "none")[0] == 3


def test_json(run, pair):
    code, out, _ = run("diff", pair / "a", pair / "b", "--json")
    said = json.loads(out)
    assert code == 4 and said["alike"] is False and said["light"][0]["layer"] == 1 and said["light"][0]["n_px"] == 1
    assert said["light"][0]["share"] == pytest.approx(200 / 255) and [one["kind"] for one in said["differences"]] == ["light"]
    code, out, _ = run("diff", pair / "a", pair / "a", "--json")
    assert code == 0 and json.loads(out)["alike"] is True


def test_a_folder_for_pictures_is_refused_before_anything_is_compared(run, pair, monkeypatch):
    from pmsl.report.difference import job_diff

    def compared(*_, **__):
        raise AssertionError("compared")

    monkeypatch.setattr(job_diff, "diff", compared)
    (pair / "file").write_text("text")
    for path in ("file", "file/below/it"):
        code, _, err = run("diff", pair / "a", pair / "b", "--pictures", pair / path, "--force")
        assert code == 2 and "is no folder" in err
    assert (pair / "file").read_text() == "text"


def test_pictures_of_an_earlier_comparison_go_and_nothing_else(run, pair):
    out = pair / "out"
    out.mkdir()
    for name in ("diff-layer-00007.png", "diff-layer-00001.png", "diff-layer-mine.png", "notes.txt"):
        (out / name).write_text("old")
    assert run("diff", pair / "a", pair / "b", "--pictures", out, "--force")[0] == 4
    assert sorted(p.name for p in out.iterdir()) == ["diff-layer-00001.png", "diff-layer-mine.png", "notes.txt"]
    assert run("diff", pair / "a", pair / "a", "--pictures", out, "--force")[0] == 0
    assert sorted(p.name for p in out.iterdir()) == ["diff-layer-mine.png", "notes.txt"]


def test_words_tell_values_apart_and_say_of_what_a_share_is(run, pair):
    from pmsl.cli.commands.diff import _layers, _values

    assert _values(1.5, 2.5) == "1.5 → 2.5" and _values(None, 2) == "nothing → 2"
    assert _values(15.509, 15.5090001) == "15.509 → 15.5090001" and _values(0.1, 0.1 + 1e-13) != "0.1 → 0.1"
    assert [_layers((3, 3), 1), _layers((1, 3), 3), _layers((1, 9), 3)] == ["layer 3", "layers 1 to 3", "3 layers between 1 and 9"]
    levels = np.zeros((3, 20, 30), np.uint8)
    levels[:, 4:12, 5:20] = 255
    pmsl.write(job_of(levels, [1.0, 2.0, 2.0], pitch_um=(15.0, 5.0)), pair / "c", format="nanodlp", lossy=True)
    code, out, err = run("diff", pair / "a", pair / "c", "--kind", "light", "--pictures", pair / "pictures")
    assert code == 4 and "µm², 50 % of the area; in layers 0 to 2" in out and "of white" not in out
    assert "no picture shows them" in err and not (pair / "pictures").exists()
