"""Every coupon on coarse and fine printers: a job that verifies, numbers that can be read after the print, a sheet, a drawing."""

import csv
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

import pmsl
from pmsl.calibrate import CouponOptions, coupon
from pmsl.calibrate.coupons.measuring_sheet import drawing_text, sheet_text
from pmsl.calibrate.coupons.tile_layout import drawn_number
from pmsl.calibrate.kinds import NAMES, kind_of
from pmsl.cli.app import app
from pmsl.core.mask import Window
from pmsl.errors import UsageError

PRINTERS = {"pmsl-2um": "pr48-405", "microfluidics-7.6um": "pegda-nps-1.0-385", "dlp-27um": "pr48-385"}
PRINTED = tuple(kind for kind in NAMES if kind != "seams")  # which needs a printer that moves, and has no numbers


SMALL = dict.fromkeys(("roofs", "renewal"), CouponOptions(cover_layers=[1, 3]))  # of each kind, what makes its print short


def made_on(kind, printer, options=None):
    return coupon(kind, pmsl.find_printer(printer), pmsl.find_resin(PRINTERS[printer]), None, options)


def cured_plate(job, layers=(0,)):
    """What is solid where the part meets light in its first layer: the numbers of all tiles."""
    whole = np.zeros(job.grid.shape, bool)

    def watch(seen):
        if seen.lit.index in layers:
            window = Window(*seen.window)
            whole[window.row0 : window.row0 + window.rows, window.col0 : window.col0 + window.cols] = seen.lit.front > 0

    pmsl.simulate(job, watch=[watch])
    return whole


def check_numbers(made, whole):
    """Each stroke of each number cured, and no gap between strokes is filled."""
    for i in range(made.layout.count):
        tile, s = made.layout.tile(i), made.layout.stroke_px
        text = drawn_number(i + 1, 1) > 0
        base = tile.row0 + tile.rows + 2 * s
        middle = whole[base + s // 2 : base + s * len(text) : s, tile.col0 + s // 2 : tile.col0 + s * text.shape[1] : s]
        assert np.array_equal(middle[: len(text), : text.shape[1]], text), i + 1


@pytest.mark.parametrize("printer", ["pmsl-2um", *(pytest.param(p, marks=pytest.mark.slow) for p in PRINTERS if p != "pmsl-2um")])
@pytest.mark.parametrize("kind", [k if k in ("walls", "roofs", "gray") else pytest.param(k, marks=pytest.mark.slow) for k in PRINTED])
def test_numbers_can_be_read_after_the_print(kind, printer):
    made = made_on(kind, printer, SMALL.get(kind))
    check_numbers(made, cured_plate(made.job))


@pytest.mark.parametrize("kind", NAMES)
def test_a_laser_shows_no_coupon(kind):
    with pytest.raises(UsageError, match="printer laser-405 draws with a laser, and test prints are pictures"):
        coupon(kind, pmsl.find_printer("laser-405"), pmsl.find_resin("pr48-405"))


def test_options_of_other_kinds_are_refused_by_name():
    with pytest.raises(UsageError, match="coupon seams has no doses; it knows none of these options"):
        coupon("seams", options=CouponOptions(doses=3))
    words = ["calibrate", "coupon", "roofs", "-o", "k.zip", "--cover-layers", "1.5"]
    assert "--cover-layers 1.5: expected whole numbers" in str(CliRunner().invoke(app, words).exception)


@pytest.mark.parametrize("printer", PRINTERS)
@pytest.mark.parametrize("kind", PRINTED)
def test_every_coupon_is_one_on_every_printer(kind, printer):
    """Within the limits, nothing beyond the field, tiles that do not touch; a sheet with a row for each thing that is measured."""
    made = made_on(kind, printer)
    limits = made.job.printer.limits
    for plan in (made.job[0], made.job[made.job.n_layers - 1]):
        assert plan.exposures
        for e in plan.exposures:
            assert e.time_s <= limits.max_exposure_s.value and e.dose_mj_cm2 <= limits.max_dose_mj_cm2.value * (1 + 1e-9)
    rows = list(csv.DictReader(line for line in sheet_text(made).splitlines() if not line.startswith("#")))
    assert len(rows) == len(made.rows) and {int(row["tile"]) for row in rows} <= set(range(1, made.layout.count + 1))
    assert sheet_text(made).startswith(f"# {kind} coupon {made.digest} of pmsl") and made.job.provenance.placement.endswith(made.digest)
    drawn = ET.fromstring(drawing_text(made))
    assert len([1 for element in drawn.iter() if element.tag.endswith("text")]) == made.layout.count + len(made.marks_px)


@pytest.mark.parametrize("kind", PRINTED)
def test_the_command_writes_a_job_that_verifies(kind, tmp_path):
    words = [
        "calibrate",
        "coupon",
        kind,
        "-o",
        "job.zip",
        "--sheet",
        "s.csv",
        "--drawing",
        "d.svg",
        "--printer",
        "pmsl-2um",
        "--resin",
        "pr48-405",
    ]
    words = [str(tmp_path / word) if word in ("job.zip", "s.csv", "d.svg") else word for word in words]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert pmsl.verify(tmp_path / "job.zip") == [] and (tmp_path / "d.svg").read_text().startswith("<svg")
    assert pmsl.read(tmp_path / "job.zip").provenance.placement == made_on(kind, "pmsl-2um").job.provenance.placement
    assert kind_of(kind).name == kind and CliRunner().invoke(app, words).exit_code != 0  # nothing is replaced
