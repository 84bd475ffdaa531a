"""Pictures of a fit: measurements with curve and band, residuals, values with intervals and correlations, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.regression import student
from pmsl.errors import OutputError
from pmsl.files.output_file import check_new_file
from pmsl.report.prediction_plots import check_plots, new_figure, save_figure

MOST_VALUES = 12


def fit_plot_names(result: FitResult) -> list[str]:
    """Return the names of the files that `write_fit_plots` writes: ``KIND-fit.png``, ``KIND-values.png``, one of each table."""
    drawn = ["fit"] if result.measured else []
    tables = [name for name in result.tables if not name.endswith("_sd")]
    return [f"{result.kind}-{name}.png" for name in (*drawn, "values", *tables)]


def write_fit_plots(result: FitResult, folder: str | Path, force: bool = False) -> list[Path]:
    """Write the pictures of a fit into a folder.

    Parameters
    ----------
    result : FitResult
    folder : path-like
        Made if it is not there.
    force : bool
        Replace pictures that are there.

    Returns
    -------
    list of Path

    Raises
    ------
    UsageError
        matplotlib is not installed, a picture is there.
    OutputError
        A picture cannot be written.
    """
    check_plots()
    paths = [Path(folder) / name for name in fit_plot_names(result)]
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(f"--pictures {folder}: no folder can be made there ({err.strerror or err})") from err
    for path in paths:
        check_new_file(str(path), force, "--pictures")
    figures = [measurement_figure(result)] if result.measured else []
    figures.append(values_figure(result))
    figures += [_table_figure(name, result) for name in result.tables if not name.endswith("_sd")]
    for figure, path in zip(figures, paths, strict=True):
        save_figure(figure, path)
    return paths


def measurement_figure(result: FitResult) -> Any:
    """Draw measurements with the fit and its 95 % band, and residuals, over the first setting that varies.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    matplotlib.figure.Figure
    """
    *settings, what = result.measured
    x_name = next((name for name in settings if np.ptp(result.measured[name]) > 0), settings[0] if settings else what)
    x, y = result.measured[x_name], result.measured[what]
    fitted, curve = y - result.residuals, result.prediction
    figure, (above, below) = new_figure(2)
    if "low_um" in curve and x_name in curve:
        above.plot(curve[x_name], curve[what], color="black", label="fit")
        above.fill_between(
            curve[x_name], curve["low_um"], curve["high_um"], color="black", alpha=0.12, label="95 % of a further measurement"
        )
    else:
        reach = student(max(len(y) - len(result.parameters), 1)) * result.rmse
        above.errorbar(x, fitted, yerr=reach, fmt="_", color="black", elinewidth=0.6, alpha=0.5, label="fit, ± 95 % of a measurement")
    above.plot(x, y, "o", color="tab:blue", markersize=4, alpha=0.8, label="measured")
    below.axhline(0.0, color="black", linewidth=0.8)
    for side in (-2, 2):
        below.axhline(side * result.rmse, color="gray", linestyle=":", linewidth=0.8)
    below.plot(x, result.residuals, "o", color="tab:blue", markersize=4, alpha=0.8)
    if x_name.startswith(("dose", "time")):
        below.set_xscale("log")
    above.set(ylabel=_words(what, result.unit), title=f"{result.kind}: {result.n} measurements")
    below.set(xlabel=_words(x_name), ylabel=f"residual [{result.unit}]" if result.unit else "residual")
    above.legend(fontsize="small")
    return figure


def values_figure(result: FitResult) -> Any:
    """Draw the fitted values with their 95 % intervals, relative to themselves, and how they hang together.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(result.parameters)[:MOST_VALUES]
    figure, (above, below) = new_figure(2, shared=False)
    for i, name in enumerate(names):
        p = result.parameters[name]
        if not np.isfinite(p.value):
            above.annotate("∞", (1.0, i))
            continue
        scale = abs(p.value) or max(abs(p.interval95[1]), 1e-300)
        low, high = (np.clip(end / scale, -1.0, 3.0) for end in p.interval95)
        above.plot([low, high], [i, i], color="tab:blue", linewidth=2)
        above.plot([p.value / scale], [i], "o", color="black", markersize=4)
    above.set(yticks=range(len(names)), xlabel="95 % interval, of the value", title=f"{result.kind}: fitted values")
    above.set_yticklabels([f"{n} {result.parameters[n].value:.4g} {result.parameters[n].unit}".strip() for n in names], fontsize="small")
    sd = np.sqrt(np.maximum(np.diag(result.covariance), 0.0))[: len(names)]
    correlation = result.covariance[: len(names), : len(names)] / np.where(sd > 0, sd, 1.0)[:, None] / np.where(sd > 0, sd, 1.0)
    shown = below.imshow(correlation, vmin=-1, vmax=1, cmap="RdBu_r")
    below.set(xticks=range(len(names)), yticks=range(len(names)), title="correlation")
    below.set_xticklabels(names, fontsize="small", rotation=30)
    below.set_yticklabels(names, fontsize="small")
    figure.colorbar(shown, ax=below)
    return figure


def _table_figure(name: str, result: FitResult) -> Any:
    """Draw a list of values with its error, or a map."""
    table, spread = result.tables[name], result.tables.get(f"{name}_sd")
    figure, axes = new_figure()
    if table.ndim == 2:
        figure.colorbar(axes.imshow(table, origin="lower", aspect="auto"), ax=axes)
        axes.set(title=_words(name))
        return figure
    at = np.arange(len(table))
    axes.plot(at, table, color="black")
    if spread is not None:
        axes.fill_between(at, table - 2 * spread, table + 2 * spread, color="black", alpha=0.15, label="± 2 sd")
        axes.legend(fontsize="small")
    axes.set(xlabel="level", ylabel="relative to white", title=_words(name))
    return figure


def _words(name: str, unit: str = "") -> str:
    """Return a column's name with its unit apart."""
    for end, known in (("_mj_cm2", "mJ/cm²"), ("_mw_cm2", "mW/cm²"), ("_um", "µm"), ("_px", "px"), ("_deg", "°"), ("_s", "s")):
        if name.endswith(end):
            return f"{name.removesuffix(end).replace('_', ' ')} [{known}]"
    return f"{name.replace('_', ' ')} [{unit}]" if unit else name.replace("_", " ")
