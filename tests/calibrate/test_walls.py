"""Walls: closed forms of blurred edges, a slow model of pixels, labs inside their intervals, coupons and sheets."""

import numpy as np
import pytest
from calibration_labs import filled, lab_width, rows_of, share_inside, write_rows
from click.testing import CliRunner
from scipy.ndimage import gaussian_filter
from scipy.special import erf, erfinv, ndtri

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.fits.wall_widths import features_of, widths_um
from pmsl.cli.app import app
from pmsl.errors import MeasurementError

LINEAR = np.arange(256) / 255
FINE = 20  # samples a pixel of the slow model


def model_px(feature, angle, width, tau, sigma, tail=False):
    one = features_of(np.array([feature]), np.array([float(angle)]), np.array([float(width)]), np.array([1.0 / tau]), (1.0, 1.0), LINEAR)
    return max(float(widths_um(one, sigma, 1.0, tail)[0]), 0.0)


def slow_px(feature, angle, width, tau, sigma):
    """Pixels by their covered area on a fine lattice, shown as boxes, blurred, cut at the threshold; the mean width along the middle."""
    n = 40
    place = (np.arange(n * FINE) + 0.5) / FINE - n / 2
    x, y = np.meshgrid(place, place)
    if feature in ("dot", "hole"):
        low = -np.floor(width / 2)
        shape = (x >= low) & (x < low + width) & (y >= low) & (y < low + width)
    else:
        across = y * np.cos(np.radians(angle)) - x * np.sin(np.radians(angle))
        shape = (across >= 0) & (across < width) if angle in (0, 90) else np.abs(across) < width / 2
        if angle == 90:
            shape = (-across >= 0) & (-across < width)
    shape = ~shape if feature in ("gap", "hole") else shape
    pixels = np.round(255 * shape.reshape(n, FINE, n, FINE).mean(axis=(1, 3))) / 255
    light = gaussian_filter(np.kron(pixels, np.ones((FINE, FINE))), sigma * FINE, mode="nearest", truncate=6)
    cured = light >= tau
    cured = ~cured if feature in ("gap", "hole") else cured
    middle = slice(len(place) // 2 - 6 * FINE, len(place) // 2 + 6 * FINE)
    if feature in ("dot", "hole"):
        centre = len(place) // 2 + round(FINE * (low + width / 2))
        return cured[centre].sum() / FINE
    if angle == 90:
        return cured[middle].sum(axis=1).mean() / FINE
    columns = cured[:, middle].sum(axis=0).mean() / FINE
    return columns * np.cos(np.radians(angle))


@pytest.mark.parametrize("sigma", [0.36, 1.0])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_lines_of_the_acceptance_numbers(width, sigma):
    wanted = {0.36: (0.9950, 2.0, 3.0, 4.0), 1.0: (0.0, 1.8665, 2.9932, 3.9998)}[sigma][width - 1]
    assert model_px("line", 0, width, 0.5, sigma) == pytest.approx(wanted, abs=1e-4)


def test_a_wide_edge_is_a_blurred_step():
    for tau in (0.15, 0.3, 0.5):
        edge = 2 * 0.4 * ndtri(1 - tau)
        assert model_px("line", 90, 30, tau, 0.4) == pytest.approx(30 + edge, abs=1e-6)
        assert model_px("gap", 90, 30, tau, 0.4) == pytest.approx(30 - edge, abs=1e-6)


def test_the_smallest_line_and_slit():
    for tau in (0.5, 0.4, 0.25):
        for feature, share in (("line", tau), ("gap", 1 - tau)):
            least = 2 * np.sqrt(2) * 1.0 * erfinv(share)  # in σ; σ = 2 px makes whole pixels no matter
            assert model_px(feature, 26.565, 2 * least * 1.1, tau, 2.0) > 0.0
            assert model_px(feature, 26.565, 2 * least * 0.8, tau, 2.0) == 0.0


def test_a_dot_is_a_product():
    peak = erf(2 / (2 * np.sqrt(2) * 0.8)) ** 2
    assert model_px("dot", 0, 2, peak * 0.99, 0.8) > 0 == model_px("dot", 0, 2, peak * 1.01, 0.8)


CASES = [
    *[("line", angle, w, tau) for angle in (0, 90, 26.565, 45) for w, tau in ((1, 0.3), (3, 0.5), (4, 0.13))],
    *[("gap", angle, w, tau) for angle in (0, 45) for w, tau in ((2, 0.5), (4, 0.2))],
    *[
        ("line", 0, 1.5, 0.25),
        ("gap", 90, 1.5, 0.5),
        ("line", 0, 0.5, 0.2),
        ("dot", 0, 2, 0.3),
        ("hole", 0, 3, 0.4),
        ("line", 26.565, 1.5, 0.25),
    ],
]


@pytest.mark.parametrize(("feature", "angle", "width", "tau"), CASES)
def test_widths_are_those_of_the_slow_model_of_pixels(feature, angle, width, tau):
    turned = angle not in (0, 90)
    assert model_px(feature, angle, width, tau, 0.45) == pytest.approx(
        slow_px(feature, angle, width, tau, 0.45), abs=0.08 if turned else 0.051
    )


# --- synthetic labs: an own model of the light across, by numbers on a fine line (calibration_labs) -------------


def row_of(dose, feature, width, size, angle=0):
    return {"dose_mj_cm2": dose, "feature": feature, "angle_deg": angle, "width_px": width, "width_um": size}


def lab(seed, folder, noise=2.0):
    rng = np.random.default_rng(seed)
    sigma, ec, bias = rng.uniform(0.3, 0.8), rng.uniform(5, 20), rng.normal(0, 1.5)
    rows = []
    for tau in (0.5, 0.25, 0.125):
        for feature in ("line", "gap"):
            for width in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0):
                true = 10 * lab_width(feature, width, tau * rng.uniform(0.999, 1.001), sigma)
                for angle in (0, 90):
                    size = true + (bias if feature == "line" else -bias) + rng.normal(0, noise) if true > 4 else 0.0
                    rows.append(
                        {"dose_mj_cm2": ec / tau, "feature": feature, "angle_deg": angle, "width_px": width, "width_um": max(size, 0.0)}
                    )
    rows = [row for i, row in enumerate(rows) if i < 6 or rng.random() > 0.1]
    return {"sigma_px": sigma, "ec_mj_cm2": ec, "bias_um": bias}, write_rows(folder / f"{seed}.csv", rows)


def labs(seeds, folder):
    printer = pmsl.find_printer("pmsl-10um")
    for seed in seeds:
        true, path = lab(seed, folder)
        yield true, fit("walls", path, printer)


def test_true_values_lie_within_their_errors(tmp_path):
    for true, found in labs(range(2), tmp_path):
        for name, value in true.items():
            got = found.parameters[name]
            assert abs(got.value - value) < 3 * got.sd, name
        assert found.parameters["sigma_px"].sd < 0.1 and found.parameters["ec_mj_cm2"].sd < 0.3 * true["ec_mj_cm2"]


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


# --- the coupon ---------------------------------------------------------------------------------------------------


PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")


def test_the_coupon_shows_what_its_sheet_says():
    """Lit area of each tile is that of its lines, bars, dots and plates, at its dose."""
    made = coupon("walls", PRINTER, RESIN)
    (plan,) = made.job.layers()
    assert len(plan.exposures) == 4
    for i in range(made.layout.count):
        tile = made.layout.tile(i)
        levels = plan.exposures[1 + i // 5].mask.within(tile, np.uint16)
        lines = sum((0.5, 1, 1.5, 2, 3, 4, 6, 8)) * 60
        if i % 5 < 4:
            bars = levels.sum() / 65535 - lines
            assert 9 * 10 * 60 < bars < 9 * 10 * 60 * 1.02, i + 1  # bars after a broken gap end on a pixel's edge
        for other in {1, 2, 3} - {1 + i // 5}:
            assert plan.exposures[other].mask.within(tile, np.uint16).sum() == 0
    assert len(rows_of(made)) == 3 * (4 * 16 + 12)


def test_the_loop_closes_and_a_printer_has_the_blur(tmp_path):
    rng, made = np.random.default_rng(3), coupon("walls", PRINTER, RESIN)

    def measured(row):
        if row["feature"] not in ("line", "gap") or float(row["angle_deg"]) not in (0.0, 90.0):
            return {}
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        true = 10 * lab_width(row["feature"], float(row["width_px"]), 20.0 / dose, 0.5)
        return {"width_um": max(true + (1.2 if row["feature"] == "line" else -1.2) + rng.normal(0, 0.3), 0.0) if true > 0 else 0.0}

    sheet = filled(made, tmp_path / "walls.csv", measured)
    words = ["calibrate", "fit", "walls", str(sheet), "--printer", "pmsl-10um", "-o", str(tmp_path / "mine.toml")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = fit("walls", sheet, PRINTER)
    for name, true in (("sigma_px", 0.5), ("ec_mj_cm2", 20.0), ("bias_um", 1.2)):
        assert abs(found.parameters[name].value - true) < 4 * found.parameters[name].sd + 0.01 * true, name
    mine = pmsl.find_printer(str(tmp_path / "mine.toml")).optics.psf
    assert mine.kind == "gaussian" and mine.sigma_pitch.value == pytest.approx(0.5, abs=0.02) and mine.sigma_pitch.class_ == "measured"
    assert len([f for f in found.findings if f.code == "smallest-feature"]) == 3


def test_a_heavy_tail_is_seen(tmp_path):
    rng, rows = np.random.default_rng(5), []
    for tau in (0.5, 0.25, 0.125):
        for feature in ("line", "gap"):
            for width in (2.0, 3.0, 4.0, 6.0, 8.0):
                size = 10 * model_px(feature, 0, width, tau, 0.25, tail=True)
                rows.append(
                    {"dose_mj_cm2": 10 / tau, "feature": feature, "width_px": width, "width_um": max(size + rng.normal(0, 0.5), 0.0)}
                )
    found = fit("walls", write_rows(tmp_path / "w.csv", rows), PRINTER)
    assert abs(found.parameters["gamma_px"].value - 0.25) < 4 * found.parameters["gamma_px"].sd
    assert "heavy-tail" in [f.code for f in found.findings]


def test_one_dose_parts_nothing(tmp_path):
    rows = [row_of(40, f, w, 10 * w + (3 if f == "line" else -3)) for f in ("line", "gap") for w in (6, 8, 10, 12)]
    with pytest.raises(MeasurementError, match=r"cannot part .*ec_mj_cm2; measure lines and gaps at three doses"):
        fit("walls", write_rows(tmp_path / "w.csv", rows), PRINTER)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dose_mj_cm2,feature,width_px,width_um\n40,wall,2,20", "feature is 'wall'; it must be one of line, gap, dot, hole"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,line,2,20000", "width_um is 20000, the feature was designed 2 px = 20 µm wide"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,line,2,0.02", "is that mm"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,line,,20", "no width_px"),
        ("time_s,feature,width_px,width_um\n40,line,2,20", "no irradiance"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,line,2,0", "nothing survived"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,dot,1.5,9", "dots and holes are whole pixels"),
        ("dose_mj_cm2,feature,width_px,width_um\n40,line,2,20\n40,gap,2,20\n80,gap,2,18", "for 3 parameters"),
        ("dose_mj_cm2,feature,width,width_um\n40,line,2,20", "unknown column 'width'; did you mean 'width_"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "walls.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("walls", tmp_path / "walls.csv", PRINTER)
    assert words in str(caught.value)
