"""Flat field and profiles of optics: measured grids, images, vignetting, files beside a profile, refusals."""

import base64
import io

import msgspec
import numpy as np
import pytest
from PIL import Image
from scipy.special import ndtr
from solids import box

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.errors import ProfileError
from pmsl.formats.frames.device_frame import turn
from pmsl.optics import Gaussian, Lorentzian, Sampled, aerial_image, flat_field, psf_of
from pmsl.optics.field_evenness import lit, lit_adjoint
from pmsl.optics.grayscale import levels_of, response
from pmsl.profiles import Printer, library_text
from pmsl.profiles.printer import FlatField, Orientation, Psf
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Value

PRINTER = pmsl.find_printer("dlp-27um")
SHAPE = (12, 17)
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def small(flat=None, orientation=None, **optics):
    return replace(
        PRINTER,
        dmd=replace(PRINTER.dmd, shape=value(SHAPE)),
        optics=replace(PRINTER.optics, flat_field=flat, **optics),
        orientation=orientation or PRINTER.orientation,
    )


def png(levels):
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def address(levels):
    return "data:image/png;base64," + base64.b64encode(png(levels)).decode()


# --- flat field ------------------------------------------------------------------------------------------------


def test_without_one_the_field_is_even():
    assert flat_field(PRINTER) is None
    assert lit(np.ones((2, 2)), (0, 0, 2, 2), None).tolist() == [[1, 1], [1, 1]]


def test_a_grid_is_linear_between_its_points_from_corner_pixel_to_corner_pixel():
    y, x = np.arange(12)[:, None] / 11, np.arange(17)[None, :] / 16
    wanted = 20 - 3 * y + 2 * x + 0.5 * y * x
    found = flat_field(small(FlatField(grid=value([[20.0, 22.0], [17.0, 19.5]]))))
    assert found == pytest.approx(wanted / wanted.mean(), rel=1e-14) and found.mean() == pytest.approx(1, abs=1e-14)


def test_a_grid_of_the_devices_shape_is_taken_as_it_is():
    measured = 1 + np.random.default_rng(1).random(SHAPE)
    assert flat_field(small(FlatField(grid=value(measured.tolist()), reference="maximum"))) == pytest.approx(measured / measured.max())


def test_vignetting_loses_its_share_in_the_corners():
    field = flat_field(small(FlatField(vignetting=value(0.3), reference="maximum")))
    assert field[[0, 0, -1, -1], [0, -1, 0, -1]] / field.max() == pytest.approx(0.7, abs=2e-3)
    center = flat_field(small(FlatField(vignetting=value(0.3), reference="center")))
    assert center[5:7, 8].mean() == pytest.approx(1, abs=1e-14)
    assert np.array_equal(field, field[::-1, ::-1])


@pytest.mark.parametrize(("row", "col"), [("-y", "+x"), ("+y", "-x"), ("+x", "+y"), ("-x", "+y"), ("-x", "-y")])
def test_images_lie_as_frames_do(row, col):
    levels = np.random.default_rng(2).integers(1, 65536, SHAPE).astype(np.uint16)
    orientation = Orientation(row=row, col=col)
    frame = np.ascontiguousarray(turn(levels, orientation))
    assert flat_field(small(FlatField(image=value(address(frame))), orientation)) == pytest.approx(levels / levels.mean(), rel=1e-14)


def test_the_flat_field_is_its_own_adjoint():
    rng, window = np.random.default_rng(3), (2, 3, 5, 7)
    flat, a, b = 0.5 + rng.random(SHAPE), rng.standard_normal((5, 7)), rng.standard_normal((5, 7))
    assert (lit(a, window, flat) * b).sum() == pytest.approx((a * lit_adjoint(b, window, flat)).sum(), rel=1e-12)
    assert np.array_equal(lit(a, window, flat), a * flat[2:7, 3:10])


def test_a_vignette_of_30_percent_can_be_evened_to_1_percent():
    printer = small(FlatField(vignetting=value(0.3)))
    field, light = flat_field(printer), response(printer)
    dose = light[levels_of(field.min() / field, light)] * field
    assert dose.max() / dose.min() <= 1.01


def test_dose_maps_hold_the_flat_field(tmp_path):
    rows, cols = PRINTER.dmd.shape.value
    printer = replace(PRINTER, optics=replace(PRINTER.optics, flat_field=FlatField(vignetting=value(0.3))))
    job = pmsl.prepare([box((54, 54, 0), (148.5, 108, 30))], printer, pmsl.find_resin("pr48-385"), pmsl.find_process("default"))
    exposure = job[1].exposures[0]
    wanted = exposure.mask.dense(np.uint8) / 255 * exposure.dose_mj_cm2 * flat_field(printer)
    np.testing.assert_allclose(pmsl.dose_map(job, job[1]).dense(), wanted, rtol=1e-6, atol=0)  # pytest.approx takes 20 s for a whole field


def test_aerial_image_of_a_mask_is_response_flat_field_and_blur():
    levels = np.zeros(SHAPE, np.uint8)
    levels[4:8, 5:12], levels[5, 6] = 255, 90
    printer = small(FlatField(vignetting=value(0.2)), psf=Psf(sigma_um=value(13.5)))
    image = aerial_image(LayerMask.from_dense(2, levels), printer, response(printer))
    psf = Gaussian((0.5, 0.5))
    k = np.arange(12)[:, None] - np.arange(12)[None, :]
    m = np.arange(17)[:, None] - np.arange(17)[None, :]
    wanted = psf.line(k, 0, True) @ (levels / 255 * flat_field(printer)) @ psf.line(m, 1, True).T
    row0, col0, rows, cols = image.window
    assert (row0, col0, rows, cols) == (0, 1, 12, 15)
    assert image.irradiance == pytest.approx(wanted[row0 : row0 + rows, col0 : col0 + cols], abs=1e-12)


# --- profiles --------------------------------------------------------------------------------------------------


def test_lengths_in_um_use_the_pitch_of_their_axis():
    def of(**psf):
        return psf_of(small(psf=Psf(**psf), pitch_um=value((20.0, 10.0))))

    assert of(sigma_um=value(5.0)) == Gaussian((0.5, 0.25))
    assert of(sigma_pitch=value(0.36)) == Gaussian((0.36, 0.36))
    assert of(kind="box", sigma_um=value(5.0), fill=value(0.81)) == Gaussian((0.5, 0.25), 0.9)
    assert of(kind="lorentzian", gamma_um=value(4.0)) == Lorentzian((0.4, 0.2))
    found = of(kind="sampled", step_um=value(2.0), samples=value([[0.0, 1.0, 0.0], [1.0, 4.0, 2.0], [0.0, 0.0, 0.0]]))
    assert isinstance(found, Sampled) and found.step_px == (0.2, 0.1) and found.samples.sum() == 1 and found.samples[1, 2] == 0.25


def with_lines(text, old, lines):
    assert old in text
    return text.replace(old, lines, 1)


PSF = 'kind = "gaussian"'
KNOWN = ', class = "measured", source = "camera" }'
BAD_PSF = [
    ('kind = "lorentzian"', "give gamma_pitch or gamma_um, one of the two"),
    (f'kind = "lorentzian"\ngamma_um = {{ value = 3{KNOWN}', "sigma_pitch does not belong to a psf of kind 'lorentzian'"),
    ('kind = "box"', "needs fill"),
    (f'kind = "box"\nfill = {{ value = 1.2{KNOWN}', r"fill\.value: expected `float` <= 1\.0 \(found 1\.2\)"),
    (f'kind = "gaussian"\nfill = {{ value = 0.9{KNOWN}', "fill does not belong"),
    (f'kind = "gaussian"\nsigma_um = {{ value = 9{KNOWN}', "give sigma_pitch or sigma_um, one of the two"),
    ('kind = "airy"', "'gaussian' or 'box' or 'lorentzian' or 'sampled'"),
]


@pytest.mark.parametrize(("lines", "words"), BAD_PSF)
def test_a_wrong_psf_is_refused(lines, words):
    with pytest.raises(ProfileError, match=words):
        parse(with_lines(library_text("dlp-27um"), PSF, lines), Printer, "x.toml")


def sampled(samples, step=0.5):
    rows = str(samples).replace("(", "[").replace(")", "]")
    text = library_text("dlp-27um")
    start = text.index("sigma_pitch")
    text = text[:start] + text[text.index("\n", start) + 1 :]
    return with_lines(text, PSF, f'kind = "sampled"\nstep_pitch = {{ value = {step}{KNOWN}\nsamples = {{ value = {rows}{KNOWN}')


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([[1, 2], [3, 4]], r"samples are 2 × 2; expected odd"),
        ([[1, 2, 3], [3, 4]], r"row 1 has 2 numbers, row 0 has 3"),
        ([[0, 0, 0]], "sum to 0"),
        ([[0, -1, 0]], r"samples\.value.*>= 0"),
        ([], r"samples are 0 × 0"),
    ],
)
def test_wrong_samples_are_refused(samples, words):
    with pytest.raises(ProfileError, match=words):
        parse(sampled(samples), Printer, "x.toml")


def test_a_psf_wider_than_the_field_is_refused():
    rows, cols = PRINTER.dmd.shape.value
    text = library_text("dlp-27um")
    wide = text.replace("sigma_pitch = { value = 0.36", f"sigma_pitch = {{ value = {rows / 6 + 1}")
    with pytest.raises(ProfileError, match=rf"psf is {rows + 6:g} px wide along y; the field has {rows} px"):
        parse(wide, Printer, "x.toml")
    lorentzian = with_lines(text.replace("sigma_pitch = { value = 0.36", f"gamma_pitch = {{ value = {rows}"), PSF, 'kind = "lorentzian"')
    with pytest.raises(ProfileError, match="px wide along y"):
        parse(lorentzian, Printer, "x.toml")
    with pytest.raises(ProfileError, match=f"psf is {3 * rows:g} px wide along y"):
        parse(sampled([[1, 1, 1]] * 3, rows), Printer, "x.toml")


BAD_FIELD = [
    ("", "give grid, image or vignetting, one of the three"),
    (f"vignetting = {{ value = 1.0{KNOWN}", r"vignetting\.value: expected `float` < 1\.0 \(found 1\.0\)"),
    (f"grid = {{ value = [[1, 2], [0, 3]]{KNOWN}", r"grid\.value.*expected `float` > 0"),
    (f"grid = {{ value = [[1, 2], [2]]{KNOWN}", r"2 rows of \[1, 2\] numbers; expected rows of one length, 2 × 2 or more"),
    (f"grid = {{ value = [[1, 2]]{KNOWN}", "1 rows of"),
    (f"grid = {{ value = {[[1] * 4000] * 2}{KNOWN}", r"4000x2, finer than the device"),
]


@pytest.mark.parametrize(("lines", "words"), BAD_FIELD)
def test_a_wrong_flat_field_is_refused(lines, words):
    with pytest.raises(ProfileError, match=words):
        parse(f"{library_text('dlp-27um')}\n[optics.flat_field]\n{lines}\n", Printer, "x.toml")


def test_a_wrong_image_is_refused():
    dark, good = np.full(SHAPE, 200, np.uint8), np.full(SHAPE, 200, np.uint8)
    dark[3, 5] = 0
    for levels, words in (
        (dark, "level 0 at row 3, column 5; expected light, above 0, everywhere"),
        (good[:, :-1].copy(), "the image is 16x12 px; the device's frames are 17x12"),
        (np.stack([good] * 3, axis=-1), "of mode RGB; expected gray"),
    ):
        with pytest.raises(ProfileError, match=words):
            flat_field(small(FlatField(image=value(address(levels)))))
    for text, words in (
        ("flat.png", r"names a file \(flat\.png\); read the profile by its path"),
        ("data:image/png;base64,AAAA", "no PNG or TIFF"),
        ("data:image/png;base64,é", "no PNG or TIFF"),
        (address(good)[:120], "no PNG or TIFF"),
    ):
        with pytest.raises(ProfileError, match=words):
            flat_field(small(FlatField(image=value(text))))


# --- files beside a profile ------------------------------------------------------------------------------------


def beside(folder, lines, text=None):
    path = folder / "mine.toml"
    path.write_text((text or library_text("dlp-27um")) + lines, encoding="utf-8")
    return path


def test_measurements_in_files_are_put_into_the_profile(tmp_path):
    rows, cols = PRINTER.dmd.shape.value
    frame = np.random.default_rng(1).integers(1, 256, (rows, cols)).astype(np.uint8)
    (tmp_path / "flat.png").write_bytes(png(frame))
    np.savetxt(tmp_path / "gray.csv", np.arange(300.0) ** 2, delimiter=",")
    (tmp_path / "spot.csv").write_text("# measured\n0, 1, 0\n1, 4, 2\n0, 0, 0\n")
    text = sampled([[1]]).replace("samples = { value = [[1]]", 'samples = { value = "spot.csv"')
    lines = (
        f'\n[optics.flat_field]\nimage = {{ value = "flat.png"{KNOWN}\n[response]\nkind = "table"\ntable = {{ value = "gray.csv"{KNOWN}\n'
    )
    printer = pmsl.find_printer(beside(tmp_path, lines, text))
    np.testing.assert_allclose(
        flat_field(printer), turn(frame, printer.orientation) / frame.mean(), rtol=1e-9
    )  # turned over is turned back
    assert response(printer)[255] == 1 and printer.response.table.value[:3] == [0, 1, 4]
    assert psf_of(printer).samples[1].tolist() == [0.125, 0.5, 0.25]
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(printer)), Printer)
    assert again == printer  # whole by itself: no file is needed any more


def test_a_grid_in_a_file(tmp_path):
    (tmp_path / "grid.txt").write_text("20 21 22\n19 20.5 21\n")
    printer = pmsl.find_printer(beside(tmp_path, f'\n[optics.flat_field]\ngrid = {{ value = "grid.txt"{KNOWN}\n'))
    assert printer.optics.flat_field.grid.value == [[20, 21, 22], [19, 20.5, 21]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "optics.flat_field.grid: file grid.txt cannot be read"),
        (b"a b\n", "holds no table of numbers"),
        (b"1 2\n3\n", "holds no table of numbers"),
        (b"\xff\xfe\x00", "holds no table of numbers"),
        (b"1 2\n3 nan\n", r"grid\.value"),
        (b"1 2\n3 0\n", r"grid\.value"),
    ],
)
def test_files_that_hold_no_measurement_are_refused(tmp_path, content, words):
    if content is not None:
        (tmp_path / "grid.txt").write_bytes(content)
    with pytest.raises(ProfileError, match=words):
        pmsl.find_printer(beside(tmp_path, f'\n[optics.flat_field]\ngrid = {{ value = "grid.txt"{KNOWN}\n'))


def test_an_image_of_the_wrong_shape_is_refused_when_the_profile_is_read(tmp_path):
    (tmp_path / "flat.png").write_bytes(png(np.full((3, 4), 9, np.uint8)))
    with pytest.raises(ProfileError, match=r"mine\.toml: optics\.flat_field\.image: the image is 4x3 px"):
        pmsl.find_printer(beside(tmp_path, f'\n[optics.flat_field]\nimage = {{ value = "flat.png"{KNOWN}\n'))


def test_a_placeholder_among_the_new_values_is_named():
    guess = Value(value=0.2, class_="placeholder", source="guess")
    printer = replace(PRINTER, optics=replace(PRINTER.optics, flat_field=FlatField(vignetting=guess)))
    job = pmsl.prepare([box((54, 54, 0), (108, 108, 30))], printer, pmsl.find_resin("pr48-385"))
    assert "printer.optics.flat_field" in job.placeholders


def test_a_sliced_wall_is_seen_as_the_closed_form_of_its_gray_edge():
    """Mesh → mask → aerial image: white for x < 0, one pixel of gray g on [0, 1], at σ/p = 0.36."""
    p, n = 27.0, 8
    wall = box((10 * p, 10 * p, 0), (30.5 * p, 50 * p, 30))
    job = pmsl.prepare([wall], PRINTER, pmsl.find_resin("pr48-385"), pmsl.find_process("default"))
    image = aerial_image(job[1].exposures[0].mask, PRINTER, response(PRINTER), n)
    row = (30 - image.window.row0) * n + n // 2
    x = (np.arange(image.irradiance.shape[1]) + 0.5) / n + image.window.col0 - 30
    g, sigma = 128 / 255, 0.36
    edge, far = ndtr(-x / sigma), ndtr((1 - x) / sigma)
    near = x > -8
    assert image.irradiance[row][near] == pytest.approx((edge + g * (far - edge))[near], abs=1e-12)
