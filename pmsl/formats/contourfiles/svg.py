"""SVG 1.1: one group a layer, one path in it (fill rule nonzero), mm, y upward as the part is seen from the light side. What a laser
draws in the layer are further paths, one for each kind of line.

Groups are layers to Inkscape; only the first is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.core.contours import Contours
from pmsl.errors import JobError, TargetError
from pmsl.formats.contourfiles.xml_stream import Collector, parse
from pmsl.formats.protocol import FileSignature, WriteOptions
from pmsl.job.print_job import PrintJob

LONGEST = 1 << 30  # bytes of a file that is read
STROKES = {"border": "#c00", "hatch": "#06c", "skin": "#080"}
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


def recognises(seen: FileSignature) -> bool:
    """Tell by the root element."""
    return b"<svg" in seen.head[:1024]


def write_draft(job: PrintJob, path: Path, options: WriteOptions) -> None:
    """Write all layers, some at a time."""
    assert options.contours_of is not None
    if job.tiles is not None:
        text = "svg: the page is one field of the printer, the job a plate of several; choose 3mf-slices, which has no page"
        raise TargetError(text, "tiles", job.tiles, (1, 1))
    x0, y0 = job.grid.origin_um.tolist()
    width, height = job.grid.size_um.tolist()
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="{INKSCAPE}" version="1.1" width="{_mm(width)}mm" '
            f'height="{_mm(height)}mm" viewBox="0 0 {_mm(width)} {_mm(height)}" data-x0-um="{x0!r}" data-top-um="{y0 + height!r}">\n'
        )
        outline = ' fill="#ddd"' if job.drawn else ""
        k = 0
        for block in options.contours_of(job):
            for i in range(block.n_layers):
                top = float(job.grid.z_edges_um[k + 1])
                hidden = "" if k == 0 else ' style="display:none"'
                label = f'inkscape:groupmode="layer" inkscape:label="layer {k}"'
                data = "".join(_path(ring, x0, y0 + height) for ring in block.rings(i))
                file.write(f'<g id="layer{k}" {label} data-z-top-um="{top!r}"{hidden}>')
                file.write(f'<path fill-rule="nonzero"{outline} d="{data}"/>' if data else "")
                file.write(f"{_drawn(job, k, x0, y0 + height) if job.drawn else ''}</g>\n")
                k += 1
                if options.progress is not None:
                    options.progress(k, job.n_layers)
        file.write("</svg>\n")


def _mm(um: float) -> str:
    return f"{um * 1e-3:.9g}"


def _path(ring: np.ndarray, x0_um: float, top_um: float) -> str:
    points = (ring - (x0_um, top_um)) * (1e-3, -1e-3)
    return "M" + "L".join(f"{x:.9g} {y:.9g}" for x, y in points.tolist()) + "Z"


def _drawn(job: PrintJob, k: int, x0_um: float, top_um: float) -> str:
    """Return what a laser draws in a layer: one path for the lines of each kind, as wide as a twentieth of the spot's radius."""
    out = []
    for drawing in (e.drawing for e in job.bare(k).exposures if e.drawing is not None):
        stroke = f'fill="none" stroke-width="{_mm(0.05 * drawing.w0_um)}"'
        for group in drawing.groups:
            data = "".join(_path(line.points_um, x0_um, top_um)[:-1] for line in group.polylines())
            facts = f'data-power-mw="{group.power_mw!r}" data-speed-um-s="{group.speed_um_s!r}"'
            out.append(f'<path class="{group.kind}" {stroke} stroke="{STROKES[group.kind]}" {facts} d="{data}"/>')
    return "".join(out)


def read_contours(path: Path) -> Contours:
    """Read the contours of a file that pmsl wrote."""
    try:
        if path.stat().st_size > LONGEST:
            raise JobError(f"{path}: has {path.stat().st_size} bytes, at most {LONGEST} are read")
        xml = path.read_bytes()
    except OSError as err:
        raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err
    found = _Finder()
    parse(xml, found.start, found.end, str(path))
    return found.layers.contours(str(path))


class _Finder:
    """Collects the paths of groups that are layers."""

    def __init__(self) -> None:
        self.layers = Collector()
        self._corner: tuple[float, float] | None = None
        self._top_um: float | None = None
        self._rings: list[np.ndarray] = []

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        """Take what an element says."""
        if name == "svg":
            self._corner = float(attributes["data-x0-um"]), float(attributes["data-top-um"])
        elif name == "g":
            self._top_um, self._rings = float(attributes["data-z-top-um"]), []
        elif name == "path" and self._top_um is not None and "class" not in attributes:  # those are lines of a laser
            self._rings += [self._ring(part) for part in attributes["d"].split("Z") if part]

    def end(self, name: str) -> None:
        """Close a layer."""
        if name == "g" and self._top_um is not None:
            self.layers.layer(self._rings, self._top_um)
            self._top_um = None

    def _ring(self, text: str) -> np.ndarray:
        if self._corner is None or not text.startswith("M"):
            raise ValueError("a path is not as pmsl writes it")
        points = np.array([pair.split(" ") for pair in text[1:].split("L")], np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError("a point of a path has not two numbers")
        return points * (1e3, -1e3) + self._corner
