"""Light over the field: labs with a hidden unevenness by meter, thickness and picture, a flat field that prints, bad sheets by name."""

import numpy as np
import pytest
from calibration_labs import filled, write_rows
from click.testing import CliRunner
from PIL import Image

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.fits.regression import student
from pmsl.cli.app import app
from pmsl.errors import MeasurementError, ProfileError
from pmsl.optics import flat_field

PRINTER, RESIN = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
FIELD = np.array(PRINTER.field_px[::-1]) * 2.0  # µm


def light(x, y, loss=0.15, tilt=0.06, bend=0.03):
    """A field that fades toward its corners and to one side."""
    u, v = 2 * np.asarray(x) / FIELD[0] - 1, 2 * np.asarray(y) / FIELD[1] - 1
    return 1 - loss * (u * u + v * v) / 2 + tilt * u + bend * u * v


def nodes(rows, cols):
    y, x = (p.ravel() for p in np.meshgrid(np.linspace(1, FIELD[1] - 1, rows), np.linspace(1, FIELD[0] - 1, cols), indexing="ij"))
    return x, y


def truth(shape):
    """Light at the nodes of a fitted grid, relative to the mean of a fine one."""
    x, y = nodes(201, 201)
    return (light(*nodes(*shape)) / light(x, y).mean()).reshape(shape)


def lab(seed, folder, noise=0.01):
    rng = np.random.default_rng(seed)
    x, y = nodes(6, 8)
    rows = [{"x_um": a, "y_um": b, "reading": 5.3 * light(a, b) * (1 + rng.normal(0, noise))} for a, b in zip(x, y, strict=True)]
    return write_rows(folder / f"{seed}.csv", [row for row in rows if rng.random() > 0.1])


def inside(seeds, folder):
    hits = []
    for seed in seeds:
        found = fit("uniformity", lab(seed, folder), PRINTER)
        grid, sd = found.tables["flat_field"], found.tables["flat_field_sd"]
        reach = student(found.n - 10) * sd
        hits.append(np.abs(grid - truth(grid.shape)) <= reach)
    return float(np.mean(hits))


def test_the_true_field_lies_inside_its_error(tmp_path):
    assert inside(range(30), tmp_path) >= 0.9


@pytest.mark.slow
def test_the_true_field_lies_inside_its_error_of_a_thousand_labs(tmp_path):
    assert 0.925 <= inside(range(1000), tmp_path) <= 0.975


def test_exact_readings_give_the_very_field_and_a_printer_has_it(tmp_path):
    x, y = nodes(5, 7)
    sheet = write_rows(tmp_path / "meter.csv", [{"x_um": a, "y_um": b, "reading": 3 * light(a, b)} for a, b in zip(x, y, strict=True)])
    found = fit("uniformity", sheet, PRINTER)
    assert np.abs(found.tables["flat_field"] - truth(found.tables["flat_field"].shape)).max() < 2e-3
    done = CliRunner().invoke(
        app, ["calibrate", "fit", "uniformity", str(sheet), "--printer", "pmsl-2um", "-o", str(tmp_path / "mine.toml")]
    )
    assert done.exit_code == 0, done.output
    mine = pmsl.find_printer(str(tmp_path / "mine.toml"))
    field = flat_field(mine)
    rows, cols = PRINTER.field_px
    yy, xx = np.mgrid[0:rows:90, 0:cols:80]
    real = light(2.0 * (xx + 0.5), 2.0 * (yy + 0.5)) / light(*nodes(201, 201)).mean()
    assert np.abs(field[::90, ::80] - real).max() < 0.005
    assert mine.optics.flat_field.grid.class_ == "measured" and mine.optics.psf == PRINTER.optics.psf


def test_the_loop_closes_by_thickness(tmp_path):
    rng = np.random.default_rng(2)
    dp, ec = RESIN.resin.dp_um.value, RESIN.resin.ec_mj_cm2.value
    irradiance = PRINTER.optics.settings[0].irradiance_mw_cm2.value

    def measured(row):
        dose = float(row["time_s"]) * irradiance * light(float(row["x_um"]), float(row["y_um"]))
        return {"thickness_um": float(dp * np.log(dose / ec) + rng.normal(0, 0.5))}

    sheet = filled(coupon("uniformity", PRINTER, RESIN), tmp_path / "films.csv", measured, 0.1, rng)
    found = fit("uniformity", sheet, PRINTER, RESIN)
    grid = found.tables["flat_field"]
    assert np.abs(grid - truth(grid.shape)).max() < 0.03
    assert [f.value for f in found.findings if f.code == "value-holds-for"] == [dp]


def test_a_picture_lies_as_a_frame_does(tmp_path):
    rows, cols = 270, 480
    y, x = np.mgrid[0:rows, 0:cols]
    field = light((x + 0.5) / cols * FIELD[0], (y + 0.5) / rows * FIELD[1])
    Image.fromarray((field[::-1] * 40_000).astype(np.uint16)).save(tmp_path / "field.png")  # the first row of a frame is the largest y
    found = fit("uniformity", tmp_path / "field.png", PRINTER)
    grid = found.tables["flat_field"]
    assert np.abs(grid - truth(grid.shape)).max() < 2e-3 and "field.png (sha256" in found.source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x_um,y_um,reading\n" + "\n".join(f"{10 * i},5,{1 + i}" for i in range(9)), "do not span the field"),
        ("x_um,y_um,reading\n1,1,1\n100,1,2\n1,100,3", "do not span the field"),
        ("x_um,y_um,reading\n9000,1,1", "x_um is 9000; the field of printer pmsl-2um goes from 0 to 3840"),
        ("x_um,y_um,reading\n,1,1", "x_um is blank"),
        ("x_um,reading\n1,1", "no column y_um"),
        ("x_um,y_um,reading,thickness_um\n1,1,1,\n1,9,,30", "thickness_um and reading in one fit"),
        ("x_um,y_um,reading\n1,1,0", "reading is 0; it must be above 0"),
        ("x_mm,y_um,reading\n1,1,1", "unknown column 'x_mm'; did you mean"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "field.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("uniformity", tmp_path / "field.csv", PRINTER)
    assert words in str(caught.value)


def test_a_picture_that_is_none_is_refused(tmp_path):
    (tmp_path / "field.png").write_bytes(b"nothing")
    with pytest.raises(ProfileError, match="no PNG or TIFF"):
        fit("uniformity", tmp_path / "field.png", PRINTER)
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "dark.png")
    with pytest.raises(MeasurementError, match="black"):
        fit("uniformity", tmp_path / "dark.png", PRINTER)
    with pytest.raises(MeasurementError, match="fitted by itself"):
        fit("uniformity", [tmp_path / "dark.png", tmp_path / "dark.png"], PRINTER)
