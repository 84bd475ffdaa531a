"""A printer that states a distortion on the command line: slice, verify, info, diff, simulate, check, report, play."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pmsl.profiles.distortion.field_map import CHORD_PX
from pmsl.profiles.tables.template import template
from tests.distortion_oracle import Formulas, distorted
from tests.fields.test_fields_through_doors import write_slab

KEYSTONE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.02, 0.01)
SHAPE = (60, 80)
RIGHT = Formulas((80 * 2.0, 60 * 2.0), keystone=KEYSTONE, radial=(4e-3, 0.0))


def test_from_a_profile_to_a_page(tmp_path, run):
    (tmp_path / "bent.toml").write_text(template(distorted("pmsl-2um", SHAPE, keystone=KEYSTONE, radial=(4e-3, 0.0))), "utf-8")
    write_slab(tmp_path / "slab.stl", 0.12, 0.08, 0.02)
    own = ["--resin", "pr48-405", "--no-checks"]
    assert run("slice", "slab.stl", "-o", "bent", "--printer", "bent.toml", *own)[0] == 0
    code, _, err = run("slice", "slab.stl", "-o", "plain", "--printer", "pmsl-2um", *own)
    assert code == 0, err
    assert run("verify", "bent")[0] == 0
    said = run("info", "bent")[1]
    assert "distorted radial, keystone: up to " in said and "made up for in the frames to 0.001 px" in said
    facts = json.loads(run("info", "bent", "--json")[1])["distortion"]
    at = np.array([[0.0, 0.0], [160.0, 0.0], [0.0, 120.0], [160.0, 120.0]])
    assert facts["largest_um"] == pytest.approx(np.hypot(*(RIGHT.plate(at) - at).T).max())
    assert facts["chord_px"] == CHORD_PX and "distortion" not in json.loads(run("info", "plain", "--json")[1])
    code, out, _ = run("diff", "bent", "plain")
    assert code == 4 and "optics.distortion.keystone" in out
    assert json.loads(run("simulate", "bent", "--json", "--mesh", "print.stl", "--force")[1])["epe_um"]["lost"] == 0
    assert run("check", "bent", "--fail-on", "error")[0] == 0
    assert run("report", "bent", "-o", "page.html")[0] == 0


def test_a_keystone_that_folds_is_one_line(tmp_path, run):
    text = template(distorted("pmsl-2um", SHAPE, keystone=KEYSTONE))
    (tmp_path / "bad.toml").write_text(text.replace("0.02, 0.01]", "2.0, 0.01]"), "utf-8")
    write_slab(tmp_path / "slab.stl", 0.12, 0.08, 0.02)
    code, _, err = run("slice", "slab.stl", "-o", "job", "--printer", "bad.toml", "--resin", "pr48-405")
    assert code != 0 and "optics.distortion: the map folds: it has a local scale of -" in err and not (tmp_path / "job").exists()
