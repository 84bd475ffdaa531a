"""The page of 500 layers of 2560 × 1600: its size against that of its frames, the first picture, the slider."""

import msgspec
import pytest

import pmsl
from pmsl.profiles.optics import FlatField
from pmsl.profiles.tables.strict_struct import Value

SLIDER = """
    const out = [], real = pmsl.wasDrawn;
    let drawn = () => {};
    pmsl.wasDrawn = function (k) { real.call(pmsl, k); drawn(k); };
    for (let i = 0; i < 120; i++) {
      const k = (40 + i * w[0]) % pmsl.n, slider = document.getElementById('layer'), begun = performance.now();
      slider.value = k;
      const done = new Promise(resolve => { drawn = n => n === k && resolve(); });
      slider.dispatchEvent(new Event('input'));
      await done;
      out.push(performance.now() - begun);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    pmsl.wasDrawn = real;
    return out.sort((a, b) => a - b)[Math.floor(0.95 * out.length)];
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["chip", "gyroid"])
def test_the_page_of_a_large_job(browser, samples, tmp_path, kind):
    """Times are those of an idle machine."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    flat = FlatField(vignetting=Value(value=0.1, class_="measured", source="test"))
    printer = msgspec.structs.replace(printer, optics=msgspec.structs.replace(printer.optics, flat_field=flat))
    name, scale = ("microfluidic_chip.stl", (2, 2, 6.25)) if kind == "chip" else ("gyroid_lattice.stl", (12, 12, 5))
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(samples / name)], printer, resin, scale=scale), printer, resin)
    assert job.n_layers == 500
    pmsl.write(job, tmp_path / "job")
    frames = sum(file.stat().st_size for file in (tmp_path / "job" / "frames").iterdir())
    pmsl.report(tmp_path / "job", tmp_path / "page.html")
    size = (tmp_path / "page.html").stat().st_size
    assert size <= 1.4 * frames + 6e6
    browser.open((tmp_path / "page.html").as_uri())
    first, one, seven = browser.run("return pmsl.firstPicture"), browser.run(SLIDER, 1), browser.run(SLIDER, 7)
    print(
        f"{kind}: frames {frames}, page {size}, first picture {first:.0f} ms, slider p95 {one:.0f} ms one by one, {seven:.0f} ms in leaps"
    )
    assert first < 1000 and one < 33 and browser.errors() == []
