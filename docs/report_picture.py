"""Make the picture of docs/report.md: the page of the sample chip in a browser.

Usage: python docs/report_picture.py    (in an environment with pmsl, selenium, chromium and chromedriver; writes docs/report.png)
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

import pmsl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
SIZE = 1280, 1000


def main() -> None:
    """Write docs/report.png."""
    from browser import Browser

    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(ROOT / "sample_meshes" / "microfluidic_chip.stl")], printer, resin), printer, resin)
    with tempfile.TemporaryDirectory() as folder:
        pmsl.report(job, Path(folder) / "page.html")
        browser = Browser(SIZE[0], SIZE[1] + 140)
        browser.open((Path(folder) / "page.html").as_uri())
        browser.run("""
            pmsl.choose({ mode: 'cured', layer: 24 });
            await pmsl.point(10000, 5578);
            await pmsl.view.draw();
            await new Promise(done => setTimeout(done, 500));
        """)
        browser.driver.save_screenshot(str(Path(folder) / "page.png"))
        browser.driver.quit()
        with Image.open(Path(folder) / "page.png") as picture:
            picture.convert("RGB").crop((0, 0, *SIZE)).quantize(128).save(ROOT / "docs" / "report.png", optimize=True)


if __name__ == "__main__":
    main()
