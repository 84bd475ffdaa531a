"""CTB file, versions 2 and 3 → PrintJob; a layer is deciphered and decoded when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats import incomplete_job
from pmsl.formats.adapt.panel import Panel, known_pitch
from pmsl.formats.binary_records import ChunkReader, decimals, text_of
from pmsl.formats.ctb.ctb_records import COPY, EXT, EXT2, HEADER, LARGEST_SIDE, LAYER, MAGIC, OTHERS, PICTURE
from pmsl.formats.desktop_common import LONGEST_S, bounded, check_times, speed_um_s, stated_pitch_um, z_edges_um
from pmsl.formats.frames.device_frame import mask_of_runs
from pmsl.formats.frames.goo_ctb_rle import ctb_cipher, decode_ctb
from pmsl.formats.incomplete_job import FileExposure, FileFacts
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion
from pmsl.profiles.printer import Orientation


def read(path: Path, panel: Panel | None = None) -> PrintJob:
    """Read a CTB file.

    Raises
    ------
    JobError
        Not one, damaged, of another version, or encrypted.
    """
    pieces = ChunkReader(path)
    head = _header(pieces, path)
    layers = LAYER.table(pieces.read(head["table_at"], LAYER.size * head["layers"], "the table of layers"), f"{path}: layers")
    moves = _copies(pieces, layers, path) if head["version"] >= 3 else None
    _check_pictures(pieces, head, path)
    ext = EXT.unpack(pieces.read(head["ext_at"], EXT.size, "the first extension"), str(path))
    shape = (head["rows"], head["cols"])
    orientation = Orientation(row="-y", col="-x" if head["mirrored"] else "+x")
    stated = stated_pitch_um((head["bed_x_mm"], head["bed_y_mm"]), shape, str(path))
    pitch = known_pitch(panel, shape, stated, str(path), orientation)
    times = decimals(layers["exposure_s"])
    check_times(times, str(path))

    def mask_of(k: int, _: int) -> LayerMask:
        what = f"layer {k}"
        data = np.frombuffer(pieces.read(int(layers["data_at"][k]), int(layers["size"][k]), what), np.uint8)
        runs = decode_ctb(ctb_cipher(data, head["key"], k), shape, f"{path}: {what}")
        return mask_of_runs(runs, k, shape, orientation)

    def motion_of(k: int) -> Motion:
        if k == 0:
            return _motion(ext["bottom_lift_mm"], ext["bottom_lift_mm_min"], ext["retract_mm_min"], ext["bottom_light_off_s"])
        lift = ext if moves is None else moves[k - 1]
        return _motion(lift["lift_mm"], lift["lift_mm_min"], lift["retract_mm_min"], layers["light_off_s"][k - 1])

    facts = FileFacts(
        format="ctb",
        file=path.name,
        grid=incomplete_job.grid_of(
            str(path),
            pitch_um=pitch,
            shape=shape,
            z_edges_um=z_edges_um(layers["z_mm"], str(path)),
        ),
        orientation=orientation,
        pitch_source="the file" if panel is None or stated is not None else panel.source,
        printer=_name(pieces, head, path) or None,
        motion=motion_of(0),
        resin_ml=max(ext["volume_ml"], 0.0),
    )
    return incomplete_job.job(facts, [(FileExposure(time_s=t),) if t > 0 else () for t in times.tolist()], mask_of, motion_of)


def _header(pieces: ChunkReader, path: Path) -> dict[str, Any]:
    """Read the header and refuse what is not a whole CTB file of version 2 or 3."""
    head = HEADER.unpack(pieces.read(0, HEADER.size, "the header"), str(path))
    if head["magic"] != MAGIC:
        what = OTHERS.get(head["magic"], "no CTB")
        raise JobError(f"{path}: is {what} file; this pmsl reads CTB versions 2 and 3: export it as one of them")
    if head["version"] not in (2, 3) or head["level_sets"] > 1:
        raise JobError(f"{path}: CTB version {head['version']} with {head['level_sets']} level sets; export it as version 3")
    for field in ("rows", "cols", "layers"):
        if head[field] <= 0:
            raise JobError(f"{path}: {field} is {head[field]:g}, it must be above 0; the file is damaged, copy or slice it again")
    for field in ("rows", "cols"):
        if head[field] > LARGEST_SIDE:
            raise JobError(f"{path}: {field} is {head[field]}, at most {LARGEST_SIDE} are read; the file is damaged")
    return head


def _copies(pieces: ChunkReader, layers: np.ndarray, path: Path) -> np.ndarray:
    """Return the copies of the table's entries that lie before the layers' data; they must say the same."""
    found = bytearray()
    with pieces.reading() as read:
        for k, at in enumerate(layers["data_at"].tolist()):
            found += read(at - COPY.size, COPY.size, f"the settings of layer {k}")
    copies = COPY.table(found, f"{path}: settings of layers")
    other = np.flatnonzero((copies["z_mm"] != layers["z_mm"]) | (copies["exposure_s"] != layers["exposure_s"]))
    if other.size:
        raise JobError(f"{path}: layer {other[0]} has another height or time in the table than beside its data; the file is damaged")
    return copies


def _check_pictures(pieces: ChunkReader, head: dict[str, Any], path: Path) -> None:
    """Refuse a file whose pictures are cut off."""
    for field in ("large_at", "small_at"):
        if head[field]:
            picture = PICTURE.unpack(pieces.read(head[field], PICTURE.size, "a picture"), str(path))
            if picture["data_at"] + picture["size"] > pieces.size:
                raise JobError(f"{path}: a picture ends behind the end of the file; it is cut off, copy or slice it again")


def _name(pieces: ChunkReader, head: dict[str, Any], path: Path) -> str:
    """Return the machine's name."""
    if head["ext2_at"] == 0:
        return ""
    ext2 = EXT2.unpack(pieces.read(head["ext2_at"], EXT2.size, "the second extension"), str(path))
    return text_of(pieces.read(ext2["name_at"], min(ext2["name_size"], 256), "the machine's name"))


def _motion(lift_mm: float, lift_mm_min: float, retract_mm_min: float, light_off_s: float) -> Motion:
    """Return one motion: what the light is off longer than the moves take is waited after them."""
    lift, up, down, dark = decimals(np.array([lift_mm, lift_mm_min, retract_mm_min, light_off_s])).tolist()
    fields: dict[str, float] = {
        "lift_um": bounded(round(lift * 1e3, 6), 1e7),
        "lift_um_s": speed_um_s(up),
        "retract_um_s": speed_um_s(down),
    }
    moving = Motion(**fields, settle_s=0.0)
    return Motion(**fields, settle_s=bounded(round(dark - moving.duration_s, 6), LONGEST_S))
