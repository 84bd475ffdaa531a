"""PrintJob → CTB file: layer by layer, then pictures, table and header, everything read back before the file gets its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.formats.adapt.capability import NEVER, refusal
from pmsl.formats.binary_records import Draft, text
from pmsl.formats.container import layer_writer
from pmsl.formats.ctb.ctb_records import COPY, EXT, EXT2, HEADER, LARGE, LAYER, MAGIC, MODE, PICTURE, SMALL, SOFTWARE, picture_bytes
from pmsl.formats.desktop_common import MM_MIN, common_height_um, times_of
from pmsl.formats.frames.device_frame import frame_shape
from pmsl.formats.frames.frame_runs import laid, shown, stream_of
from pmsl.formats.frames.goo_ctb_rle import ctb_cipher, encode_ctb
from pmsl.formats.frames.thumbnail import Thumbnail
from pmsl.formats.protocol import WriteOptions, Written
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion

WHITE = 255  # light at full: the machine's own setting is left to the host
FARTHEST = 1.45  # times the nominal height: some readers refuse layers of more than 1.5, in floats of 32 bits
LARGEST = 0xFFFFFFFF  # offsets have 32 bits


def write_draft(job: PrintJob, path: Path, options: WriteOptions, key: int, name: str) -> Written:
    """Write the fitted job to a new file, enciphered where `key` is not 0."""
    orientation = job.engines[0].orientation
    table = bytearray()
    thumbnail = Thumbnail(job)
    waiting: list[tuple[LayerPlan, bytes]] = []  # the last layer: the move after it is the next one's
    motions: list[Motion] = []
    times: list[float] = []

    def make(plan: LayerPlan) -> bytes:
        return ctb_cipher(encode_ctb(stream_of(laid(shown(plan, job), orientation))), key, plan.index).tobytes()

    with Draft(path) as draft:
        draft.add(bytes(HEADER.size))
        at = _before_layers(draft, job)

        def put(motion: Motion) -> None:
            plan, data = waiting.pop()
            if draft.end + COPY.size > LARGEST:
                raise refusal(name, "file size", f"{draft.end} bytes", f"{LARGEST} bytes", NEVER, f"layer {plan.index}: ")
            entry = _entry(plan, motion, draft.end + COPY.size, len(data))
            table.extend(LAYER.pack(**entry))
            draft.add(COPY.pack(**entry, total_size=COPY.size + len(data), pwm=float(WHITE), **_moves(motion)) + data)

        def store(plan: LayerPlan, data: bytes) -> None:
            if waiting:
                put(plan.motion)
            waiting.append((plan, data))
            motions[1:] = [plan.motion]  # the first, and that which goes on
            if plan.exposures:
                thumbnail.add(plan.index, plan.exposures[0].mask)
            times.append(plan.exposures[0].time_s if plan.exposures else 0.0)

        written = layer_writer.written(job, options, make, store)
        put(waiting[0][0].motion)
        at |= _pictures(draft, thumbnail)
        if draft.end > LARGEST:
            raise refusal(name, "file size", f"{draft.end} bytes", f"{LARGEST} bytes", NEVER)
        draft.put(at["table_at"], bytes(table))
        fields = _header(job, written, motions, times)
        draft.put(at["ext_at"], EXT.pack(**_ext(written, motions, fields["bottom_layers"])))
        draft.put(0, HEADER.pack(**at, **fields, key=key))
        draft.check()
    return written


def _before_layers(draft: Draft, job: PrintJob) -> dict[str, int]:
    """Write the second extension, leave room for the first and for the table; return where each lies."""
    at = {"ext_at": draft.add(bytes(EXT.size)), "ext2_at": draft.end}
    machine = text(job.printer.name, 65)
    named = {"name_at": draft.end + EXT2.size, "name_size": len(machine)}
    draft.add(EXT2.pack(**named, mode=MODE, antialias=8, software=SOFTWARE, flags=0x200))
    draft.add(machine)
    at["table_at"] = draft.add(bytes(LAYER.size * job.n_layers))
    return at


def _pictures(draft: Draft, thumbnail: Thumbnail) -> dict[str, int]:
    """Write the two pictures; return where each lies."""
    at = {}
    for field, (width, height) in (("large_at", LARGE), ("small_at", SMALL)):
        data = picture_bytes(thumbnail.picture(width, height))
        at[field] = draft.add(PICTURE.pack(width=width, height=height, data_at=draft.end + PICTURE.size, size=len(data)) + data)
    return at


def _entry(plan: LayerPlan, motion: Motion, data_at: int, size: int) -> dict[str, Any]:
    """Return the table's entry of a layer; the light is off while the platform moves to the next."""
    return {
        "z_mm": plan.z_top_um * 1e-3,
        "exposure_s": plan.exposures[0].time_s if plan.exposures else 0.0,
        "light_off_s": motion.duration_s,
        "data_at": data_at,
        "size": size,
        "table_size": COPY.size,
    }


def _moves(motion: Motion) -> dict[str, float]:
    return {
        "lift_mm": motion.lift_um * 1e-3,
        "lift_mm_min": motion.lift_um_s * MM_MIN,
        "retract_mm_min": motion.retract_um_s * MM_MIN,
    }


def _ext(written: Written, motions: list[Motion], bottom_layers: int) -> dict[str, Any]:
    first, rest = motions[0], motions[-1]
    return {
        "bottom_lift_mm": first.lift_um * 1e-3,
        "bottom_lift_mm_min": first.lift_um_s * MM_MIN,
        **_moves(rest),
        "volume_ml": written.estimate.resin_ml,
        "bottom_light_off_s": first.duration_s,
        "light_off_s": rest.duration_s,
        "bottom_layers": bottom_layers,
    }


def _nominal_height_um(job: PrintJob) -> float:
    """Return the layer height of the header: the common one, or the largest where a reader would refuse it (1.5 times that)."""
    common, largest = common_height_um(job), float(job.grid.thickness_um.max())
    return common if largest <= FARTHEST * common else largest


def _header(job: PrintJob, written: Written, motions: list[Motion], times_s: list[float]) -> dict[str, Any]:
    """Return the fields of the header but offsets and key."""
    engine, times = job.engines[0], times_of(times_s)
    rows, cols = frame_shape(engine.grid.shape, engine.orientation)
    width_um, height_um = np.array(engine.grid.size_um)[:: 1 if engine.orientation.row[1] == "y" else -1].tolist()
    return {
        "magic": MAGIC,
        "version": 3,
        "bed_x_mm": width_um * 1e-3,
        "bed_y_mm": height_um * 1e-3,
        "bed_z_mm": job.printer.stage.travel_um.value * 1e-3,
        "height_mm": float(job.grid.z_edges_um[-1]) * 1e-3,
        "layer_mm": _nominal_height_um(job) * 1e-3,
        "exposure_s": times.normal_s,
        "bottom_exposure_s": times.bottom_s,
        "light_off_s": motions[-1].duration_s,
        "bottom_layers": times.bottom_layers,
        "cols": cols,
        "rows": rows,
        "layers": job.n_layers,
        "print_s": min(round(written.estimate.print_time_s), 0xFFFFFFFF),
        "mirrored": engine.orientation.mirrored,
        "ext_size": EXT.size,
        "level_sets": 1,
        "pwm": WHITE,
        "bottom_pwm": WHITE,
        "ext2_size": EXT2.size,
    }
