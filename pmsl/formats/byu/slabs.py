"""Layers of a print file with their settings in full → slabs of the job: what is shown in each, after which moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import JobError
from pmsl.formats.byu.engines import EngineKey, key_of
from pmsl.formats.byu.expressions import DEEPEST
from pmsl.formats.byu.print_file import FILM_MM, MOST_POWER, SQUEEZE_MS, SQUEEZE_N, Image, Layer, Position
from pmsl.formats.byu.table import MOST_LAYERS, Table
from pmsl.formats.incomplete_job import FileExposure
from pmsl.job.techniques import MOST_LIFTS, Relift, Squeeze, in_turn
from pmsl.profiles import Motion
from pmsl.profiles.tables.schema import build

MOST_EXPOSURES = 1_000_000
MOST_AGAIN = 1000  # times an image is shown again in layers of 0 µm of its own
MOST_UM = 1e5  # thickest layer
S = TypeVar("S", Position, Image)


@dataclass(frozen=True, slots=True)
class Picture:
    """Which image an exposure shows, and how: its file, whether the host flips its rows and columns, on which engine."""

    file: str
    flip_rows: bool
    flip_cols: bool
    engine: EngineKey


@dataclass(slots=True)
class PrintFileLayer:
    """One layer of the job."""

    thickness_um: float
    motion: Motion
    squeeze: Squeeze | None
    relift_after: Relift | None = None
    pictures: list[Picture] = field(default_factory=list)
    shown: list[FileExposure] = field(default_factory=list)


def slabs_of(table: Table, found: list[Finding]) -> list[PrintFileLayer]:
    """Return the layers with their settings in full.

    A layer of no thickness adds its exposures to the one below, after a lift that comes back; without light it is only that lift.

    Raises
    ------
    JobError
        No layers, a first one of no thickness, too many, or settings that are not there.
    """
    slabs: list[PrintFileLayer] = []
    counted = exposures = 0
    known: dict[
        int, tuple[Layer, PrintFileLayer]
    ] = {}  # repeated layers are worked out once; the layer is kept, or its id could be another's
    for layer in table.layers():
        if id(layer) not in known:
            known[id(layer)] = layer, _slab(layer, table, found)
        slab = known[id(layer)][1]
        counted, exposures = counted + 1, exposures + max(1, len(slab.shown))
        if counted > MOST_LAYERS or exposures > MOST_EXPOSURES:
            raise JobError(f"{table.where}: more than {MOST_LAYERS} layers or {MOST_EXPOSURES} exposures; the file was tampered with")
        if slab.thickness_um > 0:
            slabs.append(replace(slab, pictures=[*slab.pictures], shown=[*slab.shown]))
            continue
        if not slabs:
            raise JobError(f"{table.where}: the first layer has no thickness")
        below, moves = slabs[-1], Relift(motion=slab.motion, squeeze=slab.squeeze)
        if below.relift_after is not None and len(below.relift_after.before) == MOST_LIFTS:
            raise JobError(f"{table.where}: more than {MOST_LIFTS} layers of 0 µm in a row show nothing; the file was tampered with")
        below.relift_after = in_turn(below.relift_after, moves)
        if slab.shown:
            below.pictures.extend(slab.pictures)
            below.shown.extend([replace(slab.shown[0], relift=below.relift_after), *slab.shown[1:]])
            below.relift_after = None
    if not slabs:
        raise JobError(f"{table.where}: no layers; there is nothing to print")
    return slabs


def _slab(layer: Layer, table: Table, found: list[Finding]) -> PrintFileLayer:
    """Return one layer with its settings in full."""
    where = table.where
    position, images = settings_of(layer, table, found)
    thickness_um = position.thickness_um or 0.0
    if not thickness_um <= MOST_UM:
        raise JobError(f"{where}: a layer is {thickness_um:g} µm thick; at most {MOST_UM:g} is read")
    slab = PrintFileLayer(thickness_um, _motion(position, where), _squeeze(position))
    again = Relift(motion=slab.motion, squeeze=slab.squeeze)
    dark_s = 0.0
    for image, relift in _in_order(images, where):
        shown = _shown(image, again if relift else None, where)
        if shown is None:
            dark_s += ((image.before_ms or 0.0) + (image.time_ms or 0.0) + (image.after_ms or 0.0)) / 1000.0
            continue
        _add(slab, image, replace(shown, wait_before_s=round(shown.wait_before_s + dark_s, 9)))
        dark_s = 0.0
    if dark_s and slab.shown:
        last = slab.shown[-1]
        if last.repeat > 1:
            slab.shown[-1] = replace(last, repeat=last.repeat - 1)
            slab.shown.append(replace(last, repeat=1, relift=None))
            slab.pictures.append(slab.pictures[-1])
        slab.shown[-1] = replace(slab.shown[-1], wait_after_s=round(last.wait_after_s + dark_s, 9))
    elif dark_s:
        slab.motion = msgspec.structs.replace(slab.motion, settle_s=round(slab.motion.settle_s + dark_s, 9))
    return slab


def _add(slab: PrintFileLayer, image: Image, shown: FileExposure) -> None:
    """Add an exposure; equal ones in a row are repeats."""
    picture = Picture(image.file or "", bool(image.mirror_short), bool(image.mirror_long), key_of(image))
    if slab.shown and shown.relift is None and slab.pictures[-1] == picture:
        last = slab.shown[-1]
        if replace(last, repeat=1, relift=None) == shown:
            slab.shown[-1] = replace(last, repeat=last.repeat + 1)
            return
    slab.pictures.append(picture)
    slab.shown.append(shown)


def _in_order(images: Sequence[Image], where: str) -> list[tuple[Image, bool]]:
    """Return the images in the order the host shows them, each with whether the plate lifts and comes back before it.

    Those on film come first. Then those that are shown again, once for each of their layers of 0 µm.
    """
    first_film = True
    timed: list[Image] = []
    for image in images:
        if image.special is not None and image.special.film.enable and first_film:  # the plate was just lifted for it
            first_film = False
            image = msgspec.structs.replace(image, before_ms=max(image.before_ms or 0.0, image.special.film.before_ms))
        timed.append(image)

    def round_of(some: list[Image]) -> list[Image]:
        return sorted(some, key=lambda i: i.special is None or not i.special.film.enable)

    out = [(image, False) for image in round_of(timed)]
    again = [(i, i.special.zero.count) for i in timed if i.special is not None and i.special.zero.enable]
    if max((count for _, count in again), default=0) > MOST_AGAIN:
        raise JobError(f"{where}: an image is shown again more than {MOST_AGAIN} times; the file was tampered with")
    for n in range(max((count for _, count in again), default=0)):
        out += [(image, j == 0) for j, image in enumerate(round_of([i for i, count in again if count > n]))]
    return out


def settings_of(layer: Layer, table: Table, found: list[Finding]) -> tuple[Position, list[Image]]:
    """Return position and images of a layer in full: defaults, then named settings, then its own."""
    file, where = table.file, table.where
    position = _over(file.defaults.position, _follow(layer.position or Position(), file.named_positions, where))
    if layer.named_images is None:
        return position, [_over(file.defaults.image, _follow(i, file.named_images, where)) for i in layer.images or [Image()]]
    common = _follow(Image(named=layer.named_images), file.named_images, where)
    images = []
    for image in layer.images or [Image()]:
        own = _follow(image, file.named_images, where)
        if image.named is not None:  # the host leaves out those of the layer, the specification does not
            if _over(common, own) != own and not any(f.code == "named-settings" for f in found):
                message = (
                    f"an image with named settings lies in a layer with named defaults ({layer.named_images[:80]!r}): the group's host "
                    "leaves these out, and so does pmsl; their specification adds them"
                )
                found.append(Finding(code="named-settings", severity="warning", message=message))
        else:
            own = _over(common, own)
        images.append(_over(file.defaults.image, own))
    return position, images


def _follow(own: S, named: Mapping[str, S], where: str, depth: int = 0) -> S:
    """Return settings with those that they name below them."""
    if own.named is None:
        return own
    if depth > DEEPEST:
        raise JobError(f"{where}: settings {own.named[:80]!r} name each other in a circle")
    if own.named not in named:
        raise JobError(f"{where}: no settings are called {own.named[:80]!r}")
    return msgspec.structs.replace(_over(_follow(named[own.named], named, where, depth + 1), own), named=None)


def _over(base: S, own: S) -> S:
    """Return `base` with all that `own` says."""
    changes: dict[str, Any] = {f: getattr(own, f) for f in own.__struct_fields__ if getattr(own, f) is not None}
    return msgspec.structs.replace(base, **changes)


def _shown(i: Image, relift: Relift | None, where: str) -> FileExposure | None:
    """Return an exposure, None for one without light."""
    if not i.file or i.time_ms is None or i.power is None:
        raise JobError(f"{where}: an exposure without image file, time or power setting; the file is damaged")
    if i.time_ms == 0 or i.power == 0:
        return None
    film = None if i.special is None or not i.special.film.enable else i.special.film
    return FileExposure(
        time_s=i.time_ms / 1000.0,
        power=i.power / MOST_POWER,
        offset_um=(i.x_um or 0.0, i.y_um or 0.0),
        focus_um=i.focus_um or 0.0,
        wait_before_s=(i.before_ms or 0.0) / 1000.0,
        wait_after_s=(i.after_ms or 0.0) / 1000.0,
        relift=relift,
        film_lift_um=None if film is None else round((film.up_mm or FILM_MM) * 1000.0, 9),
        flat_field_by_host=i.corrected,
    )


def _squeeze(p: Position) -> Squeeze | None:
    asked = None if p.special is None else p.special.squeeze
    if asked is None or not asked.enable or asked.count == 0:
        return None
    count = 1 if asked.count is None else asked.count  # as the host does; the schema's default is 0
    force_n = SQUEEZE_N if asked.force_n is None else asked.force_n
    time_ms = SQUEEZE_MS if asked.time_ms is None else asked.time_ms
    return Squeeze(count=count, force_n=force_n, time_s=round(time_ms / 1000.0, 9))


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
