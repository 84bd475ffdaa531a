"""The tables of docs/validation.md are what the benchmark makes: its quick form line by line, and what is said of them in words."""

import re
import sys

import pytest
from doc_pages import ROOT, text_of


@pytest.fixture(scope="module")
def made():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import validation

        return validation, list(validation.rows(quick=True))
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def tables():
    text = text_of("docs/validation.md")
    return dict(re.findall(r"<!-- table: (.+?) -->\n(.*?)\n<!-- end -->", text, flags=re.S))


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_every_quick_row_stands_in_the_page(made):
    validation, rows = made
    page = tables()
    assert set(page) == {row["table"] for row in rows} and len(rows) >= 25
    for row in rows:
        lines = [cells(line) for line in page[row["table"]].splitlines()]
        known = {name: value for name, value in row.items() if name != "table" and value is not None}
        head, quick = lines[0], cells(validation.line_of(known))
        assert any([line[head.index(name)] for name in known] == quick for line in lines[2:]), row


def test_published_figures_are_met_or_said_not_to_be(made):
    """The figures of the sources, by themselves: a table that no longer shows them fails."""
    _, rows = made
    of = {}
    for row in rows:
        of.setdefault(row["table"], []).append(row)
    assert [r["cured by 50 mJ/cm² [µm]"] for r in of["working curves"]] == ["71.2", "109.8"]
    off = [float(r["predicted [µm]"].split()[-1]) for r in of["held-out tiles"] if r["predicted [µm]"].startswith("off")]
    assert off == [2.08, 1.31]
    design, plain, corrected = of["gray ramp"]
    assert design["angle [°]"] == "3.576" and abs(float(corrected["angle [°]"]) - 3.576) <= 0.002
    assert abs(float(corrected["wall off by [µm]"])) <= 0.1 and 20 < float(plain["wall off by [µm]"]) < 26
    states = {(r["light that leaks"], r["layers lit above the channel"]): r["channel"] for r in of["leaking light"]}
    assert states["1.7 %", 12] == "shut" != states["1.7 %", 11] and states["0 %", 12] == "open"
    lowest = {(r["dose at the far face"], r["flush_share"]): r for r in of["smallest channel"]}
    for share, low, high in ((0.5, 2.0, 3.0), (0.1, 3.5, 5.5)):
        assert all(low <= float(lowest["1.5 Ec", share][name]) <= high for name in ("layers of 0.5 Dp", "layers of 1 Dp"))
    assert all(3.0 <= float(lowest["5 Ec", 0.5][name]) <= 4.0 for name in ("layers of 0.5 Dp", "layers of 1 Dp"))
    assert "lower than what was printed" in text_of("docs/validation.md") and "does not fit slurries" in text_of("docs/validation.md")
