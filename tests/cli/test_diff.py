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
