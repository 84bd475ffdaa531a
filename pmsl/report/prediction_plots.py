"""Pictures of a predicted print: differences layer by layer, cuts, working curve, doses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.cure.model import FLUSH_SHARE
from pmsl.errors import OutputError, UsageError
from pmsl.formats.frames.device_frame import turn
from pmsl.job.print_job import PrintJob
from pmsl.predict import DoseHistogram, Prediction, SeenLayer
from pmsl.predict.cross_section import Section
from pmsl.profiles.printer import Orientation
from pmsl.report.drawing import AXES_PX, LINE_PX, draw_directions, draw_legend, draw_scale_bar, wrapped, write_lines

VOID, BOTH, CURED, WANTED = (24, 24, 28), (190, 190, 190), (240, 110, 30), (50, 130, 240)
LEGEND = ((BOTH, "cured as designed"), (CURED, "cured, not wanted"), (WANTED, "wanted, not cured"))
PAPER, INK = (40, 40, 44), (225, 225, 225)
CAPTION_PX, GAP = 480, 10
SUBLAYERS = 10
SIDE_PX = 640  # of pictures of small parts
INCHES, DPI = (9.0, 5.0), 110


def layer_picture(seen: SeenLayer, grid: Grid, orientation: Orientation, path: Path) -> None:
    """Write a PNG of one layer, turned as its frame is: gray both, orange cured but not wanted, blue wanted but not cured.

    A pixel of the field is one of the picture, of small parts a square of several. Below: layer and z, directions, a scale bar, the legend.

    Parameters
    ----------
    seen : SeenLayer
    grid : Grid
        Of the job.
    orientation : Orientation
    path : Path

    Raises
    ------
    OutputError
        The picture cannot be written.
    """
    wanted = seen.design_share.astype(np.float64)
    cured = np.clip(seen.lit.front.astype(np.float64), 0.0, 1.0)
    both = np.minimum(wanted, cured)
    parts = ((both, BOTH), (cured - both, CURED), (wanted - both, WANTED), (1.0 - np.maximum(wanted, cured), VOID))
    colours = [sum(share * colour[channel] for share, colour in parts) for channel in range(3)]
    turned = [turn(np.round(c).astype(np.uint8), orientation.plain) for c in colours]
    try:
        picture = Image.fromarray(np.ascontiguousarray(np.dstack(turned)))
        many = max(1, SIDE_PX // max(picture.size))
        picture = picture.resize((many * picture.width, many * picture.height), Image.Resampling.NEAREST)
        _with_caption(picture, seen.lit.index, grid, orientation.plain, many).save(path, "PNG")
    except OSError as err:
        raise OutputError(f"{path}: the picture cannot be written ({err.strerror or err})") from err


def _with_caption(picture: Image.Image, k: int, grid: Grid, orientation: Orientation, many: int) -> Image.Image:
    """Return a picture of a layer with layer and z, directions, scale bar and legend below; `many` of its pixels are one of the field."""
    edges, pitch = grid.z_edges_um, float(grid.pitch_um[0 if orientation.col[1] == "x" else 1])
    width = max(picture.width, CAPTION_PX)
    title = wrapped(f"layer {k}   z {edges[k]:g}..{edges[k + 1]:g} µm, cured by all light, predicted", width - 2 * GAP)
    out = Image.new("RGB", (width, picture.height + LINE_PX * (len(title) + 2) + GAP), PAPER)
    out.paste(picture, (0, 0))
    y = picture.height + GAP // 2
    write_lines(out, GAP, y, title, INK)
    y += LINE_PX * len(title)
    draw_directions(out, GAP, y, orientation, INK)
    draw_scale_bar(out, GAP + AXES_PX + GAP, y, pitch / many, width // 3, INK)
    draw_legend(out, GAP, y + LINE_PX, LEGEND, INK, INK)
    return out


def check_plots() -> None:
    """Refuse plots where matplotlib is not installed; raises `UsageError`."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as err:
        raise UsageError("pictures need matplotlib; install it with: pip install 'pmsl[plot]'") from err


def write_plots(job: PrintJob, found: Prediction, sections: Sequence[Section], folder: Path) -> None:
    """Write working curve, histogram of doses and every section into a folder.

    Parameters
    ----------
    job : PrintJob
    found : Prediction
    sections : sequence of Section
        Which watched the simulation.
    folder : Path

    Raises
    ------
    UsageError
        matplotlib is not installed.
    OutputError
        A picture cannot be written.
    """
    check_plots()
    curve, doses, *cuts = plot_names(sections)
    save_figure(working_curve(job), folder / curve)
    save_figure(dose_histogram(found), folder / doses)
    for section, name in zip(sections, cuts, strict=True):
        save_figure(section_figure(section, CureModel.of(job.resin)), folder / name)


def plot_names(sections: Sequence[Section]) -> list[str]:
    """Return the names of the files that `write_plots` writes."""
    return ["working-curve.png", "doses.png", *(f"section-{section.axis}-{section.at_um:g}um.png" for section in sections)]


def working_curve(job: PrintJob) -> Any:
    """Draw the working curve of the job's resin, with the white doses of its layers.

    Returns
    -------
    matplotlib.figure.Figure
    """
    model = CureModel.of(job.resin)
    doses = [e.dose_mj_cm2 for k in {0, job.n_layers // 2} for e in job[k].exposures]
    longest = model.decay.longest_um
    depth = np.linspace(0.0, longest * max(2.0, 1.2 * np.log(max(doses, default=model.ec_mj_cm2) / model.ec_mj_cm2)), 200)
    dose = np.array([model.dose_reaching_mj_cm2(model.ec_mj_cm2, float(z)) for z in depth])
    figure, axes = new_figure()
    axes.semilogx(dose, depth, color="black", label=f"{job.resin.name}")
    axes.axvline(model.ec_mj_cm2, color="gray", linestyle=":", label=f"Ec = {model.ec_mj_cm2:g} mJ/cm²")
    for value, style, name in zip(sorted(set(doses)), ("-", "--", "-.", ":"), ("layer dose", "bottom dose", "", ""), strict=False):
        cured = float(np.interp(value, dose, depth))
        axes.axvline(value, color="tab:orange", linestyle=style, label=f"{name} {value:.4g} mJ/cm²: {cured:.4g} µm alone".strip())
    axes.axhline(float(np.median(job.grid.thickness_um)), color="tab:blue", linewidth=0.8, label="layer")
    axes.set(xlabel="dose [mJ/cm²]", ylabel="cured depth of one exposure [µm]", title="Working curve", ylim=(0.0, None))
    axes.legend(fontsize="small")
    return figure


def dose_histogram(found: Prediction) -> Any:
    """Draw how often doses occur in pixels wholly solid and wholly void, with the threshold; returns a matplotlib Figure."""
    counts: DoseHistogram = found.dose_mj_cm2["histogram"]
    figure, axes = new_figure()
    threshold = found.dose_mj_cm2["threshold"]
    if len(counts.solid):
        axes.stairs(counts.solid, counts.edges_mj_cm2, fill=True, alpha=0.6, color="tab:gray", label="solid by design")
        axes.stairs(counts.void, counts.edges_mj_cm2, color="tab:orange", label="void by design, lit")
        first = min(threshold / 30, counts.edges_mj_cm2[np.flatnonzero(counts.solid)[0]] if counts.solid.any() else threshold)
        axes.set_xlim(first, 1.1 * float(counts.edges_mj_cm2[-1]))
        axes.set(xscale="log", yscale="log")
    axes.axvline(threshold, color="black", label=f"solid from {threshold:g} mJ/cm²")
    share = found.model.get("flush_share", FLUSH_SHARE)
    label = f"flushes below {'half' if share == FLUSH_SHARE else f'{share:g}'} of it"
    axes.axvline(share * threshold, color="black", linestyle=":", label=label)
    axes.set(xlabel="dose at the exposure plane [mJ/cm²]", ylabel="voxels", title="Doses, predicted")
    axes.legend(fontsize="small")
    return figure


def section_figure(section: Section, model: CureModel) -> Any:
    """Draw a cut: what is cured and wanted, and the dose; returns a matplotlib Figure."""
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.patches import Patch

    figure, (top, below) = new_figure(rows=2)
    edges, along = section.grid.z_edges_um, section.along_um
    thickness = np.diff(edges)
    depth = (np.arange(SUBLAYERS)[::-1] + 0.5) / SUBLAYERS  # of a slab, its lowest first
    cured = section.cured_um[:, None, :] > (thickness[:, None] * depth)[:, :, None]
    wanted = wanted_in_slabs(section.design_share, depth)
    kind = (cured + 2 * wanted).reshape(-1, cured.shape[-1])
    heights = np.append((edges[:-1, None] + thickness[:, None] * np.arange(SUBLAYERS) / SUBLAYERS).reshape(-1), edges[-1])
    colours = ListedColormap(np.array([VOID, CURED, WANTED, BOTH]) / 255)
    top.pcolormesh(along, heights, kind, cmap=colours, vmin=-0.5, vmax=3.5, rasterized=True)
    top.set(ylabel="z [µm]", title=f"cut at {section.axis} = {section.at_um:g} µm, predicted")
    shown = [Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), label=text) for colour, text in LEGEND]
    figure.legend(handles=shown, fontsize="small", loc="outside lower center", ncols=len(shown))
    dose = np.maximum(section.dose_mj_cm2, 1e-6)
    norm = LogNorm(0.03 * model.threshold_mj_cm2, max(float(dose.max()), model.threshold_mj_cm2))
    picture = below.pcolormesh(along, edges, dose, norm=norm, cmap="inferno", rasterized=True)
    middles = 0.5 * (along[:-1] + along[1:])
    if len(middles) > 1 and cured.any() and not cured.all():
        solid = cured.reshape(-1, len(middles)).astype(float)
        below.contour(middles, 0.5 * (heights[:-1] + heights[1:]), solid, levels=[0.5], colors="cyan", linewidths=0.8)
    bar = figure.colorbar(picture, ax=below, label="mJ/cm²")
    bar.ax.axhline(model.threshold_mj_cm2, color="cyan")
    below.set(xlabel=f"{'y' if section.axis == 'x' else 'x'} [µm]", ylabel="z [µm]", title="dose at each layer's exposure plane; line: Ec")
    return figure


def wanted_in_slabs(share: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Tell where inside slabs the design is solid.

    Parameters
    ----------
    share : (L, n) float
        Designed share of every voxel.
    depth : (S,) float64
        Places below the upper side of a slab, in slabs.

    Returns
    -------
    (L, S, n) bool
        A voxel between a solid and a void one is solid on the side of the solid one; others, with a wall in them, are wholly what
        they are for the larger part.
    """
    padded = np.pad(share, ((1, 1), (0, 0)))
    rise = (padded[2:] - padded[:-2])[:, None, :]  # above less below
    part, at = share[:, None, :], depth[None, :, None]
    inside = np.where(rise > 0, at < part, 1.0 - at < part)
    return np.asarray(np.where(np.abs(rise) > 0.5, inside, part >= 0.5))


def new_figure(rows: int = 1, shared: bool = True) -> tuple[Any, Any]:
    """Make a figure that belongs to no window: rows of axes, of one x where they are `shared`."""
    check_plots()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(INCHES[0], INCHES[1] * (0.6 + 0.4 * rows)), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, 1, sharex=rows > 1 and shared)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure; raises `OutputError`."""
    try:
        figure.savefig(path)
    except OSError as err:
        raise OutputError(f"{path}: the picture cannot be written ({err.strerror or err})") from err
