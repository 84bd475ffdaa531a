"""PrintJob → GOO file: layer by layer, the header last, everything read back before the file gets its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.formats.binary_records import Draft, text
from pmsl.formats.container import layer_writer
from pmsl.formats.desktop_common import MM_MIN, common_height_um, times_of
from pmsl.formats.frames.device_frame import frame_shape
from pmsl.formats.frames.frame_runs import laid, shown, stream_of
from pmsl.formats.frames.goo_ctb_rle import encode_goo
from pmsl.formats.frames.thumbnail import Thumbnail
from pmsl.formats.goo.goo_records import BIG, BREAK, END, HEADER, LAYER, MAGIC, SMALL, WAIT_TIMES
from pmsl.formats.protocol import WriteOptions, Written
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion
from pmsl.version import __version__

CREATED = b"1980-01-01 00:00:00"  # fixed: the same job is the same bytes on any day
WHITE = 255  # light at full: the machine's own setting is left to the host


def write_draft(job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write the fitted job to a new file."""
    orientation = job.engines[0].orientation
    thumbnail = Thumbnail(job)
    waiting: list[tuple[LayerPlan, bytes]] = []  # the last layer: the move after it is the next one's
    motions: list[Motion] = []
    times: list[float] = []

    def make(plan: LayerPlan) -> bytes:
        return encode_goo(stream_of(laid(shown(plan, job), orientation)))

    with Draft(path) as draft:
        draft.add(bytes(HEADER.size))

        def put(motion: Motion) -> None:
            plan, data = waiting.pop()
            draft.add(_definition(plan, motion, len(data), _travel_mm(job)) + data + BREAK)

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
        draft.add(END)
        small, big = (_rgb565(thumbnail.picture(side, side)) for side in (SMALL, BIG))
        draft.put(0, HEADER.pack(small=small, big=big, **_header(job, written, motions, times)))
        draft.check()
    return written


def _travel_mm(job: PrintJob) -> float:
    return job.printer.stage.travel_um.value * 1e-3


def _definition(plan: LayerPlan, motion: Motion, size: int, travel_mm: float) -> bytes:
    """Return the definition of a layer: its exposure, then the move to the next, `motion`."""
    return LAYER.pack(
        pause_mm=travel_mm,
        z_mm=plan.z_top_um * 1e-3,
        exposure_s=plan.exposures[0].time_s if plan.exposures else 0.0,
        pwm=WHITE,
        end=BREAK,
        size=size,
        **_moves(motion),
    )


def _moves(motion: Motion, prefix: str = "") -> dict[str, float]:
    """Return the fields of one motion."""
    fields = {
        "before_lift_s": motion.wait_before_lift_s,
        "after_lift_s": motion.wait_top_s,
        "after_retract_s": motion.settle_s,
        "lift_mm": motion.lift_um * 1e-3,
        "lift_mm_min": motion.lift_um_s * MM_MIN,
        "retract_mm": motion.lift_um * 1e-3,
        "retract_mm_min": motion.retract_um_s * MM_MIN,
    }
    return {prefix + name: value for name, value in fields.items()}


def _header(job: PrintJob, written: Written, motions: list[Motion], times_s: list[float]) -> dict[str, Any]:
    """Return the fields of the header but the pictures; the first layer's motion is the bottom one."""
    engine, times = job.engines[0], times_of(times_s)
    rows, cols = frame_shape(engine.grid.shape, engine.orientation)
    width_um, height_um = np.array(engine.grid.size_um)[:: 1 if engine.orientation.row[1] == "y" else -1].tolist()
    return {
        "version": b"V3.0",
        "magic": MAGIC,
        "software": b"pmsl",
        "software_version": text(__version__, 24),
        "created": CREATED,
        "printer": text(job.printer.name, 32),
        "printer_type": b"DLP",
        "resin": text(job.resin.name, 32),
        "antialias": 8,
        "gray_level": 1,
        "small_end": BREAK,
        "big_end": BREAK,
        "layers": job.n_layers,
        "cols": cols,
        "rows": rows,
        "mirror_x": engine.orientation.col[0] == "-",
        "mirror_y": engine.orientation.row[0] == "+",
        "platform_x_mm": width_um * 1e-3,
        "platform_y_mm": height_um * 1e-3,
        "platform_z_mm": _travel_mm(job),
        "layer_mm": common_height_um(job) * 1e-3,
        "exposure_s": times.normal_s,
        "delay_mode": WAIT_TIMES,
        "bottom_exposure_s": times.bottom_s,
        "bottom_layers": times.bottom_layers,
        **_moves(motions[0], "bottom_"),
        **_moves(motions[-1]),
        "bottom_pwm": WHITE,
        "pwm": WHITE,
        "layer_settings": 1,
        "print_s": min(round(written.estimate.print_time_s), 0xFFFFFFFF),
        "volume_mm3": written.estimate.resin_ml * 1e3,
        "layers_at": HEADER.size,
        "gray_8_bit": 1,
    }


def _rgb565(picture: np.ndarray) -> bytes:
    """Return a picture (rows, cols, 3) uint8 as big-endian words of 5, 6 and 5 bits."""
    red, green, blue = picture.astype(np.uint16).transpose(2, 0, 1)
    words: np.ndarray = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
    return words.astype(">u2").tobytes()
