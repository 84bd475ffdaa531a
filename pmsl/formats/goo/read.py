"""GOO file → PrintJob; a layer is decoded, its check sum held against its bytes, when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats import incomplete_job
from pmsl.formats.adapt.panel import Panel, known_pitch
from pmsl.formats.binary_records import ChunkReader, Read, decimals, text_of
from pmsl.formats.desktop_common import LONGEST_S, bounded, check_times, speed_um_s, stated_pitch_um, z_edges_um
from pmsl.formats.frames.device_frame import mask_of_runs
from pmsl.formats.frames.goo_ctb_rle import decode_goo
from pmsl.formats.goo.goo_records import BREAK, END, HEADER, LAYER, MAGIC
from pmsl.formats.incomplete_job import FileExposure, FileFacts
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion
from pmsl.profiles.printer import Orientation


def read(path: Path, panel: Panel | None = None) -> PrintJob:
    """Read a GOO file.

    Raises
    ------
    JobError
        Not one, damaged, of another version, or with grays of 4 bits.
    """
    pieces = ChunkReader(path)
    head = _header(pieces, path)
    with pieces.reading() as reader:
        layers, data_at = _layers(reader, head, path)
    shape = (head["rows"], head["cols"])
    orientation = Orientation(row="+y" if head["mirror_y"] else "-y", col="-x" if head["mirror_x"] else "+x")
    stated = stated_pitch_um((head["platform_x_mm"], head["platform_y_mm"]), shape, str(path))
    pitch = known_pitch(panel, shape, stated, str(path), orientation)
    times = _times_s(head, layers)
    check_times(times, str(path))

    def mask_of(k: int, _: int) -> LayerMask:
        what = f"layer {k}"
        data = pieces.read(int(data_at[k]), int(layers["size"][k]), what)
        return mask_of_runs(decode_goo(data, shape, f"{path}: {what}"), k, shape, orientation)

    def motion_of(k: int) -> Motion:
        return _motion(head, "bottom_") if k == 0 else _motion(layers[k - 1], "")

    facts = FileFacts(
        format="goo",
        file=path.name,
        grid=incomplete_job.grid_of(
            str(path),
            pitch_um=pitch,
            shape=shape,
            z_edges_um=z_edges_um(layers["z_mm"], str(path)),
        ),
        orientation=orientation,
        pitch_source="the file" if panel is None or stated is not None else panel.source,
        printer=text_of(head["printer"]) or None,
        resin=text_of(head["resin"]) or None,
        motion=motion_of(0),
        resin_ml=max(head["volume_mm3"], 0.0) * 1e-3,
        findings=_pauses(layers["pause"]),
    )
    shown = [(FileExposure(time_s=t),) if t > 0 else () for t in times.tolist()]
    return incomplete_job.job(facts, shown, mask_of, motion_of)


def _header(pieces: ChunkReader, path: Path) -> dict[str, Any]:
    """Read the header and refuse what is not a whole GOO file of version 3 with 8-bit grays."""
    head = HEADER.unpack(pieces.read(0, HEADER.size, "the header"), str(path))
    if head["magic"] != MAGIC or head["version"] != b"V3.0":
        raise JobError(f"{path}: is no GOO file of version 3.0 (version {text_of(head['version'])!r}); export it again as V3.0")
    if head["gray_8_bit"] != 1:
        raise JobError(f"{path}: its grays are 0 to 15 (gray mode {head['gray_8_bit']}); export it with 256 gray levels")
    for field in ("rows", "cols", "layers"):
        if head[field] <= 0:
            raise JobError(f"{path}: {field} is {head[field]:g}, it must be above 0; the file is damaged, copy or slice it again")
    most = (pieces.size - HEADER.size) // LAYER.size
    if head["layers"] > most:
        raise JobError(f"{path}: {head['layers']} layers do not fit into {pieces.size} bytes; the file is cut off, copy or slice it again")
    return head


def _layers(read: Read, head: dict[str, Any], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Walk along the layers; return their definitions, and where the data of each begin."""
    at = head["layers_at"]
    found, data_at = bytearray(), np.empty(head["layers"], np.int64)
    for k in range(head["layers"]):
        definition = read(at, LAYER.size, f"layer {k}")
        size = int.from_bytes(definition[-4:], "big")
        data_at[k] = at + LAYER.size
        at += LAYER.size + size
        if definition[-6:-4] != BREAK or read(at, 2, f"the end of layer {k}") != BREAK:
            raise JobError(f"{path}: layer {k} is not closed by a line break; the file is damaged, copy or slice it again")
        at += 2
        found += definition
    if read(at, len(END), "the end mark") != END:
        raise JobError(f"{path}: the last layer is not followed by the end mark; the file is damaged, copy or slice it again")
    return LAYER.table(found, f"{path}: layers"), data_at


def _times_s(head: dict[str, Any], layers: np.ndarray) -> np.ndarray:
    """Return the exposure time of each layer: its own where the file says so, else the bottom's, a straight fade, the normal one."""
    if head["layer_settings"]:
        times = decimals(layers["exposure_s"])
    else:
        normal, bottom = decimals(np.array([head["exposure_s"], head["bottom_exposure_s"]]))
        step = np.arange(len(layers)) - head["bottom_layers"] + 1
        times = bottom + (normal - bottom) * np.clip(step / (head["transition_layers"] + 1), 0, 1)
    return times


def _pauses(flags: np.ndarray) -> tuple[Finding, ...]:
    """Say where the file pauses: whether a layer with that flag is lit before or after it, nothing that is published says."""
    paused = np.flatnonzero(flags).tolist()
    if not paused:
        return ()
    message = f"the file pauses at {len(paused)} layers, first at layer {paused[0]}: these pauses were not read; slice it with --pause"
    return (Finding(code="pauses-not-read", severity="warning", message=message, layers=(paused[0], paused[-1])),)


def _motion(fields: Any, prefix: str) -> Motion:
    """Return one motion; two-stage moves are taken together, at the first stage's speed."""

    def value(name: str) -> float:
        return float(decimals(np.array([fields[prefix + name]]))[0])

    return Motion(
        lift_um=bounded(round((value("lift_mm") + value("lift2_mm")) * 1e3, 6), 1e7),
        lift_um_s=speed_um_s(value("lift_mm_min")),
        retract_um_s=speed_um_s(value("retract_mm_min")),
        wait_before_lift_s=bounded(value("before_lift_s"), LONGEST_S),
        wait_top_s=bounded(value("after_lift_s"), LONGEST_S),
        settle_s=bounded(value("after_retract_s"), LONGEST_S),
    )
