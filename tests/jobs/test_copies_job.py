"""Jobs of copies: what is recorded once, and that they are the jobs of as many parts."""

import hashlib
import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from formats.conformance import printer_of
from solids import box, icosphere

import pmsl
from pmsl import Copy, Part, Solid
from pmsl.errors import ExposureError

RESIN = pmsl.find_resin("pr48-405")
PROCESS = msgspec.structs.replace(pmsl.find_process("default"), layer_um=20.0)
PRINTER = printer_of((96, 120))
BALL = icosphere(2, 90, (0, 0, 90))
TORN = Solid.from_arrays(BALL.vertices_um, BALL.faces[4:], source="torn")


def placed(solid=BALL, what=(3, 2), **more):
    return pmsl.place_copies([solid], PRINTER, RESIN, what, **({"spacing_um": (33.3, 41)} if isinstance(what, tuple) else {}), **more)


def apart(parts):
    """The same parts, each with a solid of its own."""
    return [replace(p, solid=Solid.from_arrays(p.solid.vertices_um, p.solid.faces, source=p.solid.source)) for p in parts]


def hashes(job):
    return [[e.mask.sha256() for e in plan.exposures] for plan in job.layers()]


@pytest.mark.parametrize("coverage", ["area", "volume"])
@pytest.mark.parametrize("solid", [BALL, TORN], ids=["sound", "torn"])
def test_layers_and_findings_are_those_of_separate_parts(coverage, solid):
    process = msgspec.structs.replace(PROCESS, coverage=coverage)
    copies = placed(solid)
    ours, theirs = (pmsl.prepare(parts, PRINTER, RESIN, process) for parts in (copies.parts, apart(copies.parts)))
    assert hashes(ours) == hashes(theirs) and ours.parts == theirs.parts and ours.provenance == theirs.provenance
    assert [p.findings for p in ours.layers()] == [p.findings for p in theirs.layers()]
    repairs = [f for f in ours.findings if f.code.startswith("repaired")]
    assert len(repairs) == len({f.code for f in repairs}) == (1 if solid is TORN else 0)  # said once, not six times
    assert [f for f in ours.findings if f not in repairs] == [f for f in theirs.findings if not f.code.startswith("repaired")]


def test_copies_that_overlap_unite():
    listed = [Copy(x_um=100, y_um=100), Copy(x_um=200.7, y_um=130.1), Copy(x_um=200.7, y_um=130.1, rotate_deg=45)]
    copies = placed(what=listed)
    ours, theirs = (pmsl.prepare(parts, PRINTER, RESIN, PROCESS) for parts in (copies.parts, apart(copies.parts)))
    assert hashes(ours) == hashes(theirs) and any(f.code == "overlap-united" for f in ours[3].findings)


def test_doses_of_single_copies():
    copies = placed(what=[Copy(x_um=50, y_um=50), Copy(x_um=300, y_um=50, dose_scale=2), Copy(x_um=550, y_um=50, dose_scale=2)])
    ours, theirs = (pmsl.prepare(parts, PRINTER, RESIN, PROCESS) for parts in (copies.parts, apart(copies.parts)))
    assert hashes(ours) == hashes(theirs)
    dose = pmsl.dose_map(ours, ours[4]).dense()
    cols = [int((x + 90) / 7.6) for x in (50, 300, 550)]
    at = dose[int(140 / 7.6), cols]
    assert at[1] == pytest.approx(2 * at[0], rel=0.02) and at[2] == at[1]


def test_corrections_of_copies():
    resin = pmsl.find_resin("pegda-nps-1.0-385")
    stated = pmsl.profiles.tables.strict_struct.Value("enclosed", "placeholder", "test")
    resin = msgspec.structs.replace(resin, resin=msgspec.structs.replace(resin.resin, memory=stated))
    printer = printer_of((48, 60), base="microfluidics-7.6um")
    process = msgspec.structs.replace(PROCESS, layer_um=10.0, corrections=("edges", "printthrough"))
    part = box((0, 0, 0), (110.3, 120.9, 100))
    parts = pmsl.place_copies([part], printer, resin, (2, 2), spacing_um=(40.1, 35.7)).parts
    ours, theirs = (pmsl.prepare(p, printer, resin, process, accept_uncalibrated=True) for p in (parts, apart(parts)))
    assert hashes(ours) == hashes(theirs) and ours.findings == theirs.findings
    dosed = [replace(parts[0], dose_scale=1.5), *parts[1:]]
    with pytest.raises(ExposureError, match="dose_scale"):
        pmsl.prepare(dosed, printer, resin, process, accept_uncalibrated=True)


@pytest.mark.parametrize("name", ["job", "job.zip"])
def test_the_design_is_stored_once_and_read_as_copies(tmp_path, name):
    copies = placed(
        what=[Copy(x_um=50.3, y_um=50), Copy(x_um=300, y_um=60.7), Copy(x_um=550, y_um=50, rotate_deg=30), Copy(x_um=5, y_um=400)]
    )
    job = pmsl.prepare(copies, PRINTER, RESIN, PROCESS)
    pmsl.write(job, tmp_path / name)
    back = pmsl.read(tmp_path / name)
    assert [p.label for p in back.design] == [p.label for p in job.parts] and len({id(p.solid) for p in back.design}) == 2
    for ours, theirs, record in zip(back.design, copies.parts, back.parts, strict=True):
        assert np.allclose(ours.placed_um(), theirs.placed_um(), atol=1e-9)
        assert np.allclose(ours.bounds_um(), record.bounds_um, atol=1e-9)
    assert pmsl.verify(tmp_path / name) == []
    pmsl.write(back, tmp_path / f"again-{name}")  # what was read is written as it was
    assert pmsl.verify(tmp_path / f"again-{name}") == []
    if name == "job":
        docs = [json.loads((tmp_path / n / "job.json").read_text())["design"] for n in (name, f"again-{name}")]
        assert docs[0] == docs[1] and [d.get("shift_um") is None for d in docs[0]] == [True, False, True, False]
        assert sorted(p.name for p in (tmp_path / name / "design").iterdir()) == ["000.ply", "001.ply"]
        data = (tmp_path / name / "design" / "001.ply").read_bytes()
        assert hashlib.sha256(data).hexdigest() == docs[0][2]["sha256"]


def test_a_design_that_was_replaced_is_told_once(tmp_path):
    pmsl.write(pmsl.prepare(placed(), PRINTER, RESIN, PROCESS), tmp_path / "job")
    (tmp_path / "job/design/000.ply").write_bytes(b"ply")
    assert pmsl.verify(tmp_path / "job") == ["design/000.ply: its hash is not the one in job.json"]


def test_boxes_of_copies_are_found_once(monkeypatch):
    """However many copies, the vertices are looked at once for each rotation."""
    looks = []
    look = Solid.box_of
    monkeypatch.setattr(Solid, "box_of", lambda self, points: looks.append(1) or look(self, points))
    solid = Solid.from_arrays(BALL.vertices_um * 0.1, BALL.faces)
    listed = [Copy(x_um=20.1 * i, y_um=30.5 * j, rotate_deg=30.0 * (j % 3)) for i in range(20) for j in range(10)]
    job = pmsl.prepare(placed(solid, what=listed), PRINTER, RESIN, PROCESS)
    assert len(job.parts) == 200 and len(looks) <= 3
    for part, copy in zip(job.parts, listed, strict=True):
        assert part.bounds_um[0] == pytest.approx((copy.x_um, copy.y_um, 0), abs=1e-9)


def test_a_job_without_copies_says_what_it_said(tmp_path):
    """Two meshes, and one of them twice but read twice: no new words in job.json."""
    parts = [Part(solid=s, label=str(i)) for i, s in enumerate([box((9, 9, 0), (99, 99, 50)), box((200, 9, 0), (300, 99, 60))])]
    pmsl.write(pmsl.prepare(parts, PRINTER, RESIN, PROCESS), tmp_path / "job")
    assert b"shift_um" not in (tmp_path / "job/job.json").read_bytes().replace(b'"shift_um": null', b"")
