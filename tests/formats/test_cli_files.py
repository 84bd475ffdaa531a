"""Common Layer Interface files, read by a reader of the tests' own, written from the published layout (version 2.0).

No package on PyPI reads them: PythonSLM's readers of machine files come from libSLM, which is not there, and know no CLI.
"""

import math
import re
import struct

import numpy as np
import pytest
from drawn import RESIN, box, disc, pixels, process
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tiers import examples

import pmsl
from pmsl.errors import JobError, TargetError
from pmsl.formats import registry
from pmsl.formats.contourfiles import CLI, CLI_BINARY, SVG
from pmsl.formats.contourfiles.cli_read import read_layers
from pmsl.pipeline.io import contours_of
from pmsl.profiles.laser import Skin

PRINTER = pixels(8.0, (160, 170))
NAMES = {1: "border", 2: "hatch", 3: "skin"}
FORMATS = {"cli": CLI, "cli-binary": CLI_BINARY}


@pytest.fixture(scope="module")
def job():
    parts = [box(200, 200, 500, 400, 50), disc(900, 800, 200, 100, 48)]
    return pmsl.prepare(parts, PRINTER, RESIN, process(borders=2, skin=Skin(layers=1, spacing_um=20.0)))


def read_by_the_layout(data):
    """Header keywords, then layers as (z, [(command, id, direction or None, points)]), all in mm."""
    head, body = data.split(b"$$HEADEREND", 1)
    words = dict(re.findall(rb"\$\$(\w+)(?:/([^\n]*))?", head))
    units = float(words[b"UNITS"])
    assert words[b"VERSION"] == b"200" and (b"ASCII" in words) != (b"BINARY" in words)
    layers = []
    if b"ASCII" in words:
        lines = body.strip().split(b"\n")
        assert lines[0] == b"$$GEOMETRYSTART" and lines[-1] == b"$$GEOMETRYEND"
        for line in lines[1:-1]:
            name, values = line[2:].split(b"/")
            values = [float(v) for v in values.split(b",")]
            if name == b"LAYER":
                layers.append((values[0] * units, []))
            elif name == b"POLYLINE":
                number, turn, n, *xy = values
                assert len(xy) == 2 * n
                layers[-1][1].append(("polyline", int(number), int(turn), np.reshape(xy, (-1, 2)) * units))
            else:
                assert name == b"HATCHES"
                number, n, *xy = values
                assert len(xy) == 4 * n
                layers[-1][1].append(("hatches", int(number), None, np.reshape(xy, (-1, 2, 2)) * units))
        return words, layers
    at = 0
    while at < len(body):
        (command,) = struct.unpack_from("<H", body, at)
        at += 2
        if command == 127:
            layers.append((struct.unpack_from("<f", body, at)[0] * units, []))
            at += 4
        elif command == 130:
            number, turn, n = struct.unpack_from("<lll", body, at)
            xy = struct.unpack_from(f"<{2 * n}f", body, at + 12)
            layers[-1][1].append(("polyline", number, turn, np.reshape(xy, (-1, 2)) * units))
            at += 12 + 8 * n
        else:
            assert command == 132
            number, n = struct.unpack_from("<ll", body, at)
            xy = struct.unpack_from(f"<{4 * n}f", body, at + 8)
            layers[-1][1].append(("hatches", number, None, np.reshape(xy, (-1, 2, 2)) * units))
            at += 8 + 16 * n
    return words, layers


@pytest.mark.parametrize(("name", "within_um"), [("cli", 6e-5), ("cli-binary", 1e-4)])
def test_the_lines_are_those_of_the_job(job, tmp_path, name, within_um):
    written = pmsl.write(job, tmp_path / "a.cli", format=name)
    assert [f.code for f in written.findings if f.code.endswith("-only")] == ["lines-only"]
    words, layers = read_by_the_layout((tmp_path / "a.cli").read_bytes())
    assert int(words[b"LAYERS"]) == len(layers) == len(job) + 1 and layers[0] == (0.0, [])
    for k, (z, lines) in enumerate(layers[1:]):
        assert z == pytest.approx(1e-3 * job.grid.z_edges_um[k + 1])
        found = [(NAMES[n], p) for what, n, _, points in lines for p in ([points] if what == "polyline" else points)]
        want = pmsl.vectors(job, k)
        assert [kind for kind, _ in found] == [line.kind for line in want]
        for (_, points), line in zip(found, want, strict=True):
            assert np.abs(points * 1e3 - line.points_um).max() < within_um
        turns = {turn for what, _, turn, _ in lines if what == "polyline"}
        assert turns == {1}  # outer contours of two parts without holes


@pytest.mark.parametrize("name", FORMATS)
def test_the_house_reads_what_it_writes_and_contours_of_pictures(samples, tmp_path, name):
    """Contours of the parts, holes clockwise; the reader of the house and that of the tests agree."""
    printer = pmsl.find_printer("pmsl-10um")
    ring = pmsl.prepare(pmsl.place([pmsl.load_solid(samples / "grating.stl")], printer, RESIN), printer, RESIN)
    path = tmp_path / "a.cli"
    pmsl.write(ring, path, format=name)
    found = FORMATS[name].contours(path)
    want = [ring for block in contours_of(ring) for k in range(block.n_layers) for ring in block.rings(k)]
    again = [ring for k in range(found.n_layers) for ring in found.rings(k)]
    assert len(want) == len(again) and all(np.abs(a - b).max() < 1e-3 for a, b in zip(want, again, strict=True))
    assert found.z_um == pytest.approx(ring.grid.mid_planes_um, abs=1e-3)
    _, layers = read_by_the_layout(path.read_bytes())
    ours = list(read_layers(path))
    assert [len(layer.polylines) for layer in ours] == [len(lines) for _, lines in layers]
    assert registry.recognise(path).name == "cli" and pmsl.verify(path) == []
    with pytest.raises(JobError, match="hold contours and no exposures"):
        pmsl.read(path)


def test_both_forms_hold_the_same(job, tmp_path):
    for name in FORMATS:
        pmsl.write(job, tmp_path / name, format=name)
    for a, b in zip(read_layers(tmp_path / "cli"), read_layers(tmp_path / "cli-binary"), strict=True):
        assert a.top_um == pytest.approx(b.top_um, abs=1e-4) and len(a.hatches) == len(b.hatches)
        for one, two in zip(a.hatches, b.hatches, strict=True):
            assert one.number == two.number and np.abs(one.lines_um - two.lines_um).max() < 2e-4


def test_other_forms_of_the_layout_are_read(tmp_path):
    """Short commands, 32-bit alignment, comments, other units, open polylines."""
    head = b"$$HEADERSTART\n$$BINARY\n$$UNITS/0.01 // hundredths //\n$$VERSION/200\n%s$$HEADEREND"
    short = (
        struct.pack("<HH", 128, 5)
        + struct.pack("<HHHH8H", 129, 7, 1, 4, 0, 0, 10, 0, 10, 10, 0, 0)
        + struct.pack("<HHH4H", 131, 2, 1, 1, 2, 3, 4)
    )
    (tmp_path / "a").write_bytes(head % b"" + short)
    (layer,) = read_layers(tmp_path / "a")
    assert layer.top_um == pytest.approx(50.0) and layer.polylines[0].number == 7
    np.testing.assert_allclose(layer.polylines[0].points_um, [[0, 0], [100, 0], [100, 100], [0, 0]])
    np.testing.assert_allclose(layer.hatches[0].lines_um, [[[10, 20], [30, 40]]])
    wide = struct.pack("<Hxxf", 127, 5.0) + struct.pack("<Hxx3i4f", 130, 1, 2, 2, 0.0, 1.0, 2.0, 3.0)
    (tmp_path / "b").write_bytes(head % b"$$ALIGN\n" + wide)
    (layer,) = read_layers(tmp_path / "b")
    assert layer.polylines[0].turn == 2 and layer.polylines[0].points_um[1].tolist() == [20.0, 30.0]


BODY = b"$$HEADERSTART\n$$ASCII\n$$UNITS/1\n$$VERSION/200\n$$HEADEREND\n$$GEOMETRYSTART\n%s\n$$GEOMETRYEND\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"solid x", "no header of a CLI file"),
        (b"$$HEADERSTART\n$$ASCII\n", "no header of a CLI file"),
        (BODY.replace(b"UNITS/1", b"UNITS/0") % b"", "UNITS is 0 mm"),
        (BODY.replace(b"$$GEOMETRYEND", b"") % b"$$LAYER/1", "no ..GEOMETRYSTART, or no ..GEOMETRYEND"),
        (BODY % b"$$POLYLINE/1,1,4,0,0,1,0,1,1,0,0", "stands before the first layer"),
        (BODY % b"$$LAYER/1\n$$POLYLINE/1,1,4,0,0,1,0,1,1", "4 points are said, 6 numbers are there"),
        (BODY % b"$$LAYER/1\n$$POLYLINE/1,1,4,0,0,1,0,1,1,5,5", "does not end where it begins"),
        (BODY % b"$$LAYER/1\n$$POLYLINE/1,9,4,0,0,1,0,1,1,0,0", "a polyline with direction 9"),
        (BODY % b"$$LAYER/1\n$$HATCHES/1,1,0,0,nan,1", "no number"),
        (BODY % b"$$LAYER/2\n$$LAYER/1", "a layer is at 1000 µm, the one before at 2000"),
        (BODY % b"$$LAYER/1\n$$CIRCLE/1", "the command b'CIRCLE' is not known"),
    ],
)
def test_damaged_files_are_refused(tmp_path, data, words):
    (tmp_path / "a.cli").write_bytes(data)
    with pytest.raises(JobError, match=words):
        list(read_layers(tmp_path / "a.cli"))


@pytest.mark.parametrize("bits", [0x7FA00000, 0x7FC00000, 0xFF800000], ids=["signalling nan", "nan", "-inf"])
def test_a_binary_coordinate_that_is_no_number_is_refused_without_a_warning(tmp_path, bits):
    head = b"$$HEADERSTART\n$$BINARY\n$$UNITS/1\n$$VERSION/200\n$$HEADEREND"
    body = struct.pack("<Hf", 127, 5.0) + struct.pack("<H3i3fI", 130, 1, 2, 2, 0.0, 1.0, 2.0, bits)
    (tmp_path / "a.cli").write_bytes(head + body)
    with pytest.raises(JobError, match="a coordinate before byte .* is no finite number"):
        list(read_layers(tmp_path / "a.cli"))


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(job, tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("fuzz")
    pmsl.write(job, folder / "a.cli", format=name)
    whole = (folder / "a.cli").read_bytes()

    @settings(max_examples=examples(25), deadline=None)
    @given(st.data())
    def look(data):
        bytes_ = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.one_of(st.integers(0, 400), st.integers(0, len(whole) - 1)))
            how = data.draw(st.sampled_from(["set", "cut", "drop", "double"]))
            if how == "set":
                bytes_[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            elif how == "cut":
                del bytes_[at:]
            elif how == "drop":
                del bytes_[at : at + data.draw(st.integers(1, 40))]
            else:
                bytes_[at:at] = bytes_[at : at + 40]
        (folder / "b.cli").write_bytes(bytes(bytes_))
        try:
            CLI.contours(folder / "b.cli")
        except JobError as err:
            assert str(folder / "b.cli") in str(err)

    look()


def test_light_in_grays_is_refused(samples, tmp_path):
    part = box(200, 200, 500, 400, 50)
    plain = pmsl.find_process("default")
    evened = pmsl.find_printer("pmsl-10um")
    field = type(evened.optics.psf.sigma_pitch)(value=0.1, class_="measured", source="a test")
    from pmsl.profiles.optics import FlatField

    evened = replace(evened, optics=replace(evened.optics, flat_field=FlatField(vignetting=field)))
    for printer, settings_, scale, words in (
        ("pmsl-10um", replace(plain, coverage="volume"), 1.0, "coverage is volume"),
        (evened, replace(plain, corrections=("flatfield",)), 1.0, "corrections is flatfield"),
        ("pmsl-10um", plain, 0.5, "dose_scale is 0.5"),
    ):
        job = pmsl.prepare([pmsl.Part(solid=part, dose_scale=scale)], printer, "pr48-405", settings_, accept_uncalibrated=True)
        with pytest.raises(TargetError, match=f"cli holds lines, and the light of this job is in grays: {words}"):
            pmsl.write(job, tmp_path / "a.cli")
    assert not (tmp_path / "a.cli").exists()


def test_svg_and_3mf_hold_a_drawn_job(job, tmp_path):
    pmsl.write(job, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert text.count('class="border"') == len(job) and 'class="skin"' in text and 'data-power-mw="30.0"' in text
    first = re.search(r'class="border".*? d="(M[^"]*)"', text)[1]
    ring = np.array([pair.split(" ") for pair in re.split("[ML]", first.split("M")[1])], float)
    want = pmsl.vectors(job, 0)[0].points_um
    top = float(job.grid.size_um[1])
    np.testing.assert_allclose(np.stack([ring[:, 0] * 1e3, top - ring[:, 1] * 1e3], axis=1), want, atol=1e-4)
    found = SVG.contours(tmp_path / "a.svg")  # the parts', not the lines
    assert found.n_layers == len(job) and [len(found.rings(k)) for k in (0, 3)] == [2, 1]
    pmsl.write(job, tmp_path / "a.3mf", format="3mf-slices")
    assert math.isclose(job.estimate().resin_ml, (500 * 400 * 50 + 100 * math.pi * 200**2) * 1e-12, rel_tol=0.01)
