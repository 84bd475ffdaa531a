"""The two hosts of docs/host.md run as they stand there."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import pmsl
from pmsl.host.record.play_log import read_record

ROOT = Path(pmsl.__file__).resolve().parents[1]


def example(name):
    text = (ROOT / "docs" / "host.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"## {name}\n.*?<!-- run by tests/host/test_docs_hosts.py -->\n```python\n(.*?)```", text, re.S)
    assert 40 <= code.count("\n") <= 75, "about 60 lines"
    return compile(code, name, "exec")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink(ROOT / "sample_meshes", "sample_meshes", target_is_directory=True)


def made_as_it_says():
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    return pmsl.prepare(pmsl.place([pmsl.load_solid("sample_meshes/f_orientation.stl")], printer, resin), printer, resin)


def test_the_host_that_plays_a_written_job(here, capsys):
    pmsl.write(made_as_it_says(), "f.zip")
    names = {}
    exec(example("A host that plays a written job"), names)
    assert (names["status"].state, names["status"].layers_done) == ("done", 20) and 0 <= names["worst"] <= 1e-6
    assert len(read_record(Path("played.jsonl")).lit) == 20
    assert "20/20 layers" in capsys.readouterr().out


def test_the_host_that_slices_while_it_prints(here, capsys):
    names = {}
    exec(example("A host with a loop of its own"), names)
    job, projector, lift = names["job"], names["projector"], names["lift"]
    assert lift.z_um == pytest.approx(200) and capsys.readouterr().out.count("layer ") == 20
    wanted = sum(e.mask.dense(np.uint8)[::-1] / 255 * e.time_s for plan in made_as_it_says().layers() for e in plan.exposures)
    assert job.n_layers == 20 and np.allclose(projector.light_s, wanted, rtol=1e-12)
