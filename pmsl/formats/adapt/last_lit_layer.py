"""A job ends with a layer that has light: layers above it are left out, and said."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.job.pauses import PAUSE
from pmsl.job.print_job import PrintJob

TOPS = "top-rounded"


def up_to_the_last_lit(job: PrintJob, why: str) -> PrintJob:
    """Return a job without the layers at its end that have no light.

    Parameters
    ----------
    job : PrintJob
        Layers are made from the last down to the first with light.
    why : str
        What leaves the others dark, and what to do.

    Returns
    -------
    PrintJob
        One of which no layer is lit stays as it is, for its writer to say.
    """
    n = job.n_layers
    while n > 0 and not job.bare(n - 1).exposures:
        n -= 1
    if n in (0, job.n_layers):
        return job
    pauses = tuple(pause for pause in job.pauses if pause.before_layer < n)
    why = why if pauses == job.pauses else f"{why}; so are the pauses before them"
    grids = [up_to(e.grid, n) for e in job.engines]
    return dataclasses.replace(
        job,
        engines=tuple(dataclasses.replace(e, grid=grid) for e, grid in zip(job.engines, grids, strict=True)),
        n_layers=n,
        pauses=pauses,
        requires=tuple(name for name in job.requires if name != PAUSE or pauses),
        findings=(*(below(f, n) for f in job.findings if not _of_a_top_above(f, n)), layers_left_out(job.grid, n, why)),
        known_estimate=None,
    )


def up_to(grid: Grid, n_layers: int) -> Grid:
    """Return a grid without its slabs from `n_layers` on."""
    return dataclasses.replace(grid, z_edges_um=grid.z_edges_um[: n_layers + 1])


def below(f: Finding, n_layers: int) -> Finding:
    """Return a finding of a job that is shortened to `n_layers`: its layers are among them."""
    if f.layers is None or f.layers[1] < n_layers:
        return f
    if f.layers[0] >= n_layers:
        return without_numbers(f)
    f = msgspec.structs.replace(f, layers=(f.layers[0], n_layers - 1))
    if f.code != TOPS:
        return f
    return msgspec.structs.replace(f, message="tops of parts below the end of the job are rounded off or up to the slab planes", value=None)


def without_numbers(f: Finding) -> Finding:
    """Return a finding of layers that the job does not have: the text names them."""
    if f.layers is None:
        return f
    first, last = f.layers
    where = f"layer {first}" if first == last else f"layers {first} to {last}"
    return msgspec.structs.replace(f, layers=None, message=f"{f.message} ({where}, left out)")


def layers_left_out(grid: Grid, n_layers: int, why: str, box_um: np.ndarray | None = None) -> Finding:
    """Say that the layers of a grid from `n_layers` on are left out; `box_um` (2, 2) is where they are, the field by default."""
    first, last, z = n_layers, grid.n_layers - 1, grid.z_edges_um
    (x0, y0), (x1, y1) = (np.array([(0.0, 0.0), grid.size_um]) + grid.origin_um if box_um is None else box_um).tolist()
    layers = f"layer {first} has no light and is" if first == last else f"layers {first} to {last} have no light and are"
    return Finding(
        code="layers-left-out",
        severity="warning",
        message=f"{layers} left out, the job ends at {z[n_layers]:.6g} µm: {why}",
        box_um=((x0, y0, float(z[n_layers])), (x1, y1, float(z[-1]))),
        value=float(grid.n_layers - n_layers),
        limit=0.0,
        unit="layers",
    )


def _of_a_top_above(f: Finding, n_layers: int) -> bool:
    """Whether only tops that are left out are meant: no height of layers meets them."""
    return f.code == TOPS and f.layers is not None and f.layers[0] >= n_layers
