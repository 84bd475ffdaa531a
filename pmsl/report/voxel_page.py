"""One HTML file of an array of voxels: its blocks, some slices, a section, what it rests on and what was found."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from pmsl.core.arrays import evenly
from pmsl.files.encodable import encodable
from pmsl.files.output_file import check_new_file, whole_file
from pmsl.formats.two_photon.voxel_sidecar import VoxelFacts, Voxels, read_voxels

SLICES = 6
WIDEST_PX, SECTION = 480, (240, 480)  # of a picture; slices and columns of the section
MOST_BLOCKS = 4000  # that are drawn
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
STYLE = (
    "body{background:#202020;color:#e1e1e1;font:15px sans-serif;margin:24px;max-width:1100px}"
    "td,th{text-align:left;padding:2px 14px 2px 0;vertical-align:top}"
    "img{image-rendering:pixelated;border:1px solid #555}figure{display:inline-block;margin:0 14px 14px 0}"
    "svg{width:100%;max-height:480px;border:1px solid #555}rect{fill:#78beff22;stroke:#78beff}polyline{fill:none;stroke:#ffbe6e}"
)


def write_voxel_report(path: str | Path, out: str | Path, force: bool = False) -> int:
    """Write the page of an array of voxels, as `voxel-npy` writes it.

    Parameters
    ----------
    path : str or Path
        The array; what stands beside it is read too.
    out : str or Path
        The page: one file that needs nothing else.
    force : bool
        Replace a file that is there.

    Returns
    -------
    int
        How many slices there are.

    Raises
    ------
    JobError
        The array or what stands beside it is damaged.
    UsageError, OutputError
        The page exists, or cannot be written.
    """
    voxels = read_voxels(Path(path))
    check_new_file(out, force, "-o")
    text = "".join(_page(Path(path).name, voxels))
    with whole_file(Path(out), "the report ") as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    return int(voxels.array.shape[2])


def _page(name: str, voxels: Voxels) -> Iterator[str]:
    title = _text(name)
    yield f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>\n"
    yield from _table(voxels.facts)
    yield f"<h2>Blocks</h2>\n{''.join(_blocks(voxels.facts))}\n<h2>Power</h2>\n"
    top = max(float(voxels.facts.power_mw[-1]) if voxels.facts.power_mw else 0.0, 1e-9)
    full = _full(voxels)
    for k in evenly(voxels.array.shape[2], SLICES):
        rows, cols = (max(1, -(-n // WIDEST_PX)) for n in voxels.array.shape[:2])
        low = voxels.facts.origin_um[2] + k * voxels.facts.pitch_um[2]
        label = f"slice {k}, z {low:.4g} to {low + voxels.facts.pitch_um[2]:.4g} µm"
        yield _figure(voxels.array[::rows, ::cols, k][::-1], full, f"{label}; white is {top:.3g} mW")
    rows, cols = (max(1, -(-n // most)) for n, most in zip((voxels.array.shape[2], voxels.array.shape[1]), SECTION, strict=True))
    middle = voxels.array[voxels.array.shape[0] // 2, ::cols, ::rows].T
    yield _figure(middle[::-1], full, "section across y, in its middle; substrate below")
    yield "\n<h2>Findings</h2>\n<table>"
    for found in voxels.facts.findings:
        yield "<tr>" + "".join(f"<td>{_text(str(found.get(key, '')))}</td>" for key in ("severity", "code", "message")) + "</tr>\n"
    yield "</table></html>\n"


def _table(facts: VoxelFacts) -> Iterator[str]:
    calibrated = "yes" if facts.calibrated else f"no: placeholders for {', '.join(facts.placeholders)}"
    rows = {
        "printer": facts.printer,
        "resin": facts.resin,
        "process": facts.process,
        "voxels (y × x × z)": " × ".join(map(str, facts.shape)),
        "pitch": " × ".join(f"{v:g}" for v in facts.pitch_um) + " µm",
        "unit": facts.unit,
        "power of full voxels": ", ".join(f"{v:.4g}" for v in facts.power_mw[:8]) + (" … mW" if len(facts.power_mw) > 8 else " mW"),
        "cures above, burns from": f"{facts.threshold_mw:.4g} mW, {facts.burn_mw:.4g} mW at {facts.speed_um_s:g} µm/s",
        "a line cures": f"{facts.voxel_um[0]:.3g} µm wide, {facts.voxel_um[1]:.3g} µm high",
        "calibrated": calibrated,
        "sha256": facts.sha256,
    }
    yield "<table>"
    yield from (f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>\n" for name, value in rows.items())
    yield "</table>\n"


def _blocks(facts: VoxelFacts) -> Iterator[str]:
    """Draw the blocks, y upward, and the order they are written in."""
    shown = facts.blocks[:MOST_BLOCKS]
    corners = np.array([(*b.centre_um, b.side_um) for b in shown])
    low = (corners[:, :2] - 0.5 * corners[:, 2:]).min(axis=0)
    high = (corners[:, :2] + 0.5 * corners[:, 2:]).max(axis=0)
    width, height = (high - low).tolist()
    line = 0.003 * max(width, height)
    yield f'<svg viewBox="{low[0]:g} {-high[1]:g} {width:g} {height:g}" stroke-width="{line:g}">'
    for x, y, side in corners.tolist():
        yield f'<rect x="{x - side / 2:g}" y="{-y - side / 2:g}" width="{side:g}" height="{side:g}"/>'
    yield f'<polyline points="{" ".join(f"{x:g},{-y:g}" for x, y, _ in corners.tolist())}"/></svg>'
    first = facts.blocks[0]
    more = "" if len(shown) == len(facts.blocks) else f", the first {len(shown)} are drawn"
    words = "1 block" if len(facts.blocks) == 1 else f"{len(facts.blocks)} blocks"
    yield f"<p>{words} of {first.side_um:g} µm{more}; the line is the order they are written in.</p>"


def _full(voxels: Voxels) -> float:
    """Return the value that is shown white: that of the strongest full voxel, as far as the file says it."""
    try:
        unit = float(voxels.facts.unit.split()[2])
    except (IndexError, ValueError):
        return 1.0
    top = max(voxels.facts.power_mw, default=0.0) / unit if unit > 0 else 1.0
    return top if 0.0 < top <= 1.0 else 1.0


def _figure(values: np.ndarray, full: float, label: str) -> str:
    with np.errstate(invalid="ignore"):
        levels = np.nan_to_num(np.clip(values / full, 0.0, 1.0)) * 255.0
    file = io.BytesIO()
    Image.fromarray(np.round(levels).astype(np.uint8)).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<figure><img alt="" src="data:image/png;base64,{data}"><figcaption>{_text(label)}</figcaption></figure>\n'


def _text(foreign: str) -> str:
    """Return foreign text as a page may hold it."""
    return html.escape(encodable(foreign))
