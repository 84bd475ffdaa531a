"""Every finding that can be made is registered, every code that is registered can be made, and documents say what the register says."""

import ast
import json
import re
from dataclasses import replace
from functools import cache

import msgspec
import pytest
from host_doubles import small_job
from sources import FILES, ROOT, tree_of

import pmsl
from pmsl.core.finding import Finding, RecordedFinding
from pmsl.core.finding_codes import CODES, GROUPS, REGISTERED
from pmsl.report.findings_page import findings_page

PREFIXED = {"Change": "repaired-", "note": "repaired-", "loss": "lossy-", "_lose": "lossy-"}  # helpers, and what they put before a word


def name_of(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def calls(tree, *names):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node) in names]


def constants(node):
    """Texts in a piece of source, but for those that something is compared with."""
    if isinstance(node, ast.Compare):
        return set()
    here = {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
    return here.union(*(constants(child) for child in ast.iter_child_nodes(node)))


def patterns(code):
    """Regular expression of the codes that an f-string can give; groups are what it puts in by name."""
    out = ""
    for piece in code.values:
        if isinstance(piece, ast.Constant):
            out += re.escape(piece.value)
        elif isinstance(piece.value, ast.IfExp):
            out += f"(?:{piece.value.body.value}|{piece.value.orelse.value})"
        else:
            out += "([a-z-]+)"
    return out


def floor(path):
    return path.relative_to(ROOT).parts[0]


@cache
def sources():
    return {p: tree_of(p) for p in FILES if "finding_codes" not in p.parts}


@cache
def words_of(path):
    return constants(sources()[path])


@cache
def makers():
    """Calls that make a finding, by file."""
    return {path: made for path, tree in sources().items() if (made := calls(tree, "Finding"))}


@cache
def words_of_floor(name):
    return set().union(*(words_of(path) for path in sources() if floor(path) == name))


@cache
def families(path):
    """Patterns of the codes that a file puts together."""
    return [patterns(k.value) for call in makers()[path] for k in call.keywords if k.arg == "code" and isinstance(k.value, ast.JoinedStr)]


def test_the_package_was_looked_through():
    assert len(makers()) > 30 and len(CODES) > 100


def test_codes_and_severities_in_the_source_are_registered():
    seen = 0
    for path, found in makers().items():
        for call in found:
            keywords = {k.arg: k.value for k in call.keywords}
            if "code" not in keywords or not isinstance(keywords["code"], ast.Constant):
                continue
            for severity in constants(keywords["severity"]):
                seen += 1
                assert (keywords["code"].value, severity) in REGISTERED, f"{path}:{call.lineno}"
        for call in calls(sources()[path], "_finding"):
            words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if path.name != "unit_checks.py" and words and isinstance(call.args[0], ast.Constant):
                assert words[0] in CODES, f"{path}:{call.lineno}"
    assert seen > 60


def test_micrometres_are_spelled_one_way():
    units = {k.value.value for found in makers().values() for call in found for k in call.keywords if k.arg == "unit" if constants(k.value)}
    assert {"µm", "µm²", "µm³"} <= units
    assert not [unit for unit in units if re.search(r"\bum[23]?\b", unit)]


def test_words_that_get_a_prefix_are_registered():
    seen = set()
    for path, tree in sources().items():
        for call in calls(tree, *PREFIXED):
            first = next((a for a in call.args if not isinstance(a, ast.Name)), None)
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and path.parts[len(ROOT.parts)] in ("mesh", "formats"):
                code = PREFIXED[name_of(call)] + first.value.replace("_", "-")
                assert code in CODES, f"{path}:{call.lineno}: {code}"
                seen.add(code)
    from pmsl.formats.adapt.adapt import NEUTRAL

    seen |= {"lossy-" + field.replace("_", "-") for field in NEUTRAL if field != "offset_um"}  # which is refused
    assert seen == {code for code in CODES if code.startswith(("repaired-", "lossy-"))}


def can_be_raised(code):
    for path in makers():
        if code in words_of(path):
            return True
        words = words_of_floor(floor(path))
        for match in (re.fullmatch(family, code) for family in families(path)):
            if match and all(word in words or word.replace("-", "_") in words for word in match.groups()):
                return True
    return False


def test_every_code_can_be_raised():
    assert not [code for code in CODES if not can_be_raised(code)], "nothing makes such a finding: take it out of the register"
    assert not can_be_raised("of-another-version")


def test_a_code_stands_once_with_a_sentence_each():
    assert sum(map(len, GROUPS.values())) == len(CODES)
    for code, known in CODES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert known.severities and len(set(known.severities)) == len(known.severities) <= 3, code
        for text in (known.meaning, known.remedy):
            assert text[0].isupper() and text.endswith(".") and "|" not in text and ". " not in text, (code, text)


def test_what_is_not_registered_is_no_finding():
    assert Finding(code="open-rows", severity="error", message="m").code == "open-rows"
    for code, severity in (("no-such-code", "warning"), ("open-edges", "error"), ("open-edges", "fatal")):
        with pytest.raises(ValueError, match="no finding of"):
            Finding(code=code, severity=severity, message="m")
    with pytest.raises(ValueError, match="no finding of"):
        msgspec.structs.replace(Finding(code="open-rows", severity="error", message="m"), code="open-cols")


def test_a_job_keeps_findings_that_this_version_does_not_know(tmp_path):
    ordinary = Finding(code="gap-closed", severity="warning", message="m", layers=(0, 1), value=2.0, limit=0.0, unit="µm²")
    foreign = RecordedFinding(code="of-another-version", severity="warning", message="m", box_um=((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    job = small_job(3)
    pmsl.write(replace(job, findings=(ordinary, foreign)), tmp_path / "a")
    read = pmsl.read(tmp_path / "a")
    assert read.findings[:2] == (ordinary, foreign) and type(read.findings[0]) is Finding
    pmsl.write(read, tmp_path / "b")
    assert pmsl.read(tmp_path / "b").findings == read.findings
    assert pmsl.verify(tmp_path / "b") == []
    texts = [json.loads((tmp_path / name / "job.json").read_text())["findings"] for name in "ab"]
    assert texts[0] == texts[1] and texts[0][0]["code"] == "gap-closed" and texts[0][1]["code"] == "of-another-version"


def test_the_page_of_findings_is_the_register():
    assert (ROOT.parent / "docs" / "findings.md").read_text(encoding="utf-8") == findings_page()
