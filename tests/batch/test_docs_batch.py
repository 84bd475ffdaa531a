"""The batch of README and docs/floor.md, docs/night.toml, runs as it stands there."""

import os
import shutil

import pytest
from batched import ROOT, outcomes, ran
from doc_pages import blocks_of

import pmsl


@pytest.fixture
def file(tmp_path):
    os.symlink(ROOT / "sample_meshes", tmp_path / "sample_meshes", target_is_directory=True)
    (tmp_path / "docs").mkdir()
    return shutil.copy(ROOT / "docs" / "night.toml", tmp_path / "docs")


def test_the_page_shows_the_file():
    (shown,) = [block.code for block in blocks_of("docs/floor.md") if block.lang == "toml" and "pmsl.batch" in block.code]
    assert shown == (ROOT / "docs" / "night.toml").read_text(encoding="utf-8")


def test_the_batch_of_the_docs(file, tmp_path):
    code, events, err = ran(file, "--jobs", 2, "--memory", "8GB")
    assert code == 0, err
    names = ["gyroid.zip", *(f"ladder_layer_um={h}_ec_mj_cm2={ec}" for h in (10, 20) for ec in (8, 12))]
    assert sorted(outcomes(events)) == sorted(names)
    assert sorted(p.name for p in (tmp_path / "night").iterdir() if not p.name.startswith(".")) == sorted([*names, "batch-summary.csv"])
    job = pmsl.read(tmp_path / "night" / names[-1])
    assert (job.n_layers, job.resin.resin.ec_mj_cm2.value, job.printer.name) == (10, 12, "pmsl-10um")
    slow, fast = (outcomes(events)[f"ladder_layer_um=10_ec_mj_cm2={ec}"]["print_time_s"] for ec in (12, 8))
    assert slow > fast
    code, events, err = ran(file, "--dry-run")
    assert code == 0 and len(outcomes(events)) == 0, err
