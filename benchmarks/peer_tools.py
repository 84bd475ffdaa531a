"""The tools that are set side by side: how each is found, called for the same work, and read back."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from measure import pmsl, python
from PIL import Image

import pmsl as package

Image.MAX_IMAGE_PIXELS = None
SCRIPTS = Path(__file__).resolve().parent / "peer_scripts"


@dataclass(frozen=True)
class Work:
    """Pixels of a field with its lower corner at x = y = 0, and layers from z = 0; layer i is cut at (i + 0.5) layer_um."""

    name: str
    nx: int
    ny: int
    pitch_um: float
    layers: int
    layer_um: float

    def of(self, layers: int) -> Work:
        """Return the same height in another number of layers."""
        return replace(self, name=f"{self.name}/{layers}", layers=layers, layer_um=self.layers * self.layer_um / layers)

    def told(self) -> str:
        """Name it in words."""
        return f"{self.nx} x {self.ny} px of {self.pitch_um:g} um"


WORKS = {
    work.name: work
    for work in (
        Work("W0", 480, 270, 40.0, 40, 125.0),  # a look at whether all runs: start-up times and little else
        Work("W1", 1920, 1080, 10.0, 500, 10.0),
        Work("W2", 2560, 1600, 7.5, 1000, 5.0),
        Work("W3", 10000, 10000, 2.0, 50, 100.0),
    )
}


@dataclass(frozen=True)
class Tool:
    """One tool: `missing` is what is not installed, `command` makes its command line and what that needs beside the output."""

    name: str
    gray: str
    missing: Callable[[], str]
    version: Callable[[], str]
    command: Callable[[Work, Path, Path], list[str]]
    suffix: str = ""
    top_first: bool = False


def frames(out: Path) -> list[bytes]:
    """Return the PNG files of an output, a folder or a ZIP, in order of layers; of a ZIP its members, not as deflated again."""
    if out.is_dir():
        return [p.read_bytes() for p in sorted(out.rglob("*.png"))]
    with zipfile.ZipFile(out) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".png") and "thumbnail" not in n)
        return [archive.read(n) for n in names]


def decoded(png: bytes, tool: Tool, work: Work) -> np.ndarray:
    """Return one frame, row 0 at the smallest y."""
    frame = np.asarray(Image.open(io.BytesIO(png)))
    if frame.shape != (work.ny, work.nx) or frame.dtype != np.uint8:
        raise RuntimeError(f"{tool.name}: a frame is {frame.dtype} {frame.shape}, not uint8 {(work.ny, work.nx)}")
    return frame[::-1] if tool.top_first else frame


def _pmsl(mode: str) -> Callable[[Work, Path, Path], list[str]]:
    def command(work: Work, mesh: Path, out: Path) -> list[str]:
        field = ("--field", f"{work.nx}x{work.ny}", "--pitch-um", f"{work.pitch_um:g}", "--layer-um", f"{work.layer_um:g}")
        machine = ("--printer", "pmsl-10um", "--resin", "pr48-405", "--coverage", mode)
        return pmsl("slice", str(mesh), "-o", str(out), "--keep-place", "--no-design", *machine, *field)

    return command


def _script(script: str, *more: str) -> Callable[[Work, Path, Path], list[str]]:
    def command(work: Work, mesh: Path, out: Path) -> list[str]:
        facts = {"nx": work.nx, "ny": work.ny, "pitch-um": work.pitch_um, "layers": work.layers, "layer-um": work.layer_um}
        told = [word for name, value in facts.items() for word in (f"--{name}", f"{value:g}")]
        return python(str(SCRIPTS / f"{script}.py"), str(mesh), str(out), *told, *more)

    return command


def _python_tool(name: str, gray: str, script: str, packages: dict[str, str], *more: str) -> Tool:
    """Describe a peer made of Python packages, {module: distribution}."""
    return Tool(
        name,
        gray,
        lambda: ", ".join(d for m, d in packages.items() if find_spec(m) is None),
        lambda: ", ".join(f"{d} {metadata.version(d)}" for d in packages.values()),
        _script(script, *more),
    )


def _prusa_program() -> str | None:
    return shutil.which("prusa-slicer") or shutil.which("PrusaSlicer")


@cache
def _prusa_version() -> str:
    told = subprocess.run([str(_prusa_program()), "--help"], capture_output=True, text=True, timeout=60, check=False)
    names = [line.split()[0] for line in (told.stdout + told.stderr).splitlines() if line.startswith("PrusaSlicer-")]
    return names[0].removeprefix("PrusaSlicer-").removesuffix("+UNKNOWN") if names else "unknown"


def _prusa_settings(work: Work) -> dict[str, object]:
    """Return the same field, no change of the part, antialiasing of the full range.

    `slice_closing_radius` would close channels narrower than twice its default of 49 um; `gamma_correction` 0 would threshold.
    """
    width, height, layer = work.nx * work.pitch_um / 1000, work.ny * work.pitch_um / 1000, work.layer_um / 1000
    settings: dict[str, object] = {
        "printer_technology": "SLA",
        "bed_shape": f"0x0,{width:g}x0,{width:g}x{height:g},0x{height:g}",
        "display_width": f"{width:g}",
        "display_height": f"{height:g}",
        "display_pixels_x": work.nx,
        "display_pixels_y": work.ny,
        "display_orientation": "landscape",
        "max_print_height": 200,
        "layer_height": f"{layer:g}",
        "initial_layer_height": f"{layer:g}",
        "faded_layers": 3,
        "slicing_mode": "regular",
        "gamma_correction": 1,
        "relative_correction": "1,1",
        "material_correction": "1,1,1",
    }
    settings |= dict.fromkeys([f"{what}_correction_{axis}" for what in ("relative", "material") for axis in "xyz"], 1)
    off = "display_mirror_x display_mirror_y supports_enable pad_enable hollowing_enable support_object_elevation slice_closing_radius"
    off += " elefant_foot_compensation elefant_foot_min_width absolute_correction"
    return settings | dict.fromkeys(off.split(), 0)


def _prusa_command(work: Work, mesh: Path, out: Path) -> list[str]:
    """Write the configuration beside the output, and keep the settings of whoever runs this out of it."""
    config, data = out.with_suffix(".ini"), out.with_suffix(".settings")
    config.write_text("".join(f"{name} = {value}\n" for name, value in _prusa_settings(work).items()))
    quiet = ("--loglevel", "1", "--datadir", str(data))
    return [str(_prusa_program()), *quiet, "--export-sla", "--load", str(config), "--dont-arrange", "--output", str(out), str(mesh)]


def _nothing() -> str:
    return ""


PMSL = Tool("pmsl", "exact area", _nothing, lambda: package.__version__, _pmsl("area"), ".zip", top_first=True)
PMSL_VOLUME = Tool("pmsl --coverage volume", "exact volume", _nothing, lambda: package.__version__, _pmsl("volume"), ".zip", top_first=True)
PRUSA = Tool(
    "prusa-slicer",
    "area, 8 bit",
    lambda: "" if _prusa_program() else "prusa-slicer",
    _prusa_version,
    _prusa_command,
    ".sl1",
    top_first=True,
)
PYVISTA = _python_tool("pyvista", "binary", "pyvista_masks", {"pyvista": "pyvista", "vtk": "vtk"})
_SKIA = {"manifold3d": "manifold3d", "skia": "skia-python", "trimesh": "trimesh"}
SKIA = _python_tool("manifold3d+skia", "antialiased", "manifold_skia", _SKIA)
TRIMESH = _python_tool("trimesh+pillow", "binary", "trimesh_pillow", {"trimesh": "trimesh", "PIL": "pillow"})
PYSLM = _python_tool("pyslm", "binary", "pyslm_masks", {"pyslm": "PythonSLM"})
STLTOVOXEL = _python_tool("stl-to-voxel", "binary", "stltovoxel_masks", {"stltovoxel": "stl-to-voxel"})
PEERS = {t.name: t for t in (PRUSA, PYVISTA, SKIA, TRIMESH, PYSLM, STLTOVOXEL)}


def supersampled(n: int) -> Tool:
    """Return PyVista with N x N x N points a voxel, the plain way to masks of volume."""
    made = _python_tool(f"pyvista {n}^3", f"{n**3 + 1} levels", "pyvista_masks", {"pyvista": "pyvista", "vtk": "vtk"})
    return replace(made, command=_script("pyvista_masks", "--supersample", str(n)))
