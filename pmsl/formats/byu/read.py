"""Print file → PrintJob. Named settings, groups of layers and plain variables are followed; expressions are refused."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.job import PrintJob
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError
from pmsl.formats import frames, stream, zipped
from pmsl.formats.bundle import ZipSource
from pmsl.formats.byu.document import MOST_POWER, Image, Layer, Position, PrintFile
from pmsl.formats.contract import VerifyOptions
from pmsl.formats.partial import Facts, Shown, job
from pmsl.formats.pngread import shape_of_png
from pmsl.profiles import Motion
from pmsl.profiles.printer import Orientation
from pmsl.profiles.strict import build

MOST_LAYERS, MOST_EXPOSURES, DEEPEST = 200_000, 1_000_000, 16
PITCHES_UM = {(1600, 2560): 7.56, (1080, 1920): 0.75}  # of the group's printers, by frame
MOST_UM = 1e5  # thickest layer
STATED = re.compile(r"pitch_um = ([0-9.e+-]{1,30}) ([0-9.e+-]{1,30}); row = ([+-][xy]); col = ([+-][xy])")
IGNORED = {
    "corrected": "grayscale correction",
    "mirror_short": "mirrored image",
    "mirror_long": "mirrored image",
    "special": "special technique",
}
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(slots=True)
class _Slab:
    """One layer of the job: what is shown in it, in which files."""

    thickness_um: float
    motion: Motion
    files: list[str]
    shown: list[Shown]


def read(path: Path) -> PrintJob:
    """Read a job.

    Raises
    ------
    JobError
        Damaged, not schema 5, or it asks for more than any job.
    """
    return _read(path)[0]


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Read every image, and look for what the host would not take."""
    made, table, source = _read(path)
    wrong = [] if table.defaults.image.file else ["the default image has no file"]
    folder = table.header.images.rstrip("/")
    if table.defaults.image.file and f"{folder}/{table.defaults.image.file}" not in source.names():
        wrong.append(f"{folder}/{table.defaults.image.file}, the default image, is missing")
    wrong += [f"{n}: the host does not unpack such a name" for n in sorted(source.names()) if re.search(r"\.csv|\.log|exposure_data", n)]
    return [*wrong, *stream.problems(made, options)]


def _read(path: Path) -> tuple[PrintJob, PrintFile, ZipSource]:
    source = ZipSource(path)
    tables = sorted(n for n in source.names() if n.endswith(".json") and "/" not in n)
    if len(tables) != 1:
        raise JobError(f"{path}: {len(tables)} JSON tables in its root; a print file has one")
    where = f"{path}/{tables[0]}"
    table = _table(source.text(tables[0]), where)
    found: list[Finding] = []
    slabs = _slabs(table, where, found)
    folder = table.header.images.rstrip("/")
    grid, turn = _grid(table, slabs, source, folder, str(path), found)
    wavelength = table.defaults.image.wavelength_nm

    def mask_of(k: int, j: int) -> LayerMask:
        return zipped.mask_of_png(source, f"{folder}/{slabs[k].files[j]}", k, grid.shape, turn, str(path))

    facts = Facts(
        format="byu",
        file=path.name,
        grid=grid,
        orientation=turn,
        printer=table.design.printer or None,
        resin=table.design.resin or None,
        wavelength_nm=float(wavelength) if wavelength is not None and wavelength > 0 else None,
        motion=slabs[0].motion,
        findings=tuple(found),
    )
    return job(facts, [s.shown for s in slabs], mask_of, lambda k: slabs[k].motion), table, source


def _table(data: bytes, where: str) -> PrintFile:
    """Read the JSON table, variables put in."""
    try:
        plain: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
        raise JobError(f"{where}: not valid JSON ({err}); the file is damaged") from err
    if not isinstance(plain, dict) or not isinstance(plain.get("Header"), dict):
        raise JobError(f"{where}: no Header; not a print file")
    version = plain["Header"].get("Schema version")
    if not (isinstance(version, str) and re.fullmatch(r"5\.\d\.\d", version)):
        raise JobError(f"{where}: schema version is {version!r}; this pmsl reads 5.x.x")
    variables = plain.get("Variables")
    return build(_with_variables(plain, variables if isinstance(variables, dict) else {}, where, 0), PrintFile, where, JobError)


def _with_variables(item: Any, variables: dict[str, Any], where: str, depth: int) -> Any:
    """Put the values of variables in place of ``${name}``."""
    if depth > DEEPEST:
        raise JobError(f"{where}: tables lie more than {DEEPEST} deep; not a print file")
    if isinstance(item, dict):
        return {
            k: v if k == "Named layer groups" else _with_variables(v, variables, where, depth + 1) for k, v in item.items()
        }  # a call of a group may bring variables of its own
    if isinstance(item, list):
        return [_with_variables(v, variables, where, depth + 1) for v in item]
    if not (isinstance(item, str) and "${" in item):
        return item
    name = re.fullmatch(r"\$\{\s*(\w{1,80})\s*\}", item)
    if name is None or name[1] not in variables:
        raise JobError(f"{where}: {item[:80]!r} is an expression or an unknown variable; write its value in its place")
    value = variables[name[1]]
    if isinstance(value, str) and "${" in value:
        raise JobError(f"{where}: variable {name[1]!r} is {value[:80]!r}; write its value in its place")
    return value


def _expanded(table: PrintFile, where: str) -> Iterator[Layer]:
    """Yield all layers, groups called and layers repeated."""
    for layer in table.layers:
        if layer.group is None:
            yield from (layer for _ in range(min(layer.count or 1, MOST_LAYERS + 1)))
            continue
        group = table.groups.get(layer.group)
        if not isinstance(group, list) or not group:
            raise JobError(f"{where}: no group of layers is called {layer.group[:80]!r}")
        variables = {**table.variables, **(layer.variables or {})}
        entries = [build(_with_variables(copy.deepcopy(e), variables, where, 0), Layer, where, JobError) for e in group]
        if any(e.group is not None for e in entries):
            raise JobError(f"{where}: group {layer.group[:80]!r} calls another; a group holds layers only")
        for _ in range(min(layer.count or 1, MOST_LAYERS + 1)):
            for entry in entries:
                yield from (entry for _ in range(min(entry.count or 1, MOST_LAYERS + 1)))


def _slabs(table: PrintFile, where: str, found: list[Finding]) -> list[_Slab]:
    """Return the layers with their settings in full; one of no thickness adds its exposures to the one below."""
    slabs: list[_Slab] = []
    exposures, merged, ignored = 0, 0, {"special print technique"} if table.special else set[str]()
    known: dict[int, tuple[Layer, _Slab]] = {}  # repeated layers are worked out once; the layer is kept, or its id could be another's
    for layer in _expanded(table, where):
        if id(layer) not in known:
            known[id(layer)] = layer, _slab(layer, table, where, ignored)
        slab = known[id(layer)][1]
        exposures += len(layer.images or ()) or 1
        if len(slabs) + merged >= MOST_LAYERS or exposures > MOST_EXPOSURES:
            raise JobError(f"{where}: more than {MOST_LAYERS} layers or {MOST_EXPOSURES} exposures; the file was tampered with")
        if slab.thickness_um > 0:
            slabs.append(_Slab(slab.thickness_um, slab.motion, [*slab.files], [*slab.shown]))
        elif slabs:
            merged += 1
            slabs[-1].files.extend(slab.files)
            slabs[-1].shown.extend(slab.shown)
        else:
            raise JobError(f"{where}: the first layer has no thickness")
    if not slabs:
        raise JobError(f"{where}: no layers; there is nothing to print")
    if merged:
        message = f"{merged} layers of 0 µm were joined with the layers below them; their own motion is not kept"
        found.append(Finding(code="zero-layers", severity="warning", message=message, value=float(merged)))
    if ignored:
        message = f"the file asks for {', '.join(sorted(ignored))}, which a job does not hold: left out"
        found.append(Finding(code="not-read", severity="warning", message=message))
    return slabs


def _slab(layer: Layer, table: PrintFile, where: str, ignored: set[str]) -> _Slab:
    """Return one layer with its settings in full; what a job does not hold is added to `ignored`."""
    position, images = _settings(layer, table, where)
    ignored |= {IGNORED[f] for f in IGNORED for i in images if getattr(i, f)}
    if position.special:
        ignored.add(IGNORED["special"])
    files, shown = _shown(images, where)
    thickness_um = position.thickness_um or 0.0
    if not thickness_um <= MOST_UM:
        raise JobError(f"{where}: a layer is {thickness_um:g} µm thick; at most {MOST_UM:g} is read")
    return _Slab(thickness_um, _motion(position, where), files, shown)


def _settings(layer: Layer, table: PrintFile, where: str) -> tuple[Position, list[Image]]:
    """Return position and exposures of a layer in full: defaults, then named settings, then its own."""
    position = _over(table.defaults.position, _follow(layer.position, table.named_positions, Position, where))
    base = table.defaults.image
    if layer.named_images:
        base = _over(base, _follow(Image(named=layer.named_images), table.named_images, Image, where))
    images = layer.images if layer.images else [Image()]
    return position, [_over(base, _follow(i, table.named_images, Image, where)) for i in images]


def _follow(own: S | None, named: dict[str, Any], kind: type[S], where: str, depth: int = 0) -> S:
    """Return settings with those that they name below them."""
    own = kind() if own is None else own
    name = getattr(own, "named", None)
    if not name:
        return own
    if depth > DEEPEST:
        raise JobError(f"{where}: settings {name[:80]!r} name each other in a circle")
    return _over(_follow(_named(name, named, kind, where), named, kind, where, depth + 1), own)


def _named(name: str, named: dict[str, Any], kind: type[S], where: str) -> S:
    if name not in named:
        raise JobError(f"{where}: no settings are called {name[:80]!r}")
    return build(named[name], kind, where, JobError)


def _over(base: S, own: S) -> S:
    """Return `base` with all that `own` says."""
    changes: dict[str, Any] = {f: getattr(own, f) for f in own.__struct_fields__ if getattr(own, f) is not None}
    return msgspec.structs.replace(base, **changes)


def _shown(images: list[Image], where: str) -> tuple[list[str], list[Shown]]:
    """Return files and exposures of a layer; those without light are left out, equal ones in a row are repeats."""
    files: list[str] = []
    shown: list[Shown] = []
    for i in images:
        if not i.file or i.time_ms is None or i.power is None:
            raise JobError(f"{where}: an exposure without image file, time or power setting; the file is damaged")
        if i.time_ms == 0 or i.power == 0:
            continue
        one = Shown(
            time_s=i.time_ms / 1000.0,
            power=i.power / MOST_POWER,
            offset_um=(i.x_um or 0.0, i.y_um or 0.0),
            focus_um=i.focus_um or 0.0,
            wait_before_s=(i.before_ms or 0.0) / 1000.0,
            wait_after_s=(i.after_ms or 0.0) / 1000.0,
        )
        if files and files[-1] == i.file and replace(shown[-1], repeat=1) == one:
            shown[-1] = replace(shown[-1], repeat=shown[-1].repeat + 1)
        else:
            files.append(i.file)
            shown.append(one)
    return files, shown


def _motion(p: Position, where: str) -> Motion:
    """Return the motion of a position in full."""
    values = {
        "lift_um": p.up_mm,
        "lift_um_s": p.up_mm_s,
        "lift_um_s2": p.up_mm_s2,
        "retract_um_s": p.down_mm_s,
        "retract_um_s2": p.down_mm_s2,
        "wait_before_lift_s": p.initial_wait_ms,
        "wait_top_s": p.up_wait_ms,
        "settle_s": p.final_wait_ms,
    }
    missing = [field for field, value in values.items() if value is None]
    if missing:
        raise JobError(f"{where}: the default position settings do not say {', '.join(missing)}; the file is damaged")
    scaled = {f: float(v or 0.0) * (1000.0 if "_um" in f else 0.001) for f, v in values.items()}
    return build({f: round(v, 9) for f, v in scaled.items()}, Motion, where, JobError)


def _grid(
    table: PrintFile, slabs: list[_Slab], source: ZipSource, folder: str, where: str, found: list[Finding]
) -> tuple[Grid, Orientation]:
    """Return pixels and slabs: the frame of the first image, the pitch the writer stated or a known printer's."""
    files = [*(f for s in slabs for f in s.files), table.defaults.image.file or ""]
    frame = shape_of_png(source.read(f"{folder}/{files[0]}"), f"{where}: {folder}/{files[0]}")
    stated = STATED.search(table.header.comment)
    turn, pitch = Orientation(), (1.0, 1.0)
    try:
        if stated is not None:
            pitch = (float(stated[1]), float(stated[2]))
            turn = Orientation(row=stated[3], col=stated[4])  # type: ignore[arg-type]
        else:
            pitch = (PITCHES_UM.get(frame, 1.0),) * 2
            message = f"the file does not say its pixel pitch; {pitch[0]:g} µm stands in its place: only the scale in x and y rests on it"
            found.append(Finding(code="pitch-guessed", severity="warning", message=message, value=pitch[0], unit="µm"))
        edges = np.concatenate([[0.0], np.round(np.cumsum([s.thickness_um for s in slabs]), 9)])
        return Grid(origin_um=(0.0, 0.0), pitch_um=pitch, shape=frames.frame_shape(frame, turn), z_edges_um=edges), turn
    except (GridError, ValueError) as err:
        raise JobError(f"{where}: {err}; the file is damaged") from err
