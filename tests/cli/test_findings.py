"""``pmsl findings``: the register, a line of it, and near matches."""

import json

import pytest

from pmsl.core.finding_codes import CODES, GROUPS


def test_all_are_listed_by_heading(run):
    code, out, _ = run("findings")
    lines = out.split("\n")
    assert code == 0
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(CODES)
    assert [line for line in lines if line and not line.startswith(" ")] == list(GROUPS)


def test_json_has_all_of_the_register(run):
    code, out, _ = run("findings", "--json")
    wanted = [{"code": name, **known._asdict(), "severities": list(known.severities)} for name, known in CODES.items()]
    assert code == 0 and json.loads(out) == {"findings": wanted}


def test_one_code_with_its_remedy(run):
    known = CODES["open-rows"]
    code, out, _ = run("findings", "open-rows")
    assert code == 0 and out == f"open-rows (warning or error)\n  {known.meaning}\n  {known.remedy}\n"
    code, out, _ = run("findings", "open-rows", "--json")
    assert code == 0 and json.loads(out) == {"code": "open-rows", **known._asdict(), "severities": ["warning", "error"]}


@pytest.mark.parametrize(("typed", "near"), [("open-edge", "open-edges"), ("resintrap", "resin-trap"), ("zzz", "pmsl findings lists all")])
def test_an_unknown_code_is_refused_with_near_ones(typed, near, run):
    code, out, err = run("findings", typed)
    assert code == 2 and out == "" and repr(typed) in err and near in err
