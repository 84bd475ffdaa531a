"""Make the picture of the README: a mask, a corner of it enlarged, and its dose map.

Usage: python docs/pictures.py    (in an environment with pmsl; writes docs/mask.png)
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import pmsl

ROOT = Path(__file__).resolve().parents[1]
LAYER = 17  # 170..180 um: the flow-focusing junction
ZOOM = 12
INK, PAPER = 235, 24
WIDTH, HEIGHT, GAP, LABEL = 640, 430, 16, 26


def panel(picture: Image.Image, label: str) -> Image.Image:
    """Put a label over a picture."""
    out = Image.new("RGB", (WIDTH, HEIGHT + LABEL), (PAPER, PAPER, PAPER))
    ImageDraw.Draw(out).text((0, 2), label, fill=(INK, INK, INK), font=ImageFont.load_default(size=16))
    out.paste(picture, (0, LABEL))
    return out


def heat(dose: np.ndarray, top: float) -> np.ndarray:
    """Colour a dose map: black, violet, orange, white."""
    stops = np.array([[0, 0, 0], [80, 20, 120], [240, 120, 40], [255, 250, 220]], float)
    x = np.clip(dose / top, 0, 1) * 3
    i = np.minimum(x.astype(int), 2)
    return (stops[i] + (x - i)[..., None] * (stops[i + 1] - stops[i])).astype(np.uint8)


def main() -> None:
    """Write docs/mask.png."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    placed = pmsl.place([pmsl.load_solid(ROOT / "sample_meshes" / "droplet_generator.stl")], printer, resin)
    job = pmsl.prepare(placed, printer, resin)
    plan = job[LAYER]
    frame = plan.exposures[0].mask.dense(np.uint8)[::-1]
    dose = pmsl.dose_map(job, plan).dense()[::-1]
    rows, cols = frame.shape
    (x0, y0, _), (x1, y1, _) = (np.array(corner) / 7.6 for corner in job.parts[0].bounds_um)
    whole = Image.fromarray(frame[int(rows - y1) - 12 : int(rows - y0) + 12, int(x0) - 12 : int(x1) + 12])
    whole.thumbnail((WIDTH, HEIGHT))
    r, c = junction(frame, rows - (y0 + y1) / 2)
    window = (slice(r, r + HEIGHT // ZOOM), slice(c, c + WIDTH // ZOOM))
    zoomed = Image.fromarray(frame[window]).resize((WIDTH // ZOOM * ZOOM, HEIGHT // ZOOM * ZOOM), Image.Resampling.NEAREST)
    warm = Image.fromarray(heat(dose[window], plan.exposures[0].dose_mj_cm2)).resize(zoomed.size, Image.Resampling.NEAREST)
    sheet = Image.new("RGB", (3 * WIDTH + 4 * GAP, HEIGHT + LABEL + 2 * GAP), (PAPER, PAPER, PAPER))
    labels = (
        f"mask of layer {LAYER}: droplet generator, 7.6 um pixels",
        "its 60 um orifice: gray is exactly the covered area",
        f"dose map, 0..{plan.exposures[0].dose_mj_cm2:.1f} mJ/cm2",
    )
    for i, (picture, label) in enumerate(zip((whole.convert("RGB"), zoomed.convert("RGB"), warm), labels, strict=True)):
        sheet.paste(panel(picture, label), (GAP + i * (WIDTH + GAP), GAP))
    sheet.save(ROOT / "docs" / "mask.png", optimize=True)


def junction(frame: np.ndarray, middle_row: float) -> tuple[int, int]:
    """Upper left corner of the enlarged window: around the narrowest place of the channel along the middle."""
    r = int(middle_row)
    open_rows = (frame[r - 40 : r + 40] == 0).sum(axis=0)
    candidates = np.flatnonzero(open_rows > 0)
    c = int(candidates[np.argmin(open_rows[candidates])])
    return r - HEIGHT // ZOOM // 2, c - WIDTH // ZOOM // 2


if __name__ == "__main__":
    main()
