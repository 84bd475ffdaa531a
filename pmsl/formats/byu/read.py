"""Print file → PrintJob: named settings, groups, variables and arithmetic over them are followed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.byu.engines import EngineKey, engines_of, key_of, stated
from pmsl.formats.byu.print_file import DESIGN_KEYS, HEADER_COMMENT, MOST_POWER, PA_PER_TORR, VACUUM_TORR, PrintFile
from pmsl.formats.byu.slabs import Picture, PrintFileLayer, slabs_of
from pmsl.formats.byu.table import Table, load
from pmsl.formats.container import zip_of_frames
from pmsl.formats.container.containers import ZipSource
from pmsl.formats.frames.png_read import shape_of_png
from pmsl.formats.incomplete_job import FileExposure, FileFacts, job
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, Engine, PrintJob
from pmsl.job.techniques import FILM, FLAT_FIELD_BY_EXPOSURE, RELIFT, SQUEEZE, VACUUM, Vacuum
from pmsl.profiles.printer import Axis, Orientation

OWN_COMMENT = re.compile(r"\s*pmsl: .*", re.DOTALL)  # what the writer added to a header's comment
OTHER_WAY: dict[Axis, Axis] = {"+x": "-x", "-x": "+x", "+y": "-y", "-y": "+y"}


@dataclass(frozen=True, slots=True)
class OpenPrintFile:
    """A print file: its job, its table, its members, and the folder in it that holds table and images."""

    job: PrintJob
    table: Table
    source: ZipSource
    root: str

    @property
    def images(self) -> str:
        """Folder of the images."""
        return self.root + self.table.file.header.images.rstrip("/")


def table_name(names: set[str] | frozenset[str]) -> str | None:
    """Return the member that is the table of a print file: the one JSON file in the root, or in the only folder that has one there.

    The group's host takes the first only; a slicer of the group packs its samples the second way.
    """
    for depth in (0, 1):
        tables = [n for n in names if n.endswith(".json") and n.count("/") == depth and not n.startswith("__MACOSX/")]
        if tables:
            return tables[0] if len(tables) == 1 and not tables[0].endswith("job.json") else None
    return None


def open_file(path: Path, panel: Panel | None) -> OpenPrintFile:
    """Read a job.

    Raises
    ------
    JobError
        Damaged, not schema 5, or it asks for more than any job.
    UsageError
        `panel` contradicts the file.
    """
    source, where = ZipSource(path), str(path)
    name = table_name(source.names())
    if name is None:
        tables = sum(n.endswith(".json") and "/" not in n for n in source.names())
        raise JobError(f"{path}: {tables} JSON tables in its root; a print file has one")
    root = name.rpartition("/")[0] + "/" if "/" in name else ""
    table = load(source.text(name), f"{path}/{name}")
    found: list[Finding] = []
    slabs = slabs_of(table, found)
    folder = root + table.file.header.images.rstrip("/")
    shapes = _shapes(slabs, table, source, folder, where)
    edges = np.concatenate([[0.0], np.round(np.cumsum([s.thickness_um for s in slabs]), 9)])
    said, key = stated(table.file.header.comment, where), next(iter(shapes))
    engines, pitch_known = engines_of(shapes, edges, said, panel, where, found)
    facts = _facts(path, table.file, engines, key, pitch_known)
    if panel is not None and said.pitch_of(key) is None:
        facts = replace(facts, pitch_source=panel.source)
    requires = (*_asked(slabs), *(() if facts.vacuum is None else (VACUUM,)))
    if requires:
        found.append(Finding(code="host-techniques", severity="info", message=f"the file asks its host for {', '.join(requires)}"))
    facts = replace(facts, motion=slabs[0].motion, requires=requires, findings=tuple(found))
    number = {key: n for n, key in enumerate(shapes)}
    masks = _Masks(source, folder, engines, number, where)
    _change(slabs, lambda e, picture: replace(e, engine=number[picture.engine]))
    made = job(
        facts,
        [s.shown for s in slabs],
        lambda k, j: masks.mask(slabs[k].pictures[j], k),
        lambda k: slabs[k].motion,
        lambda k: slabs[k].squeeze,
        lambda k: slabs[k].relift_after,
    )
    return OpenPrintFile(made, table, source, root)


def _shapes(slabs: list[PrintFileLayer], table: Table, source: ZipSource, folder: str, where: str) -> dict[EngineKey, tuple[int, int]]:
    """Return the frames' (rows, cols) of every engine that shows anything, by its first image; that of the default image comes first."""
    default = table.file.defaults.image
    first: dict[EngineKey, str] = {}
    for slab in slabs:
        for picture in slab.pictures:
            first.setdefault(picture.engine, picture.file)
    order = sorted(first, key=lambda key: key != key_of(default))  # stable: the others by their first image
    files = {key: first[key] for key in order} or {key_of(default): default.file or ""}
    return {key: shape_of_png(source.read(f"{folder}/{file}"), f"{where}: {folder}/{file}") for key, file in files.items()}


def _facts(path: Path, file: PrintFile, engines: tuple[Engine, ...], key: EngineKey, pitch_known: bool) -> FileFacts:
    """Return what the file says beside its layers."""
    asked = file.special.vacuum
    level_torr = VACUUM_TORR if asked.level_torr is None else asked.level_torr
    vacuum = Vacuum(pressure_pa=round(level_torr * PA_PER_TORR, 6), wait_s=asked.wait_s or 0.0) if asked.enable else None
    first = engines[0]
    return FileFacts(
        format="byu",
        file=path.name,
        grid=first.grid,
        orientation=first.orientation,
        printer=file.design.printer or None,
        resin=file.design.resin or None,
        wavelength_nm=float(key.wavelength_nm) if key.wavelength_nm else None,
        engine_name=first.name,
        more_engines=engines[1:],
        pitch_known=pitch_known,
        vacuum=vacuum,
        texts=_texts(file),
        full_power=MOST_POWER,
    )


def _texts(file: PrintFile) -> dict[str, str]:
    """Return what the file says of its design, by the file's own keys; of its header's comment what pmsl did not write."""
    own = {key: getattr(file.design, name) for name, key in DESIGN_KEYS.items()}
    comment = OWN_COMMENT.sub("", file.header.comment)
    return {key: text for key, text in {**own, HEADER_COMMENT: comment}.items() if text}


def _asked(slabs: list[PrintFileLayer]) -> tuple[str, ...]:
    """Return what the layers ask of their host; where not all exposures ask for an even field, each says whether it does."""
    even = {e.flat_field_by_host for slab in slabs for e in slab.shown}
    if True in even:
        every = even == {True}
        _change(slabs, lambda e, _: replace(e, flat_field_by_host=None if every else bool(e.flat_field_by_host)))
    shown = {id(e): e for slab in slabs for e in slab.shown}.values()
    relifts = [relift for relift in (*(s.relift_after for s in slabs), *(e.relift for e in shown)) if relift is not None]
    lifts = [lift for relift in relifts for lift in relift.lifts]
    squeezed = any(slab.squeeze for slab in slabs) or any(lift.squeeze for lift in lifts)
    asked = {
        FLAT_FIELD_BY_HOST: True in even,
        FLAT_FIELD_BY_EXPOSURE: True in even and len(even) > 1,
        RELIFT: bool(lifts),
        SQUEEZE: squeezed,
        FILM: any(e.film_lift_um is not None for e in shown),
    }
    return tuple(ability for ability, wanted in asked.items() if wanted)


def _change(slabs: list[PrintFileLayer], change: Callable[[FileExposure, Picture], FileExposure]) -> None:
    """Change all exposures; what is one object in many layers stays one."""
    changed: dict[int, tuple[FileExposure, FileExposure]] = {}  # by the id of the old one, which is kept, or its id could be another's
    for slab in slabs:
        for i, (e, picture) in enumerate(zip(slab.shown, slab.pictures, strict=True)):
            if id(e) not in changed:
                changed[id(e)] = e, change(e, picture)
            slab.shown[i] = changed[id(e)][1]


class _Masks:
    """Reads images as masks, flipped as the host would; the last one is not decoded again."""

    def __init__(self, source: ZipSource, folder: str, engines: Sequence[Engine], number: dict[EngineKey, int], where: str) -> None:
        self._source, self._folder, self._engines, self._number, self._where = source, folder, engines, number, where
        self._last: tuple[Picture, LayerMask] | None = None  # set whole: any thread may come

    def mask(self, picture: Picture, k: int) -> LayerMask:
        """Return the mask of an exposure of layer `k`."""
        last = self._last
        if last is not None and last[0] == picture:
            return replace(last[1], index=k)
        engine = self._engines[self._number[picture.engine]]
        turn = _flipped(engine.orientation, picture)
        mask = zip_of_frames.mask_of_png(self._source, f"{self._folder}/{picture.file}", k, engine.grid.shape, turn, self._where)
        self._last = picture, mask
        return mask


def _flipped(turn: Orientation, picture: Picture) -> Orientation:
    """Return how an image lies that the host flips before it is shown: across the short axis its rows, across the long one its columns."""
    row = OTHER_WAY[turn.row] if picture.flip_rows else turn.row
    col = OTHER_WAY[turn.col] if picture.flip_cols else turn.col
    return Orientation(row=row, col=col)
