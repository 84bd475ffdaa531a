"""The kind ``uniformity``: readings of a power meter, thicknesses or a sensor picture over the field: the flat field with its error."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.fits.field_surface import FieldSurface, fit_surface
from pmsl.calibrate.fits.fit_findings import REPLICATES, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult, Parameter
from pmsl.calibrate.fits.regression import FitTest, against_replicates, student
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_printer, source_text
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ABOVE, FROM, SheetData, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError
from pmsl.exposure.planning import whole_frames
from pmsl.files.text_file import read_bytes
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import FlatField
from pmsl.profiles.tables.flat_field_image import gray_picture, upright
from pmsl.profiles.tables.strict_struct import Value

COLUMNS = ("tile", "x_um", "y_um", "time_s", "thickness_um")
TILES, DOSE = 40, 5.0  # dose in Ec: steep enough to tell, thin enough to measure
PICTURES = (".png", ".tif", ".tiff")
BLOCKS = 24  # of the longer side of a picture
WAYS = ("thickness_um", "reading")
WHY = {REPLICATES: "places differ by more than readings repeated there"}
WORTH = "the written grid is smoother than the light; measure at more places, or give a picture"
FORM = SheetFormat(
    "uniformity",
    {
        "x_um": FROM,
        "y_um": FROM,
        **dict.fromkeys(("time_s", "dose_mj_cm2", "irradiance_mw_cm2"), ABOVE),
        "thickness_um": FROM,
        "reading": ABOVE,
    },
    WAYS,
    (("x_um",), ("y_um",)),
    "a measurement",
    ("thickness_um",),
)
NOTES = (
    "All tiles have the same exposure: where one is thicker, there was more light. Measure thickness_um in the middle of each. Without a "
    "print: a power meter with a small aperture at the image plane, or a photodiode, over a grid of places; write x_um,y_um,reading (any "
    "unit, dark reading subtracted), x and y from the lower left corner of the field. A sensor picture of a white field, cropped to it and "
    "lying as a frame does, is fitted as it is: pmsl calibrate fit uniformity FIELD.png",
)


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    ec, light = CureModel.of(resin).ec_mj_cm2, printer.optics.settings[0].irradiance_mw_cm2.value
    wanted = min(DOSE * ec, most_dose_mj_cm2(printer)) if options.dose_range_mj_cm2 is None else options.dose_range_mj_cm2[1]
    dose, time = whole_frames(np.array([wanted]), light, printer)
    layout = tiles_of(TILES, printer, options.tile_um)
    pitch = printer.optics.pitch_um.value
    tiles = [layout.tile(i) for i in range(layout.count)]
    rows = tuple(
        {"tile": i + 1, "x_um": (t.col0 + t.cols / 2) * pitch[0], "y_um": (t.row0 + t.rows / 2) * pitch[1], "time_s": float(time[0])}
        for i, t in enumerate(tiles)
    )

    def exposures() -> list[TileExposure]:
        return [TileExposure(rectangles_mask(0, layout.shape, tiles), float(dose[0]))]

    return film_coupon("uniformity", (printer, resin, process), layout, COLUMNS, rows, NOTES, float(dose[0]), exposures)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    pictures = [path for path in paths if Path(path).suffix.lower() in PICTURES]
    if pictures and len(paths) > 1:
        raise MeasurementError(f"{pictures[0]}: a picture is fitted by itself; give one picture, or sheets")
    data = _picture(Path(pictures[0]), options.printer) if pictures else joined([read_sheets([path], FORM) for path in paths])
    ways = [way for way in WAYS if not np.isnan(data.values[way]).all()]
    if len(ways) > 1:
        raise MeasurementError(f"{data.source}: {' and '.join(ways)} in one fit; fit each way of measuring by itself")
    value, thick = data.values[ways[0]], ways[0] == "thickness_um"
    x, y = _places(data, options.printer)
    used = value > 0
    findings = [*data.findings, *uncured([row for row, use in zip(data.row, used, strict=True) if not use])]
    weights = data.weights()
    weights = None if weights is None else weights[used]
    x, y, value = x[used], y[used], value[used]
    rows = [row for row, use in zip(data.row, used, strict=True) if use]
    dp = options.resin.resin.dp_um
    scale = dp.value if thick else 1.0
    found = fit_surface(x, y, value / scale, weights, options.printer.field_px, thick, options.robust)
    sd = found.sd
    if thick:
        known = 0.0 if dp.sd is msgspec.UNSET else dp.sd / dp.value
        sd = np.hypot(sd, found.grid * np.abs(np.log(found.grid)) * known)
        findings.append(_rests_on(options.resin.name, dp.value, known))
    test = against_replicates(found.line, found.design, weights)
    tests = () if test is None else (test,)
    if not pictures:
        findings += outlier_findings(found.line, rows, value / scale, "" if not thick else "Dp")
        findings += lack_findings(tests, "a smooth surface", WHY, weights is not None, WORTH)
    return _result(found, sd, value, scale, data.source, tests, findings, options)


def _result(
    found: FieldSurface,
    sd: np.ndarray,
    value: np.ndarray,
    scale: float,
    source: str,
    tests: tuple[FitTest, ...],
    findings: Sequence[Finding],
    options: FitOptions,
) -> FitResult:
    t = student(found.line.dof)
    ends = {"lowest": int(found.grid.argmin()), "highest": int(found.grid.argmax())}
    grid, spread = found.grid.ravel(), sd.ravel()
    parameters = {
        name: Parameter(float(grid[i]), float(spread[i]), (float(grid[i] - t * spread[i]), float(grid[i] + t * spread[i])), "of the mean")
        for name, i in ends.items()
    }
    rows, cols = found.grid.shape
    v, u = (part.ravel() for part in np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, cols), indexing="ij"))
    pitch, field = options.printer.optics.pitch_um.value, options.printer.field_px
    return FitResult(
        kind="uniformity",
        parameters=parameters,
        covariance=np.diag([p.sd**2 for p in parameters.values()]),
        rmse=float(np.sqrt(np.mean(found.line.residuals**2))) * scale,
        n=len(value),
        lack_of_fit=tests,
        prediction={
            "x_um": (0.5 + u * (field[1] - 1)) * pitch[0],
            "y_um": (0.5 + v * (field[0] - 1)) * pitch[1],
            "relative": grid,
            "sd": spread,
        },
        residuals=found.line.residuals * scale,
        source=source,
        robust=options.robust,
        findings=tuple(findings),
        unit="µm" if scale != 1.0 else "",
        tables={"flat_field": found.grid, "flat_field_sd": sd},
    )


def _places(data: SheetData, printer: Printer) -> tuple[np.ndarray, np.ndarray]:
    """Return places as -1 to 1 from the middle of the first pixel to that of the last."""
    out = []
    for name, count, pitch in zip(("x_um", "y_um"), printer.field_px[::-1], printer.optics.pitch_um.value, strict=True):
        place = data.values[name]
        for i in np.flatnonzero(np.isnan(place) | (place > count * pitch)).tolist():
            raise MeasurementError(
                f"{data.row[i]}: {name} is {'blank' if np.isnan(place[i]) else f'{place[i]:g}'}; the field of printer {printer.name} "
                f"goes from 0 to {count * pitch:g} µm"
            )
        out.append((place / pitch - 0.5) / (count - 1) * 2 - 1)
    return out[0], out[1]


def _picture(path: Path, printer: Printer) -> SheetData:
    """Return the means of blocks of a picture as readings."""
    try:
        data = read_bytes(path)
    except OSError as err:
        raise MeasurementError(f"{path}: {err.strerror or err}; give a PNG or TIFF") from err
    picture = upright(gray_picture(data, path.name), printer.orientation)
    longest = max(picture.shape)
    if min(picture.shape) < 3:
        raise MeasurementError(f"{path.name}: {picture.shape[1]} × {picture.shape[0]} pixels are no picture of a field")
    counts = [min(n, max(3, round(BLOCKS * n / longest))) for n in picture.shape]
    edges = [np.linspace(0, n, k + 1).round().astype(int) for n, k in zip(picture.shape, counts, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(picture, edges[0][:-1], axis=0), edges[1][:-1], axis=1)
    means = sums / np.outer(np.diff(edges[0]), np.diff(edges[1]))
    if not (means > 0).all():
        raise MeasurementError(f"{path.name}: blocks of it are black; crop the picture to the lit field")
    middles = [(e[:-1] + e[1:]) / 2 / n for e, n in zip(edges, picture.shape, strict=True)]
    y, x = (part.ravel() for part in np.meshgrid(*middles, indexing="ij"))
    pitch, (rows, cols) = printer.optics.pitch_um.value, printer.field_px
    blank = np.full(len(x), np.nan)
    values = {
        **dict.fromkeys((*FORM.columns, "sd_um"), blank),
        "x_um": x * cols * pitch[0],
        "y_um": y * rows * pitch[1],
        "reading": means.ravel(),
    }

    source = f"{path.name} (sha256 {hashlib.sha256(data).hexdigest()[:16]})"
    return SheetData(values, {}, tuple(f"{path.name}: block {i + 1}" for i in range(len(x))), source)


def _rests_on(resin: str, dp_um: float, known: float) -> Finding:
    error = f" ± {known:.1%}" if known else ", error unknown"
    return Finding(
        code="value-holds-for",
        severity="info",
        message=f"light follows from thickness by Dp = {dp_um:.4g} µm of {resin}{error}: a wrong Dp stretches the unevenness by as much",
        value=dp_um,
        unit="µm",
    )


def _printer(printer: Printer, result: FitResult, name: str | None) -> Printer:
    if printer.dmd.lattice == "diamond":
        raise MeasurementError(f"printer {printer.name}: profiles of a diamond lattice have no flat field; the host evens it out")
    sd = float(np.sqrt(np.mean(result.tables["flat_field_sd"] ** 2)))
    grid = Value(value=result.tables["flat_field"].tolist(), class_="measured", source=source_text(result), sd=sd)
    optics = msgspec.structs.replace(printer.optics, flat_field=FlatField(grid=grid, reference="mean"))
    return measured_printer(printer, name, optics=optics)


KIND = Kind(
    name="uniformity",
    options=frozenset({"dose_range_mj_cm2", "tile_um"}),
    coupon=_coupon,
    fit=_fit,
    printer=_printer,
)
