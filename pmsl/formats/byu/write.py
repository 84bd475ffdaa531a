"""PrintJob → print file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.formats.adapt import adapt
from pmsl.formats.adapt.capability import NEVER, Capability, refusal
from pmsl.formats.byu.engines import ENGINES, EngineKey, Stated
from pmsl.formats.byu.print_file import (
    DESIGN_KEYS,
    HEADER_COMMENT,
    MOST_POWER,
    PA_PER_TORR,
    VERSION,
    Defaults,
    DesignTable,
    Film,
    HeaderTable,
    Image,
    ImageTechniques,
    LayerTechniques,
    Position,
    PrintFile,
    PrintTechniques,
    SqueezeOut,
    UnderVacuum,
)
from pmsl.formats.byu.repeated_settings import Row, laid_out
from pmsl.formats.container import layer_writer, zip_of_frames
from pmsl.formats.frames import device_frame, png_write
from pmsl.formats.incomplete_job import PITCH, WAVELENGTH
from pmsl.formats.protocol import Format, WriteOptions, Written
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, Engine, PrintJob
from pmsl.job.techniques import TECHNIQUES, Squeeze
from pmsl.profiles import Motion
from pmsl.version import __version__

CAPABILITY = Capability(
    exposure_min_s=0.004046,  # what an 8-bit pattern takes at least
    exposure_max_s=10.0,
    name_rules="ends in .zip",
    holds=frozenset({"offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s", "power", "motion", "engine", "unknown_pitch"})
    | {FLAT_FIELD_BY_HOST}
    | TECHNIQUES,
)
TABLE, FOLDER, DARK = "print_settings.json", "slices", "black.png"
DARK_MS = 10.0  # of the default image, which is black


def write(format: Format, job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write a job; raises `TargetError` where the print file cannot hold it."""
    fitted = adapt.fit(job, CAPABILITY, format.name, options)
    keys = [_key(engine, job, format.name) for engine in fitted.engines]
    names: dict[str, str] = {}
    rows: list[Row] = []
    with zip_of_frames.archive(format, path, options, deflated=True) as add:

        def make(plan: LayerPlan) -> list[tuple[Exposure, bytes]]:
            return [(e, png_write.encode_mask(e.mask, fitted.engines[e.engine].orientation, options.small)) for e in plan.exposures]

        def store(plan: LayerPlan, made: list[tuple[Exposure, bytes]]) -> None:
            files = []
            for j, (_, data) in enumerate(made):
                key = hashlib.sha256(data).hexdigest()
                if key not in names:  # equal images are stored once
                    names[key] = f"{plan.index:05d}{f'-{j}' if len(made) > 1 else ''}.png"
                    add(f"{FOLDER}/{names[key]}", data)
                files.append(names[key])
            rows.extend(_rows(plan, files, fitted, keys, format.name))

        written = layer_writer.written(fitted, options, make, store, lambda: _notes(fitted))
        first = fitted.engines[0]
        add(f"{FOLDER}/{DARK}", png_write.encode_mask(zip_of_frames.black(first.grid.shape), first.orientation, True))
        add(TABLE, _encoded(fitted, keys, rows, format.name))
    return written


def _key(engine: Engine, job: PrintJob, name: str) -> EngineKey:
    """Return what the host knows an engine by."""
    if engine.wavelength_nm != round(engine.wavelength_nm):
        raise refusal(name, "wavelength_nm", f"{engine.wavelength_nm:g} nm", "whole nanometres", NEVER, must="must be")
    shape = device_frame.frame_shape(engine.grid.shape, engine.orientation)
    return EngineKey(engine.name or ENGINES.get(shape, job.printer.name), round(engine.wavelength_nm))


def _notes(job: PrintJob) -> list[Finding]:
    """Say how light settings are written, and where no known light engine has such frames."""
    found = []
    for engine in job.engines:
        shape = device_frame.frame_shape(engine.grid.shape, engine.orientation)
        if shape not in ENGINES:
            known = " and ".join(f"{c}x{r} ({name})" for (r, c), name in ENGINES.items())
            message = f"frames are {shape[1]}x{shape[0]} px; the host's light engines have {known} and show nothing else right"
            found.append(Finding(code="unknown-light-engine", severity="warning", message=message))
    if WAVELENGTH in job.placeholders:
        message = (
            f"nobody said the wavelength: {job.engines[0].wavelength_nm:g} nm, which only stand in for it, were written as a fact, "
            "and the host looks its light engine up by them"
        )
        found.append(Finding(code="wavelength-guessed", severity="warning", message=message, value=job.engines[0].wavelength_nm, unit="nm"))
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
        raise refusal(name, "power", f"{power:g}", limit, "name the light setting as the host does", f"layer {k}: ", "must be")
    return round(own)


def _rows(plan: LayerPlan, files: Sequence[str], job: PrintJob, keys: Sequence[EngineKey], name: str) -> list[Row]:
    """Return a layer as the file has it: what follows a lift that comes back is a layer of 0 µm."""
    moves = [(plan.motion, plan.squeeze, plan.thickness_um)]
    shown: list[list[Image]] = [[]]
    for e, file in zip(plan.exposures, files, strict=True):
        for lift in () if e.relift is None else e.relift.lifts:
            moves.append((lift.motion, lift.squeeze, 0.0))
            shown.append([])
        shown[-1] += [_image(e, file, _evened(e, job), keys[e.engine], plan.index, name)] * e.repeat
    for lift in () if plan.relift_after is None else plan.relift_after.lifts:
        moves.append((lift.motion, lift.squeeze, 0.0))
        shown.append([])
    return [Row(_position(*move, name), tuple(images)) for move, images in zip(moves, shown, strict=True)]


def _evened(e: Exposure, job: PrintJob) -> bool | None:
    """Return whether the host is asked to even out the field; None leaves it as the host is set."""
    if e.flat_field_by_host is not None:
        return e.flat_field_by_host
    if FLAT_FIELD_BY_HOST in job.requires:
        return True
    return False if job.process.evened == "baked" else None  # or the host would do it again


def _image(e: Exposure, file: str, evened: bool | None, key: EngineKey, k: int, name: str) -> Image:
    """Return the settings of an exposure in full."""
    film = None if e.film_lift_um is None else ImageTechniques(film=Film(enable=True, up_mm=_thousandth(e.film_lift_um)))
    return Image(
        file=file,
        time_ms=_ms(e.time_s),
        engine=key.name,
        wavelength_nm=key.wavelength_nm,
        power=_power(e.power, k, name),
        focus_um=e.focus_um,
        before_ms=_ms(e.wait_before_s),
        after_ms=_ms(e.wait_after_s),
        x_um=e.offset_um[0] or None,
        y_um=e.offset_um[1] or None,
        corrected=evened,
        special=film,
    )


def _position(motion: Motion, squeeze: Squeeze | None, thickness_um: float, name: str) -> Position:
    """Return the settings of a move in full."""
    if motion.lift_um <= 0:
        raise refusal(name, "lift_um", "0 µm", "above 0 µm", "give the process a lift")
    special = None
    if squeeze is not None:
        out = SqueezeOut(enable=True, count=squeeze.count, force_n=squeeze.force_n, time_ms=_ms(squeeze.time_s))
        special = LayerTechniques(squeeze=out)
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
        special=special,
    )


def _ms(time_s: float) -> float:
    return round(time_s * 1000.0, 9)


def _thousandth(um: float) -> float:
    return round(um / 1000.0, 12)


def _defaults(job: PrintJob, key: EngineKey, rows: Sequence[Row], name: str) -> Defaults:
    """Return the defaults: the commonest move without techniques, and an image without light."""
    moves = Counter(row.position for row in rows if row.position.special is None and row.position.thickness_um)
    plain = _position(job.process.motion.last, None, float(job.grid.thickness_um[0]), name)
    power = _power(job.process.power or job.printer.optics.settings[0].power, 0, name)
    evened = {image.corrected for row in rows for image in row.images}
    dark = Image(
        file=DARK,
        time_ms=DARK_MS,
        engine=key.name,
        wavelength_nm=key.wavelength_nm,
        power=power,
        focus_um=0.0,
        before_ms=0.0,
        after_ms=0.0,
        corrected=next(iter(evened)) if len(evened) == 1 else None,
    )
    return Defaults(count=1, position=moves.most_common(1)[0][0] if moves else plain, image=dark)


def _encoded(job: PrintJob, keys: Sequence[EngineKey], rows: Sequence[Row], name: str) -> bytes:
    """Return the JSON table."""
    defaults = _defaults(job, keys[0], rows, name)
    layout = laid_out(rows, defaults.position, defaults.image)
    texts = job.provenance.texts or {}
    said = Stated.of(list(zip(keys, job.engines, strict=True)), PITCH not in job.placeholders)
    comment = " ".join(filter(None, (texts.get(HEADER_COMMENT), said.comment())))
    own = {
        "resin": job.resin.name,
        "printer": job.printer.name,
        "stl_file": ", ".join(i.file for i in job.provenance.inputs),
        "slicer": f"pmsl {__version__}",
    }
    design = {field: texts.get(key, "" if texts else own.get(field, "")) for field, key in DESIGN_KEYS.items()}
    more: dict[str, Any] = {}
    if job.vacuum is not None:
        level_torr = round(job.vacuum.pressure_pa / PA_PER_TORR, 6)
        more["special"] = PrintTechniques(vacuum=UnderVacuum(enable=True, level_torr=level_torr, wait_s=job.vacuum.wait_s))
    table = PrintFile(
        header=HeaderTable(version=VERSION, images=FOLDER, comment=comment),
        design=DesignTable(**design),
        defaults=defaults,
        named_positions=layout.named_positions,
        named_images=layout.named_images,
        groups=layout.groups,
        layers=layout.layers,
        **more,
    )
    return msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n"
