"""Print files as pmsl writes them: short tables, packed members, texts kept, a pitch that is known or a placeholder, light settings."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest
from formats.byu_files import FRAME, edited, other_zip, settings
from formats.byu_host import host_layers
from formats.conformance import exposure, f_frame, job_of, printer_of
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.errors import TargetError, UsageError
from pmsl.formats.byu.print_file import Image, Layer, LayerTechniques, Position, SqueezeOut
from pmsl.formats.byu.repeated_settings import Row, laid_out

IMAGES = {"a.png": FRAME, "b.png": FRAME[::-1]}
PITCH = "printer.optics.pitch_um"
MOVES = [
    Position(thickness_um=10.0, up_mm=1.0, final_wait_ms=500.0),
    Position(thickness_um=5.0, up_mm=1.0, final_wait_ms=500.0),
    Position(thickness_um=10.0, up_mm=1.0, final_wait_ms=500.0, special=LayerTechniques(squeeze=SqueezeOut(enable=True, count=1))),
]
SHOWN = [Image(file=f"{n}.png", time_ms=t, power=100, focus_um=0.0) for n in "ab" for t in (250.0, 500.0)]
DARK = Image(file="black.png", time_ms=10.0, power=100, focus_um=0.0)
rows = st.lists(st.builds(Row, st.sampled_from(MOVES), st.lists(st.sampled_from(SHOWN), max_size=3).map(tuple)), min_size=1, max_size=40)


def over(base, own):
    changes = {f: getattr(own, f) for f in own.__struct_fields__ if getattr(own, f) is not None and f not in ("named", "comment")}
    return type(base)(**{**{f: getattr(base, f) for f in base.__struct_fields__}, **changes})


def expanded(layout):
    """Undo `laid_out`, by the specification's rules."""
    out = []

    def add(layer: Layer):
        position, own = MOVES[0], layer.position or Position()
        for said in (layout.named_positions.get(own.named, Position()), own):
            position = over(position, said)
        images = []
        for image in layer.images:
            full = DARK
            for said in (layout.named_images.get(image.named, Image()), image):
                full = over(full, said)
            images.append(full)
        out.extend([Row(position, () if images == [DARK] else tuple(images))] * (layer.count or 1))

    for layer in layout.layers:
        for _ in range(layer.count or 1 if layer.group else 1):
            for entry in layout.groups[layer.group] if layer.group else [layer]:
                add(entry)
    return out


@given(st.one_of(rows, st.builds(lambda some, n: some * n, rows, st.integers(2, 5))))
def test_a_table_says_its_layers(some):
    layout = laid_out(some, MOVES[0], DARK)
    assert expanded(layout) == some
    called = [layer.group for layer in layout.layers if layer.group]
    assert set(called) == set(layout.groups)


def test_what_repeats_is_said_once(tmp_path):
    """A membrane every ten layers, a hundred times: two groups of settings, one of layers, a handful of entries."""
    frame, other = f_frame((37, 53)), f_frame((37, 53))[:, ::-1]
    period = [*[frame] * 6, [exposure(other, time_s=0.5), exposure(frame, time_s=0.25)], *[other] * 3]
    pmsl.write(job_of([*period * 100, frame], printer_of((37, 53))), tmp_path / "j.zip", format="byu")
    doc = settings(tmp_path / "j.zip")
    assert len(doc["Layers"]) == 2 and doc["Layers"][0]["Number of duplications"] == 100
    assert [len(group) for group in doc["Named layer groups"].values()] == [3]
    assert len(json.dumps(doc)) < 4000 and len(host_layers(tmp_path / "j.zip")[1]) == 1001


def test_members_are_packed(tmp_path):
    layers = [np.roll(f_frame((400, 600)), k, 1) for k in range(60)]
    pmsl.write(job_of(layers, printer_of((400, 600))), tmp_path / "j.zip", format="byu")
    with zipfile.ZipFile(tmp_path / "j.zip") as z:
        infos = z.infolist()
    assert {i.compress_type for i in infos} == {zipfile.ZIP_DEFLATED}
    assert sum(i.compress_size for i in infos) < 0.4 * sum(i.file_size for i in infos)


def test_texts_survive(tmp_path):
    texts = dict.fromkeys(["User", "Purpose", "Description", "Resin", "3D printer", "Design file", "STL file", "Slicer", "Date"])
    texts = {key: f"{key}: µ, of a test" for key in texts}
    doc = edited(
        Header={"Schema version": "5.0.0", "Image directory": "slices", "Comment": "Mind the gap"}, Design={**texts, "Comment": "c"}
    )
    job = pmsl.read(other_zip(tmp_path / "x.zip", doc, IMAGES))
    assert job.provenance.texts == {**texts, "Comment": "c", "Header comment": "Mind the gap"}
    pmsl.write(job, tmp_path / "native")
    for source in (job, pmsl.read(tmp_path / "native"), pmsl.read(tmp_path / "x.zip")):
        pmsl.write(source, tmp_path / "again.zip", format="byu", force=True)
        written = settings(tmp_path / "again.zip")
        assert written["Design"] == {**texts, "Comment": "c"}
        assert written["Header"]["Comment"].startswith("Mind the gap pmsl: row = ")
        assert pmsl.read(tmp_path / "again.zip").provenance.texts == job.provenance.texts  # what pmsl added is not taken for theirs


def test_a_file_that_says_nothing_of_its_design_gets_nothing_made_up(tmp_path):
    pmsl.write(pmsl.read(other_zip(tmp_path / "x.zip", edited(Design={"User": "me"}), IMAGES)), tmp_path / "again.zip", format="byu")
    assert settings(tmp_path / "again.zip")["Design"] == {"User": "me"}


@pytest.mark.parametrize("shape", [(1600, 2560), (1080, 1920), (5, 9)])
def test_a_pitch_is_not_guessed_from_the_size(tmp_path, shape):
    frame = np.zeros(shape, np.uint8)
    frame[2, 3:5] = 255
    path = other_zip(tmp_path / "x.zip", edited(Layers=[{}]), {"a.png": frame, "b.png": frame})
    job = pmsl.read(path)
    assert PITCH in job.placeholders and job.printer.optics.pitch_um.class_ == "placeholder"
    assert "pitch-guessed" in {f.code for f in job.findings}
    for target, name in ((tmp_path / "n.zip", "native"), (tmp_path / "b.zip", "byu")):
        pmsl.write(job, target, format=name)
        again = pmsl.read(target)
        assert PITCH in again.placeholders and "pitch-guessed" in {f.code for f in again.findings}
    assert "pitch_um" not in settings(tmp_path / "b.zip")["Header"]["Comment"]
    with pytest.raises(TargetError, match="pixel pitch is not known.*--pitch-um or --printer"):
        pmsl.write(job, tmp_path / "out.nanodlp")
    assert "lossy-pitch-um" in {f.code for f in pmsl.write(job, tmp_path / "out.nanodlp", lossy=True).findings}


def test_a_pitch_that_is_said_stays(tmp_path):
    path = other_zip(tmp_path / "x.zip", edited(), IMAGES)
    job = pmsl.read(path, pitch_um=(7.6, 7.5))
    assert PITCH not in job.placeholders and job.grid.pitch_um.tolist() == [7.6, 7.5]
    assert (job.printer.optics.pitch_um.source, job.printer.optics.pitch_um.class_) == ("--pitch-um", "published")
    pmsl.write(job, tmp_path / "b.zip", format="byu")
    again = pmsl.read(tmp_path / "b.zip")
    assert again.grid == job.grid and PITCH not in again.placeholders
    assert pmsl.read(tmp_path / "b.zip", pitch_um=(7.6, 7.5)).grid == job.grid
    with pytest.raises(UsageError, match=r"the file states a pixel pitch of 7.6 × 7.5 µm, --pitch-um says 7.56 × 7.56"):
        pmsl.read(tmp_path / "b.zip", pitch_um=7.56)
    with pytest.raises(UsageError, match=r"frames are 9x5 px, --field says 9x6"):
        pmsl.read(path, field=(6, 9))
    with pytest.raises(UsageError, match="native files state their pixels themselves"):
        pmsl.write(job, tmp_path / "n")
        pmsl.read(tmp_path / "n", pitch_um=7.6)


def test_a_printer_says_pitch_and_how_frames_lie(tmp_path):
    from pmsl.profiles.printer import Orientation

    path = other_zip(tmp_path / "x.zip", edited(), IMAGES)
    printer = printer_of((5, 9), (15.2, 15.2), Orientation(row="+y", col="-x"))
    job = pmsl.read(path, printer=printer)
    assert job.grid.pitch_um.tolist() == [15.2, 15.2] and job.engines[0].orientation == printer.orientation
    assert np.array_equal(job[0].exposures[0].mask.dense(np.uint8), FRAME[:, ::-1])
    assert pmsl.verify(path, printer=printer) == []
    with pytest.raises(UsageError, match=r"frames are 9x5 px, printer .* says 10x6"):
        pmsl.verify(path, printer=printer_of((6, 10)))


def test_the_shipped_printer_is_set_as_the_groups_own(tmp_path):
    printer = pmsl.find_printer("microfluidics-7.6um")
    setting = printer.optics.settings[0]
    assert "100 of 1000" in setting.irradiance_mw_cm2.source and setting.power <= printer.limits.max_power.value
    shown = dataclasses.replace(exposure(f_frame((37, 53))), power=setting.power)
    pmsl.write(job_of([[shown]], printer_of((37, 53), base=printer.name)), tmp_path / "j.zip", format="byu")
    assert settings(tmp_path / "j.zip")["Default layer settings"]["Image settings"]["Light engine power setting"] == 100
    assert pmsl.read(tmp_path / "j.zip")[0].exposures[0].power == setting.power
