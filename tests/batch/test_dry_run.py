"""A dry run refuses what the run refuses: target, preview, format, findings, folder."""

import numpy as np
import pytest
from solids import box

import pmsl
from pmsl.batch import read_batch, scheduler
from pmsl.errors import OutputError

HEAD = 'schema = "pmsl.batch/1"\nout = "{out}"\n[defaults]\nmeshes = ["{mesh}"]\nprinter = "pmsl-2um"\nresin = "pr48-405"\n'
TWO_JOBS = '[[job]]\nname = "a"\n{}\n[[job]]\nname = "fine"\n'


def batch_of(tmp_path, samples, jobs, out="out", mesh=None):
    file = tmp_path / "b.toml"
    file.write_text(HEAD.format(out=out, mesh=mesh or samples / "f_orientation.stl") + jobs)
    return read_batch(file)


def outcomes(summary):
    return {o.name: (o.state, o.exit_code) for o in summary.outcomes}


def alike(batch):
    """Outcomes of a dry run, which are those of the run that follows."""
    before = outcomes(scheduler.plan(batch, workers=1))
    assert not batch.out.exists() or not list(batch.out.glob("[!.]*"))
    after = outcomes(scheduler.run(batch, workers=1))
    assert before == after
    return after


KEYS = {
    'preview = "out/no/sheet.png"': ("refused", 3),
    'fail_on = "warning"': ("findings", 4),
    "layer_um = 500": ("refused", 3),
    'format = "goo"': None,
    'format = "ctb"\ncoverage = "volume"': None,
    'correct = "edges"': ("refused", 3),
}
MORE_KEYS = {
    'preview = "out/sheet.jpg"': ("refused", 3),
    'preview = "out/sheet.png"': ("done", 0),
    'fail_on = "info"': ("findings", 4),
    "layer_um = 0.01": ("refused", 3),
    'scale = "1,1,0.001"': ("refused", 3),
    'format = "sl1-prusa"': None,
    'format = "goo"\nlossy = true': ("done", 0),
    'format = "byu"\ndose = true': None,
    'at = "1e9,0"': ("refused", 3),
}


def test_jobs_are_refused_before_and_after(samples, tmp_path):
    jobs = "".join(f'[[job]]\nname = "{i}"\n{keys}\n' for i, keys in enumerate(KEYS)) + '[[job]]\nname = "fine"\n'
    found = alike(batch_of(tmp_path, samples, jobs))
    outcome_of = {name.partition(".")[0]: outcome for name, outcome in found.items()}
    assert len(outcome_of) == len(KEYS) + 1 and outcome_of["fine"] == ("done", 0)
    for i, outcome in enumerate(KEYS.values()):
        assert outcome is None or outcome_of[str(i)] == outcome


@pytest.mark.slow
@pytest.mark.parametrize(("keys", "outcome"), (KEYS | MORE_KEYS).items())
def test_one_job_of_two_is_refused_before_and_after(keys, outcome, samples, tmp_path):
    found = alike(batch_of(tmp_path, samples, TWO_JOBS.format(keys)))
    (name,) = set(found) - {"fine"}
    assert found["fine"] == ("done", 0) and (outcome is None or found[name] == outcome)


def test_findings_of_layers_that_are_not_tried(tmp_path, samples):
    """A gap of three layers far up in a part of 300, in a batch that wants no warning."""
    parts = [box((100, 100, 0), (300, 300, 1410)), box((100, 100, 1443), (300, 300, 3000))]
    mesh = tmp_path / "gap.stl"
    triangles = np.concatenate([solid.vertices_um[solid.faces] for solid in parts]) / 1000
    record = np.zeros(len(triangles), np.dtype([("normal", "<f4", 3), ("corners", "<f4", 9), ("attribute", "<u2")]))
    record["corners"] = triangles.reshape(-1, 9)
    mesh.write_bytes(bytes(80) + np.uint32(len(triangles)).tobytes() + record.tobytes())
    calibrated = pmsl.profiles.library_text("pmsl-2um").replace('"placeholder"', '"measured"')
    (tmp_path / "p.toml").write_text(calibrated)
    text = 'printer = "p.toml"\nfail_on = "{}"\n'
    jobs = "".join(f'[[job]]\nname = "{word}"\n' + text.format(word) for word in ("warning", "error"))
    assert alike(batch_of(tmp_path, samples, jobs, mesh=mesh)) == {"warning": ("findings", 4), "error": ("done", 0)}


def test_an_out_folder_that_cannot_be_made(samples, tmp_path):
    (tmp_path / "file").write_text("")
    batch = batch_of(tmp_path, samples, TWO_JOBS.format(""), out="file/out")
    for act in (scheduler.plan, scheduler.run):
        with pytest.raises(OutputError, match="cannot be made"):
            act(batch, workers=1)


def test_targets_that_are_there(samples, tmp_path):
    batch = batch_of(tmp_path, samples, TWO_JOBS.format(""))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("mine")
    for force in (False, True):
        found = outcomes(scheduler.plan(batch, workers=1, force=force))
        assert found == {"a": ("refused", 3), "fine": ("done", 0)}
    assert outcomes(scheduler.run(batch, workers=1, force=True)) == found
