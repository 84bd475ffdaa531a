"""PrintJob → .sl1."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import JobError
from pmsl.formats.adapt import adapt, exposure_rules
from pmsl.formats.adapt.capability import NEVER, refusal
from pmsl.formats.container import layer_writer, zip_of_frames
from pmsl.formats.frames import device_frame, png_write
from pmsl.formats.frames.thumbnail import Thumbnail
from pmsl.formats.protocol import Format, WriteOptions, Written
from pmsl.formats.sl1.exposure_fade import Fade, fade_over
from pmsl.formats.sl1.panels import MOST_LAYERS, PANELS, TURN, Sl1Panel, display_of
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.version import __version__

PREFIX = "pmsl"  # of the names of frames; also config.ini's jobDir
THUMBNAILS = ((400, 400), (800, 480))
NEVER_MADE = "1980-01-01 at 00:00:00 UTC"  # the same job is the same bytes on any day


def write(format: Format, panel: Sl1Panel, job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job for a panel; raises `TargetError` where the panel cannot show it."""
    fitted = adapt.fit(job, panel.capability, format.name, options, lambda wanted: fade_over(wanted).times_s(len(wanted)))
    if fitted.n_layers > MOST_LAYERS:
        raise refusal(format.name, "layers", fitted.n_layers, MOST_LAYERS, NEVER)
    engine, preview = fitted.engines[0], Thumbnail(fitted)
    wanted = np.full(fitted.n_layers, np.nan)
    with zip_of_frames.archive(format, path, options) as add:

        def make(plan: LayerPlan) -> bytes:
            return zip_of_frames.only_frame(plan, engine.grid.shape, engine.orientation, options.small)

        def store(plan: LayerPlan, data: bytes) -> None:
            add(f"{PREFIX}{plan.index:05d}.png", data)
            if plan.exposures:
                wanted[plan.index] = plan.exposures[0].time_s
                preview.add(plan.index, plan.exposures[0].mask)

        def fade() -> Fade:
            found = fade_over(wanted)
            exposure_rules.check_times(wanted, found.times_s(len(wanted)), format.name)
            _check_bounds(found, panel, format.name)
            return found

        def notes() -> tuple[Finding, ...]:
            return tuple(_notes(wanted, fade(), panel))

        written = layer_writer.written(fitted, options, make, store, notes)
        tables = _config(fitted, written, fade(), panel), _slicer(fitted, fade())
        for name, table in zip(("config.ini", "prusaslicer.ini"), tables, strict=True):
            add(name, "".join(f"{key} = {table[key]}\n" for key in sorted(table)).encode("ascii"))
        for width, height in THUMBNAILS:
            add(f"thumbnail/thumbnail{width}x{height}.png", png_write.encode_colour(preview.picture(width, height)))
    return written


def _check_bounds(fade: Fade, panel: Sl1Panel, name: str) -> None:
    """Refuse times that the printer would change when it loads the file."""
    low, high, high_first = panel.bounds_s
    for what, ms, limit in (("expTime", fade.normal_ms, high), ("expTimeFirst", fade.first_ms, high_first)):
        if not low <= ms / 1000 <= limit:
            raise refusal(name, what, f"{ms / 1000:g} s", f"{low:g} to {limit:g} s", "change the light setting or the dose")


def _notes(wanted: np.ndarray, fade: Fade, panel: Sl1Panel) -> list[Finding]:
    """Say what the file's times differ by from the job's."""
    off = float(np.nanmax(np.abs(fade.times_s(len(wanted)) - wanted))) if np.isfinite(wanted).any() else 0.0
    found = []
    if off > 1e-9:
        message = "exposure times are whole milliseconds in this file"
        found.append(
            Finding(code="times-rounded", severity="info", message=message, value=off, limit=exposure_rules.TIME_SLACK_S, unit="s")
        )
    n = min(len(wanted), fade.layers)
    other = np.abs(fade.elsewhere_s(n) - fade.times_s(n))
    if panel.model is None and other.max() > exposure_rules.TIME_SLACK_S:
        k = int(other.argmax())
        found.append(
            Finding(
                code="fade-by-host",
                severity="warning",
                message=f"each host derives the times of the first layers itself: Prusa's shows layer {k} {fade.times_s(n)[k]:.4g} s, "
                f"Odyssey {fade.elsewhere_s(n)[k]:.4g} s; set bottom_dose_factors = [] for one time on any",
                layers=(0, n - 1),
                value=float(other.max()),
                limit=exposure_rules.TIME_SLACK_S,
                unit="s",
            )
        )
    return found


def _config(job: PrintJob, written: Written, fade: Fade, panel: Sl1Panel) -> dict[str, str]:
    """Return config.ini: what the printer's firmware reads; the keys that other hosts miss without are all here."""
    heights = job.grid.thickness_um
    return {
        "action": "print",
        "expTime": _number(fade.normal_ms, 1000),
        "expTimeFirst": _number(fade.first_ms, 1000),
        "expUserProfile": "0",
        "fileCreationTimestamp": NEVER_MADE,
        "hollow": "0",
        "jobDir": PREFIX,
        "layerHeight": _number(round(float(heights[-1]) * 1000), 1_000_000),
        "layerHeightFirst": _number(round(float(heights[0]) * 1000), 1_000_000),
        "materialName": _text(job.resin.name),
        "numFade": str(fade.layers),
        "numFast": str(job.n_layers),
        "numSlow": "0",
        "printProfile": _text(job.process.name),
        "printTime": f"{written.estimate.print_time_s:.6f}",
        "printerModel": panel.model or _model_of(job),
        "printerProfile": _text(job.printer.name),
        "printerVariant": "default",
        "prusaSlicerVersion": f"pmsl-{__version__}",
        "usedMaterial": f"{written.estimate.resin_ml:.6f}",
    }


def _model_of(job: PrintJob) -> str:
    """Return the printer a generic file names: a Prusa whose panel its frames fit exactly, else the job's, which no Prusa takes."""
    engine = job.engines[0]
    for name, panel in PANELS.items():  # of two with one panel the first
        fits = device_frame.frame_shape(engine.grid.shape, engine.orientation) == panel.capability.exact_size and engine.orientation == TURN
        pitch = panel.capability.exact_pitch_um
        if fits and pitch is not None and np.allclose(engine.grid.pitch_um, pitch, rtol=1e-6, atol=0):
            return name
    name = _text(job.printer.name)
    return f"other-{name}" if name in PANELS else name


def _slicer(job: PrintJob, fade: Fade) -> dict[str, str]:
    """Return prusaslicer.ini: pixels and size of the display, how frames are turned, and what else importers ask for."""
    grid, heights = job.grid, job.grid.thickness_um
    width, height = (grid.size_um / 1000.0).tolist()
    return {
        **display_of(job.engines[0].orientation),
        "display_width": _decimal(width),
        "display_height": _decimal(height),
        "display_pixels_x": str(grid.shape[1]),
        "display_pixels_y": str(grid.shape[0]),
        "exposure_time": _number(fade.normal_ms, 1000),
        "faded_layers": str(fade.layers),
        "gamma_correction": "1",
        "initial_exposure_time": _number(fade.first_ms, 1000),
        "initial_layer_height": _number(round(float(heights[0]) * 1000), 1_000_000),
        "layer_height": _number(round(float(heights[-1]) * 1000), 1_000_000),
        "printer_model": _text(job.printer.name),
        "printer_settings_id": _text(job.printer.name),
        "printer_technology": "SLA",
        "printer_variant": "default",
        "sla_material_settings_id": _text(job.resin.name),
        "sla_print_settings_id": _text(job.process.name),
    }


def _number(whole: int, parts: int) -> str:
    """Write ``whole / parts`` so that readers which cut off, ``int(number * parts)``, get the whole number again."""
    value = whole / parts
    while int(value * parts) < whole or int(value * 1000) < whole * 1000 // parts:
        value = math.nextafter(value, math.inf)
    text = _decimal(value)
    if int(float(text) * parts) != whole:
        raise JobError(f"{whole}/{parts} cannot be written as a decimal number")
    return text


def _decimal(value: float) -> str:
    """Write a number without an exponent, exactly."""
    return np.format_float_positional(value, trim="-")


def _text(name: str) -> str:
    """Keep what every reader of these tables takes: plain letters, digits and a few marks, never nothing."""
    return re.sub(r"[^A-Za-z0-9 ._@+:-]", "-", name).strip() or "unnamed"
