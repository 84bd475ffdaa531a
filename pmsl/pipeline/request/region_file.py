"""Doses of meshes and regions as they are typed, or written in a file → parts and regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from pmsl.errors import PmslError, UsageError
from pmsl.files.text_file import read_text
from pmsl.mesh.region import SAID, FactorName, Region
from pmsl.pipeline.request import option_parsing
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Strict

if TYPE_CHECKING:
    from pmsl.mesh.part import Part
    from pmsl.mesh.solid import Solid

MOST_BYTES = 1 << 24
MOST_MESHES = 20_000


class RegionTable(Strict, frozen=True, kw_only=True):
    """A table ``[[region]]``: a mesh, with the unit and the coordinates of the part's, and what is given inside it (`Region`).

    Attributes
    ----------
    mesh : str
        File of the region's mesh.
    dose_scale : float, e.g. 0.5
        Factor on the part's effective dose inside it, 0 to 10; left out: 1 where anything else of the light is said.
    focus_um : float, e.g. 20.0
        Focus offset of its exposure.
    power : float, e.g. 1.0
        Light setting of the printer; left out: that of the process.
    wait_before_s : float, e.g. 0.5
        Dark time before its exposure.
    wait_after_s : float, e.g. 0.5
        Dark time after its exposure.
    dilate_um : float
        How far its light also reaches beyond its walls, in the plane, as far as the part does: the collar of a membrane.
    factors : list of {"edge", "roof", "membrane"}
        Factors of the process's `[regions]` that hold only inside this region, and others that name them.
    label : str, e.g. "membrane"
        Its name; left out: that of the mesh.
    """

    mesh: Annotated[str, Meta(min_length=1)]
    dose_scale: float | None = None
    focus_um: float | None = None
    power: float | None = None
    wait_before_s: float | None = None
    wait_after_s: float | None = None
    dilate_um: float = 0.0
    factors: list[FactorName] = []
    label: str | None = None


class RegionFile(Strict, frozen=True, kw_only=True):
    """The whole of a file of regions."""

    region: Annotated[list[RegionTable], Meta(min_length=1)]


def read_regions(path: str | Path) -> list[RegionTable]:
    """Read the regions of a TOML file; meshes are relative to its folder.

    Raises
    ------
    UsageError
        The file cannot be read, or says something no region has; the message says where.
    """
    file = Path(path)
    try:
        text = read_text(file, MOST_BYTES)
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) and err.strerror else "not UTF-8 text"
        raise UsageError(f"--regions {path}: cannot be read ({why})") from err
    try:
        found = parse(text, RegionFile, str(path)).region
    except PmslError as err:
        raise UsageError(f"--regions {err}") from None
    return located(found, file.parent)


def located(tables: Sequence[str | RegionTable], folder: Path) -> list[RegionTable]:
    """Return regions whose meshes are relative to a folder with their paths; texts are as `--region` takes them."""
    read = [region_of_option(table) if isinstance(table, str) else table for table in tables]
    return [msgspec.structs.replace(table, mesh=str(folder / table.mesh)) for table in read]


def region_of_option(text: str) -> RegionTable:
    """Read ``MESH=F``, split at the last ``=``."""
    mesh, equals, factor = text.rpartition("=")
    if not equals or not mesh.strip():
        raise UsageError(f"--region {text!r}: expected a mesh and its dose factor, like membrane.stl=0.5")
    (scale,) = option_parsing.numbers(factor, f"--region {mesh}=", (1,), "0.5")
    return RegionTable(mesh=mesh, dose_scale=scale)


def regions_wanted(tables: Sequence[str | RegionTable], file: str | None) -> list[RegionTable]:
    """Return all regions of an order: those of its file, then its own; of those that overlap the last one counts."""
    own = [region_of_option(table) if isinstance(table, str) else table for table in tables]
    return (read_regions(file) if file is not None else []) + own


def dose_scales(text: str | None, meshes: int) -> tuple[float, ...]:
    """Read ``F`` or ``F,F,…``, one for all meshes or one for each."""
    if text is None:
        return (1.0,) * meshes
    values = option_parsing.numbers(text, "--dose-scale", range(1, MOST_MESHES + 1), "1.5, or 1,0.8 for two meshes")
    if len(values) not in (1, meshes):
        raise UsageError(
            f"--dose-scale {text}: {len(values)} factors for {meshes} mesh{'es' * (meshes > 1)}; give one for all or one for each"
        )
    return values * meshes if len(values) == 1 else values


def engines(text: str | None, meshes: int) -> tuple[str, ...]:
    """Read ``NAME`` or ``NAME,NAME,…``, one for all meshes or one for each."""
    if text is None:
        return ("",) * meshes
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(names) not in (1, meshes):
        raise UsageError(
            f"--engine {text}: {len(names)} names for {meshes} mesh{'es' * (meshes > 1)}; give one, or one for each, like coarse,fine"
        )
    return names * meshes if len(names) == 1 else names


def dressed(
    solids: Sequence[Solid],
    scales: Sequence[float],
    tables: Sequence[RegionTable],
    load: Callable[[str], Solid],
    engines: Sequence[str] | None = None,
) -> list[Solid | Part]:
    """Return meshes with their doses and regions, still to be placed; those without either as they are.

    Parameters
    ----------
    solids : sequence of Solid
    scales : sequence of float
        Dose scale of each.
    tables : sequence of RegionTable
        Regions of all of them.
    load : callable
        Reads the mesh of a region.
    engines : sequence of str, optional
        Name of the light engine of each, ``""`` for the first.

    Raises
    ------
    UsageError, MeshError
        A region that says something no region has; a mesh that cannot be read.
    """
    from pmsl.mesh.part import Part

    regions = tuple(_region(table, load) for table in tables)
    named = [""] * len(solids) if engines is None else engines
    return [
        Part(solid=solid, label=solid.source, dose_scale=scale, engine=engine, regions=regions)
        if regions or scale != 1.0 or engine
        else solid
        for solid, scale, engine in zip(solids, scales, named, strict=True)
    ]


def _region(table: RegionTable, load: Callable[[str], Solid]) -> Region:
    return Region(solid=load(table.mesh), label=table.label or "", **{name: getattr(table, name) for name in SAID})
