"""Pictures of what a laser draws: of the kinds there are, whole or not at all."""

import numpy as np
from drawn import PRINTER, RESIN, box, process
from PIL import Image

import pmsl
from pmsl.profiles.laser import Skin
from pmsl.report import contact_sheet
from pmsl.report.line_picture import INKS
from pmsl.report.page import job_summary
from pmsl.report.page.job_report import write_report


def test_a_preview_of_a_drawn_job_shows_its_lines(tmp_path):
    job = pmsl.prepare([box(4000, 4000, 400, 300, 100)], PRINTER, RESIN, process(skin=Skin(layers=1)))
    contact_sheet(job, tmp_path / "a.png")
    seen = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3).astype(int)
    for kind, ink in INKS.items():
        near = (np.abs(seen - ink).max(axis=1) < 40).sum()
        assert near > 300, kind  # more than the legend's square
    assert len(list(tmp_path.iterdir())) == 1


def test_the_page_of_a_drawn_job_has_its_lines(tmp_path):
    job = pmsl.prepare([box(4000, 4000, 400, 300, 50)], PRINTER, RESIN, process())
    write_report(job, tmp_path / "a.html", predict=False)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert job_summary.DRAWN_DOSES in text and job_summary.UNKNOWN_DOSES not in text
    assert '"lines":"data:image/png;base64,' in text.replace('": "', '":"') and '"doses":null' in text.replace('": null', '":null')


def test_the_exposures_of_a_drawn_job_have_their_doses_along_lines(browser, tmp_path):
    job = pmsl.prepare([box(4000, 4000, 400, 300, 50)], PRINTER, RESIN, process())
    pmsl.report(job, tmp_path / "a.html", predict=False, check=False)
    browser.open((tmp_path / "a.html").as_uri())
    cells = browser.run("return [...document.querySelectorAll('#exposures tr')].map(tr => [...tr.children].map(cell => cell.textContent));")
    assert cells[0][2].startswith("white dose") and [row[2] for row in cells[1:]] == ["along its lines"]
    assert "not known" not in browser.run("await pmsl.point(4100, 4100); return document.getElementById('readout').textContent;")


def test_what_a_laser_draws_is_given_no_corrections_of_masks():
    thin = [box(4000, 4000, 30, 900, 100), box(4300, 4000, 900, 900, 100)]
    found = pmsl.simulate(pmsl.prepare(thin, PRINTER, RESIN, process(inset_um=120.0))).findings
    assert {"lost-feature", "wall-undercure"} <= {f.code for f in found}
    assert not [f.message for f in found if "corrections =" in f.message or "masks" in f.message]
    assert all("inset_um" in f.message for f in found if f.code in ("lost-feature", "wall-undercure"))
