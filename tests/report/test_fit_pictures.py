"""Pictures of fits: they draw what was measured and what was fitted, of every kind of fit, and replace nothing unasked."""

import numpy as np
import pytest
from calibration_labs import film_um, roof_um, write_rows
from click.testing import CliRunner
from PIL import Image

from pmsl.calibrate import fit
from pmsl.cli.app import app
from pmsl.report.fit_plots import fit_plot_names, measurement_figure, values_figure

DP, EC = 20.0, 6.0


@pytest.fixture
def films(tmp_path):
    rng = np.random.default_rng(1)
    rows = [{"dose_mj_cm2": e, "thickness_um": film_um([e], DP, EC) + rng.normal(0, 1)} for e in EC * np.geomspace(1.5, 10, 9)]
    return write_rows(tmp_path / "films.csv", rows)


@pytest.fixture
def roofs(tmp_path):
    rng = np.random.default_rng(2)
    rows = [
        {
            "dose_mj_cm2": e,
            "layer_um": 10,
            "cover_layers": n,
            "channel_um": 150,
            "gap_um": 150 - roof_um(n, e, 10, DP, EC) + rng.normal(0, 1),
        }
        for e in (12.0, 18.0, 30.0)
        for n in (1, 3, 9)
    ]
    return write_rows(tmp_path / "roofs.csv", rows)


@pytest.fixture
def levels(tmp_path):
    return write_rows(tmp_path / "levels.csv", [{"level": g, "reading": 0.01 + (g / 255) ** 1.1 * 16} for g in (0, 64, 128, 192, 255) * 2])


def test_a_curve_is_drawn_with_its_band_its_points_and_what_is_left(films):
    found = fit("working-curve", films)
    above, below = measurement_figure(found).axes
    points = {line.get_label(): line.get_xydata() for line in above.lines}
    assert np.array_equal(points["measured"], np.column_stack([found.measured["dose_mj_cm2"], found.measured["thickness_um"]]))
    assert np.array_equal(points["fit"][:, 1], found.prediction["thickness_um"])
    band = above.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(found.prediction["low_um"].min()) and band[:, 1].max() == pytest.approx(
        found.prediction["high_um"].max()
    )
    assert np.array_equal(below.lines[-1].get_ydata(), found.residuals) and below.get_xscale() == "log"
    assert below.get_xlabel() == "dose [mJ/cm²]" and above.get_ylabel() == "thickness [µm]"


def test_where_no_curve_is_every_measurement_stands_beside_its_fit(roofs, films):
    found = fit("roofs", [roofs, films])
    above, _ = measurement_figure(found).axes
    measured = next(line for line in above.lines if line.get_label() == "measured").get_ydata()
    assert len(measured) == found.n == 18 and np.allclose(measured - found.residuals, found.prediction["depth_um"])


def test_values_stand_with_their_intervals_and_correlation(films):
    found = fit("working-curve", films)
    axes = values_figure(found).axes
    p = found.parameters["dp_um"]
    assert axes[0].lines[0].get_xdata() == pytest.approx(np.array(p.interval95) / p.value)
    assert np.asarray(axes[1].images[0].get_array())[0, 1] == pytest.approx(found.correlation("dp_um", "ec_mj_cm2"))


def test_the_command_writes_them_and_replaces_none(films, roofs, levels, tmp_path):
    run = lambda *words: CliRunner().invoke(app, ["calibrate", "fit", *map(str, words), "--pictures", str(tmp_path / "pictures")])  # noqa: E731
    for words in (("working-curve", films), ("roofs", roofs, films), ("gray", levels)):
        done = run(*words)
        assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {
        *(f"{kind}-{what}.png" for kind in ("working-curve", "roofs") for what in ("fit", "values")),
        "gray-values.png",
        "gray-response.png",
    }
    for name in names:
        with Image.open(tmp_path / "pictures" / name) as picture:
            assert min(picture.size) > 300 and len(picture.convert("L").getcolors(1 << 16)) > 10
    again = run("working-curve", films)
    assert again.exit_code != 0 and "--force" in str(again.exception)
    assert run("working-curve", films, "--force").exit_code == 0
    assert fit_plot_names(fit("gray", levels)) == ["gray-values.png", "gray-response.png"]
