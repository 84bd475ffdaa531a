"""PrintJob → print file."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.core.job import FLAT_FIELD_BY_HOST, PrintJob
from pmsl.core.plan import Exposure, LayerPlan
from pmsl.formats import fit, frames, png, stream, zipped
from pmsl.formats.byu.document import MOST_POWER, VERSION, Defaults, Design, Header, Image, Layer, Position, PrintFile
from pmsl.formats.capability import NEVER, Capability, refusal
from pmsl.formats.contract import Format, WriteOptions, Written
from pmsl.profiles import Motion
from pmsl.version import __version__

CAPABILITY = Capability(
    exposure_min_s=0.004046,  # what an 8-bit pattern takes at least
    exposure_max_s=10.0,
    name_rules="ends in .zip",
    holds=frozenset({"offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s", "power", "motion", FLAT_FIELD_BY_HOST}),
)
TABLE, FOLDER, DARK = "print_settings.json", "slices", "black.png"
ENGINES = {(1600, 2560): "visitech", (1080, 1920): "wintech"}  # by (rows, cols) of the frame, as the host's configurations call them
DARK_MS = 10.0  # of the default image, which is black


def write(format: Format, job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job; raises `TargetError` where the print file cannot hold it."""
    fitted = fit.fit(job, CAPABILITY, format.name, options)
    engine = fitted.engines[0]
    _check_wavelength(engine.wavelength_nm, format.name)
    shape = frames.frame_shape(engine.grid.shape, engine.orientation)
    label = ENGINES.get(shape, job.printer.name)
    names: dict[str, str] = {}
    layers: list[tuple[LayerPlan, list[tuple[str, Image]]]] = []
    with zipped.archive(format, path, options) as add:

        def make(plan: LayerPlan) -> list[tuple[Exposure, bytes]]:
            return [(e, png.encode_mask(e.mask, engine.orientation, options.small)) for e in plan.exposures]

        def store(plan: LayerPlan, made: list[tuple[Exposure, bytes]]) -> None:
            shown = []
            for j, (e, data) in enumerate(made):
                key = hashlib.sha256(data).hexdigest()
                if key not in names:  # equal images are stored once
                    names[key] = f"{plan.index:05d}{f'-{j}' if len(made) > 1 else ''}.png"
                    add(f"{FOLDER}/{names[key]}", data)
                shown += [(names[key], _image(e, plan.index, format.name))] * e.repeat
            layers.append((_without_masks(plan), shown))

        written = stream.written(fitted, options, make, store, lambda: _notes(shape, job))
        add(f"{FOLDER}/{DARK}", png.encode_mask(zipped.black(engine.grid.shape), engine.orientation, True))
        defaults = _defaults(fitted, label, format.name)
        add(TABLE, _encoded(fitted, defaults, layers))
    return written


def _without_masks(plan: LayerPlan) -> LayerPlan:
    """Keep what the table needs of a layer, and let its masks go."""
    return LayerPlan(index=plan.index, z_top_um=plan.z_top_um, thickness_um=plan.thickness_um, motion=plan.motion, exposures=())


def _notes(shape: tuple[int, int], job: PrintJob) -> list[Finding]:
    """Say how light settings are written, and where no known light engine has such frames."""
    found = []
    if shape not in ENGINES:
        known = " and ".join(f"{c} × {r} ({name})" for (r, c), name in ENGINES.items())
        message = f"frames are {shape[1]} × {shape[0]} px; the host's light engines have {known} and show nothing else right"
        found.append(Finding(code="unknown-light-engine", severity="warning", message=message))
    powers = sorted({s.power for s in job.printer.optics.settings})
    if powers[0] <= 1:
        own = _power(powers[0], 0, "byu")
        message = f"light settings up to 1 are shares of the full setting: {powers[0]:g} is written as {own} of {MOST_POWER}"
        found.append(Finding(code="power-scaled", severity="info", message=message))
    return found


def _power(power: float, k: int, name: str) -> int:
    """Return a light setting in the host's own numbers; settings up to 1 are shares of the full one."""
    own = power * MOST_POWER if power <= 1 else power
    if abs(own - round(own)) > 1e-9 or not 1 <= round(own) <= MOST_POWER:
        limit = f"a whole number of thousandths, or 1 to {MOST_POWER}"
        raise refusal(name, "power", f"{power:g}", limit, "name the light setting as the host does", f"layer {k}: ")
    return round(own)


def _image(e: Exposure, k: int, name: str) -> Image:
    """Return what of an exposure differs from the defaults, but its file."""
    return Image(
        time_ms=_ms(e.time_s),
        power=_power(e.power, k, name),
        focus_um=e.focus_um or None,
        before_ms=_ms(e.wait_before_s) or None,
        after_ms=_ms(e.wait_after_s) or None,
        x_um=e.offset_um[0] or None,
        y_um=e.offset_um[1] or None,
    )


def _check_wavelength(wavelength_nm: float, name: str) -> None:
    if wavelength_nm != round(wavelength_nm):
        raise refusal(name, "wavelength_nm", f"{wavelength_nm:g} nm", "whole nanometres", NEVER)


def _defaults(job: PrintJob, label: str, name: str) -> Defaults:
    """Return the defaults: the first layer's thickness, the motion that goes on, and an image without light."""
    motion, wavelength = job.process.motion.last, round(job.engines[0].wavelength_nm)
    power = _power(job.process.power or job.printer.optics.settings[0].power, 0, name)
    by_host = True if FLAT_FIELD_BY_HOST in job.requires else None  # of all images: none of them says otherwise
    settings: dict[str, Any] = {"engine": label, "wavelength_nm": wavelength, "power": power, "corrected": by_host}
    dark = Image(file=DARK, time_ms=DARK_MS, focus_um=0.0, before_ms=0.0, after_ms=0.0, **settings)
    return Defaults(count=1, position=_position(motion, float(job.grid.thickness_um[0]), name), image=dark)


def _position(motion: Motion, thickness_um: float, name: str) -> Position:
    if motion.lift_um <= 0:
        raise refusal(name, "lift_um", "0 µm", "above 0 µm", "give the process a lift")
    return Position(
        thickness_um=round(thickness_um, 9),
        up_mm=_thousandth(motion.lift_um),
        initial_wait_ms=_ms(motion.wait_before_lift_s),
        up_mm_s=_thousandth(motion.lift_um_s),
        up_mm_s2=_thousandth(motion.lift_um_s2),
        up_wait_ms=_ms(motion.wait_top_s),
        down_mm_s=_thousandth(motion.retract_um_s),
        down_mm_s2=_thousandth(motion.retract_um_s2),
        final_wait_ms=_ms(motion.settle_s),
    )


def _ms(time_s: float) -> float:
    return round(time_s * 1000.0, 9)


def _thousandth(um: float) -> float:
    return round(um / 1000.0, 12)


def _encoded(job: PrintJob, defaults: Defaults, layers: list[tuple[LayerPlan, list[tuple[str, Image]]]]) -> bytes:
    """Return the JSON table; exposure settings that several images share have a name."""
    used = Counter(image for _, shown in layers for _, image in shown)
    shared = {image: f"exposure {i}" for i, image in enumerate([image for image, n in used.items() if n > 1], 1)}
    engine = job.engines[0]
    entries = [
        Layer(
            position=_changed(defaults.position, plan),
            images=[_entry(name, image, shared) for name, image in shown] or [Image()],  # the default: black
        )
        for plan, shown in layers
    ]
    px, py = engine.grid.pitch_um.tolist()
    turn = engine.orientation
    comment = (
        f"pmsl: pitch_um = {px!r} {py!r}; row = {turn.row}; col = {turn.col}; seen from the light side; "
        f"mirrored = {str(turn.mirrored).lower()}"
    )
    table = PrintFile(
        header=Header(version=VERSION, images=FOLDER, comment=comment),
        design=Design(
            resin=job.resin.name,
            printer=job.printer.name,
            stl_file=", ".join(i.file for i in job.provenance.inputs),
            slicer=f"pmsl {__version__}",
        ),
        defaults=defaults,
        named_images={label: msgspec.to_builtins(image) for image, label in shared.items()},
        layers=entries,
    )
    return msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n"


def _entry(name: str, image: Image, shared: dict[Image, str]) -> Image:
    if image in shared:
        return Image(file=name, named=shared[image])
    return msgspec.structs.replace(image, file=name)


def _changed(default: Position, plan: LayerPlan) -> Position | None:
    """Return what of a layer's position differs from the default, if anything."""
    own = _position(plan.motion, plan.thickness_um, "byu")
    changes: dict[str, Any] = {f: getattr(own, f) for f in own.__struct_fields__ if getattr(own, f) != getattr(default, f)}
    return Position(**changes) if changes else None
