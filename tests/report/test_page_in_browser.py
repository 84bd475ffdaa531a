"""The page as a browser shows it, from disk and without a network."""

import dataclasses

import numpy as np
import pytest
from jobs_of_arrays import job_of
from page_jobs import HOSTILE, hostile_job, job_with_exposures

import pmsl
from pmsl.core.finding import Finding

READOUTS = "const out = []; for (const [k, j, r, c] of w[0]) out.push(await pmsl.readout(k, j, r, c)); return out;"


def opened(browser, job, folder, **how):
    pmsl.report(job, folder / "page.html", **how)
    browser.open((folder / "page.html").as_uri())
    return browser


def random_places(job, n, seed=3):
    rng = np.random.default_rng(seed)
    plans = [plan for plan in job.layers() if plan.exposures]
    places = []
    for _ in range(n):
        plan = plans[rng.integers(len(plans))]
        j = int(rng.integers(len(plan.exposures)))
        row0, col0, rows, cols = plan.exposures[j].mask.window
        row, col = row0 + rng.integers(-2, rows + 2), col0 + rng.integers(-2, cols + 2)
        places.append((plan.index, j, int(np.clip(row, 0, job.grid.shape[0] - 1)), int(np.clip(col, 0, job.grid.shape[1] - 1))))
    return places


def check_readouts(browser, job, places):
    """Bytes are those of the frames; doses are within one step of float32 of the dose map."""
    found = browser.run(READOUTS, places)
    lit = 0
    for (k, j, row, col), shown in zip(places, found, strict=True):
        plan = job[k]
        assert shown["byte"] == plan.exposures[j].mask.dense(np.uint8)[row, col]
        for words, exposures in (("dose", (plan.exposures[j],)), ("total", plan.exposures)):
            alone = type(plan)(
                index=k, z_top_um=plan.z_top_um, thickness_um=plan.thickness_um, motion=plan.motion, exposures=tuple(exposures)
            )
            dose = pmsl.dose_map(job, alone).dense()[row, col]
            assert abs(np.float32(shown[words]) - dose) <= np.spacing(dose), (k, j, row, col, words)
        lit += shown["byte"] > 0
    assert lit > len(places) // 4


@pytest.mark.parametrize("kind", ["vignetting", "grid", "image", "even"])
def test_read_outs_are_the_bytes_and_doses_of_pmsl(browser, tmp_path, kind):
    job = job_with_exposures(kind, row="+x" if kind == "grid" else "-y")
    opened(browser, job, tmp_path, predict=False)
    check_readouts(browser, job, random_places(job, 50))


@pytest.mark.slow
def test_a_thousand_read_outs(browser, tmp_path):
    job = job_with_exposures("vignetting")
    opened(browser, job, tmp_path)
    check_readouts(browser, job, random_places(job, 1000))


def test_a_page_from_disk_asks_for_nothing_and_says_no_error(browser, tmp_path):
    """Also while all of it is looked at: every mode, zoomed in, findings, sections, solids."""
    job = job_with_exposures("vignetting", corrections=("edges",))
    opened(browser, job, tmp_path)
    browser.run("""
        for (const mode of ['frame', 'dose', 'cured'])
          for (const layer of [0, 1, 7]) { pmsl.choose({ mode, layer }); await pmsl.view.draw(); }
        pmsl.visit({ box_um: [[150, 200, 30], [160, 210, 40]], layers: [2, 4] });
        await pmsl.view.draw(); pmsl.whole(); await pmsl.view.draw();
        const cut = document.getElementById('section');
        for (const option of cut.options) { cut.value = option.value; await pmsl.sections.choose(); }
        await pmsl.solids.draw(pmsl.facts.solids); window.dispatchEvent(new Event('beforeprint'));
    """)
    assert browser.run("return document.querySelectorAll('#solids canvas').length") >= 1
    assert [url for url in browser.requests() if not url.startswith("file://")] == [] and browser.errors() == []


def test_foreign_text_does_nothing(browser, tmp_path):
    job = hostile_job()
    opened(browser, job, tmp_path)
    seen = browser.run("""
        const text = id => document.getElementById(id).textContent;
        return { title: document.title, head: text('title'), findings: text('findings'), provenance: text('provenance'),
          profiles: text('profiles'), images: document.querySelectorAll('img, svg[onload], iframe, link').length,
          scripts: [...document.scripts].filter(s => s.type !== 'text/plain').length };
    """)
    assert seen["images"] == 0 and seen["scripts"] == 1
    for place in ("head", "findings", "provenance", "profiles"):
        assert HOSTILE[0] in seen[place] and HOSTILE[1] in seen[place], place
    assert seen["title"].startswith(HOSTILE[0]) and browser.errors() == [] and len(browser.requests()) == 1


def test_the_pointer_reads_what_is_under_it(browser, tmp_path):
    job = job_with_exposures("grid")
    opened(browser, job, tmp_path)
    k, row, col = 4, 20, 25
    x, y = job.grid.origin_um + job.grid.pitch_um * (col + 0.5, row + 0.5)
    words = browser.run(
        """pmsl.setLayer(w[0]); pmsl.choose({ exposure: 1 }); await pmsl.view.draw();
        const { box, range, um_per_px, canvas } = pmsl.view, bounds = canvas.getBoundingClientRect();
        const clientX = bounds.left + box.left + (w[1] - range.x0) / um_per_px;
        const at = { clientX, clientY: bounds.top + box.top + (range.y1 - w[2]) / um_per_px };
        canvas.dispatchEvent(new PointerEvent('pointermove', at));
        await new Promise(done => setTimeout(done, 200));
        return [document.getElementById('readout').innerText, document.getElementById('exposures').innerText];""",
        k, float(x), float(y),
    )  # fmt: skip
    plan = job[k]
    assert f"{col}, {row}" in words[0] and str(plan.exposures[1].mask.dense(np.uint8)[row, col]) in words[0].split()
    assert f"{float(pmsl.dose_map(job, plan).dense()[row, col]):.9g}"[:7] in words[0]
    assert "0.173 × 2" in words[1] and "waits 0.25 s after" in words[1]


def test_pictures_are_the_frames(browser, tmp_path):
    """As many screen pixels as pixels: the canvas shows every byte where it belongs, +x right and +y up."""
    rng = np.random.default_rng(5)
    levels = rng.integers(0, 256, (2, 30, 40), dtype=np.uint8)
    job = job_of(levels, [1.0, 1.0], pitch_um=(10.0, 10.0))
    opened(browser, job, tmp_path)
    shown = browser.run("""
        pmsl.setLayer(1);
        const view = pmsl.view, box = view.box, k = 10;
        view.um_per_px = 10 / k; view.centre = [0.5 * box.width * view.um_per_px, 0.5 * box.height * view.um_per_px];
        await view.draw();
        const context = view.canvas.getContext('2d'), out = [];
        for (let r = 0; r < 30; r++) for (let c = 0; c < 40; c++)
          out.push(context.getImageData(Math.round(box.left + c * k + 5), Math.round(box.top + box.height - r * k - 5), 1, 1).data[0]);
        return { out, box: view.box };
    """)
    rows = shown["box"]["height"] // 10
    gray = np.array(shown["out"]).reshape(30, 40)[: int(rows) - 4]
    expected = np.round(10 + levels[1, : len(gray)] / 255 * 240)
    assert np.abs(gray - expected).max() <= 1


def test_a_job_without_light_or_doses_is_shown(browser, tmp_path):
    opened(browser, job_of(np.zeros((2, 4, 4), np.uint8), [0.0, 0.0]), tmp_path)
    seen = browser.run("return [document.getElementById('notes').textContent, document.getElementById('exposures').textContent]")
    assert "irradiance" in seen[0] and "no design" in seen[0] and "No light" in seen[1] and browser.errors() == []


def test_doses_that_are_not_known_are_called_so(browser, tmp_path):
    """Not that exposures lie apart: they do where the stage shifts them, or engines do."""
    job = job_with_exposures("even")
    unknown = dataclasses.replace(job, findings=(*job.findings, Finding(code="partial-file", severity="warning", message="no irradiance")))
    opened(browser, unknown, tmp_path, predict=False)
    text = browser.run("await pmsl.setLayer(1); await pmsl.point(150, 150); return document.getElementById('readout').textContent")
    assert "Dose of the layer" in text and text.count("not known") == 2 and "apart" not in text


def test_a_wall_of_one_pixel_is_seen_at_any_scale(browser, tmp_path):
    """Between 1 and 1.5 pixels under one of the screen most have one pixel and some two: all are means."""
    levels = np.zeros((2, 240, 240), np.uint8)
    levels[0, :, 5::11] = levels[1, 5::11] = 255
    opened(browser, job_of(levels, [1.0, 1.0], pitch_um=(10.0, 10.0)), tmp_path, predict=False)
    lines = """
        const out = [];
        for (const step of w[0]) for (const k of [0, 1]) {
          await pmsl.setLayer(k);
          pmsl.view.centre = [1200, 1200]; pmsl.view.um_per_px = step * 10; pmsl.view.fitted = null;
          await pmsl.view.draw();
          const { image } = pmsl.view, { data, width, height } = image;
          const along = k ? height : width, at = i => k ? data[4 * (i * width + (width >> 1))] : data[4 * ((height >> 1) * width + i)];
          let n = 0;  // 226 is outside of the field
          for (let i = 1; i < along; i++) if (at(i) > 70 && at(i) !== 226 && at(i - 1) <= 70) n++;
          out.push(n);
        }
        return out;
    """
    steps = [1.01, 1.1, 1.2, 1.34, 1.42, 1.49, 1.6, 2.0]
    assert browser.run(lines, steps) == [22] * 16


def test_many_findings_are_shown_when_asked_for(browser, tmp_path):
    place = {"box_um": ((10.0, 10.0, 0.0), (20.0, 20.0, 10.0)), "layers": (0, 0)}
    many = tuple(Finding(code="top-rounded", severity="info", message=f"number {i}", **place) for i in range(70))
    opened(browser, dataclasses.replace(job_with_exposures("even"), findings=many), tmp_path, predict=False, check=False)
    count = "return document.querySelectorAll('.finding').length"
    assert browser.run(count) == 60
    browser.run("document.querySelector('#findings button').click()")
    assert browser.run(count) == 70
    browser.run("document.querySelector('.finding canvas').click(); await pmsl.view.draw()")
    assert browser.run("return pmsl.state.layer") == 0 and browser.errors() == []


@pytest.mark.parametrize("instead", ["undefined", "class { constructor() { setTimeout(() => this.onerror(), 20); } postMessage() {} }"])
def test_frames_are_read_without_a_worker(browser, tmp_path, instead):
    """Where a browser makes none, or makes one that does not run."""
    job = job_with_exposures("even")
    command, driver = "Page.addScriptToEvaluateOnNewDocument", browser.driver
    added = driver.execute_cdp_cmd(command, {"source": f"window.Worker = {instead}"})
    try:
        opened(browser, job, tmp_path, predict=False)
        check_readouts(browser, job, random_places(job, 10))
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
