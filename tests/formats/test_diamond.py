"""Devices whose mirrors stand on their corners: exact coverage of every mirror, frames in the order of the device, nothing lost."""

import json
import math

import msgspec
import numpy as np
import pytest
from formats.conformance import PROCESS, RESIN, digest, job_of, printer_of
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.core.runs import runs_of
from pmsl.errors import HostError, JobError, TargetError
from pmsl.formats import registry
from pmsl.formats.device import bitplanes
from pmsl.formats.frames import device_frame
from pmsl.formats.frames.diamond_lattice import gathered, mirrors, scattered
from pmsl.formats.frames.frame_runs import laid, runs_of_stream, stream_of
from pmsl.profiles.printer import Diamond, Orientation

TURNS = [("-y", "+x"), ("+y", "+x"), ("-y", "-x"), ("+y", "-x")]
FRAME, PITCH = (22, 13), 7.6
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))


def device(turn=TURNS[0], shape=FRAME):
    """A printer with such a device."""
    printer = printer_of(shape, (PITCH, PITCH), Orientation(row=turn[0], col=turn[1]))
    return msgspec.structs.replace(printer, dmd=msgspec.structs.replace(printer.dmd, lattice="diamond"))


def centres_um(lattice):
    """Where the mirrors are in the field, by the geometry alone: odd rows half a diagonal to the right, rows half a diagonal apart."""
    rows, cols = lattice.frame
    i, j = np.mgrid[:rows, :cols]
    diagonal = PITCH * math.sqrt(2)
    right, down = (j + 0.5 * (i % 2)) * diagonal, i * diagonal / 2
    x = right if lattice.col == "+x" else -right
    y = down if lattice.row == "+y" else -down
    at = np.stack([(x + y), (y - x)], axis=-1) / math.sqrt(2)  # the field's axes lie at 45° between the device's
    return at - at.reshape(-1, 2).min(0) + PITCH / 2


def prism(polygon, height_um=40.0):
    """A solid over a convex polygon."""
    n = len(polygon)
    vertices = np.vstack([np.column_stack([polygon, np.full(n, z)]) for z in (0.0, height_um)])
    lids = [f for i in range(1, n - 1) for f in ([0, i + 1, i], [n, n + i, n + i + 1])]
    sides = [f for i in range(n) for f in ([i, (i + 1) % n, n + i], [(i + 1) % n, n + (i + 1) % n, n + i])]
    return pmsl.Solid.from_arrays(vertices, np.array(lids + sides))


def job_of_polygon(printer, polygon):
    return pmsl.prepare([prism(np.array(polygon, float))], printer, RESIN, msgspec.structs.replace(PROCESS, layer_um=20.0))


def middle(printer):
    rows, cols = printer.field_px
    return np.array([cols, rows]) * PITCH / 2


@given(shape=shapes, turn=st.sampled_from(TURNS))
def test_every_mirror_is_one_cell_of_the_smallest_field_and_neighbours_share_an_edge(shape, turn):
    lattice = Diamond(row=turn[0], col=turn[1], frame=shape)
    row, col = lattice.cell(*np.mgrid[: shape[0], : shape[1]])
    cells = set(zip(row.reshape(-1).tolist(), col.reshape(-1).tolist(), strict=True))
    assert len(cells) == shape[0] * shape[1] and row.min() == col.min() == 0
    assert (row.max() + 1, col.max() + 1) == lattice.field
    centres = centres_um(lattice)
    assert np.allclose(centres, (np.stack([col, row], axis=-1) + 0.5) * PITCH, atol=1e-9)


@given(shape=shapes, turn=st.sampled_from(TURNS), seed=st.integers(0, 99))
def test_frame_and_field_are_each_others_inverse_in_every_form(shape, turn, seed):
    lattice = Diamond(row=turn[0], col=turn[1], frame=shape)
    frame = np.random.default_rng(seed).choice(np.array([0, 0, 1, 128, 255], np.uint8), shape)
    field = scattered(frame, lattice)
    assert np.array_equal(gathered(field, lattice), frame) and field.sum(dtype=int) == frame.sum(dtype=int)
    mask = LayerMask.from_dense(0, field)
    assert np.array_equal(device_frame.device_frame(mask, lattice), frame)
    out = np.full(shape, 9, np.uint8)
    assert np.array_equal(device_frame.painted_frame(mask, lattice, out), frame) and device_frame.frame_shape(mask.shape, lattice) == shape
    again = device_frame.mask_of_runs(runs_of(frame, (0, 0, *shape)), 0, shape, lattice)
    assert again.shape == lattice.field and again.sha256() == mask.sha256()
    runs = runs_of_stream(stream_of(laid(mask, lattice)), shape)
    assert device_frame.mask_of_runs(runs, 0, shape, lattice).sha256() == mask.sha256()


@pytest.mark.parametrize("turn", TURNS)
def test_gray_is_the_exact_share_of_a_standing_mirror(turn):
    printer = device(turn)
    polygon = middle(printer) + np.array([[-31.3, -12.1], [22.7, -27.9], [35.2, 3.3], [-8.4, 33.8]])
    job = job_of_polygon(printer, polygon)
    frame = device_frame.device_frame(job[0].exposures[0].mask, job.engines[0].orientation)
    shape, half = Polygon(polygon), PITCH / 2
    for (i, j), (x, y) in zip(np.ndindex(FRAME), centres_um(printer.turn).reshape(-1, 2), strict=True):
        mirror = Polygon([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])
        assert frame[i, j] == pytest.approx(255 * shape.intersection(mirror).area / PITCH**2, abs=0.51), (i, j)
    assert frame.sum() == pytest.approx(255 * shape.area / PITCH**2, rel=0.01)


@pytest.mark.parametrize("turn", TURNS)
def test_the_f_reads_right_where_the_mirrors_are(turn):
    """The F is drawn at the mirrors' places on the device; what is stored, put there again, is that F, whatever way frames run."""
    printer = device(turn, (60, 30))
    lattice = printer.turn
    field = (centres_um(lattice) - middle(printer)) / PITCH
    x, y = (field[..., 0] - field[..., 1]) / math.sqrt(2), (field[..., 0] + field[..., 1]) / math.sqrt(2)
    f = (np.abs(y) < 14) & (((x > -8) & (x < -4)) | ((y > 10) & (x > -8) & (x < 8)) | ((np.abs(y) < 2) & (x > -8) & (x < 4)))
    mask = LayerMask.from_dense(0, scattered((f * 255).astype(np.uint8), lattice))
    frame = device_frame.device_frame(mask, lattice)
    upright = frame[:: 1 if turn[0] == "-y" else -1, :: 1 if turn[1] == "+x" else -1]
    rows, cols = np.flatnonzero(upright.any(1)), np.flatnonzero(upright.any(0))
    seen = upright[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] > 0
    assert seen[:, 0:2].any(1).all() and seen[0].sum() > 0.8 * seen.shape[1] and not seen[-1, seen.shape[1] // 2 :].any()
    middle_row = seen.shape[0] // 2
    assert not seen[middle_row, -2:].any() and seen[middle_row].sum() > 0.6 * seen.shape[1]


@pytest.fixture
def job():
    printer = device()
    return job_of_polygon(printer, middle(printer) + np.array([[-31.3, -12.1], [22.7, -27.9], [35.2, 3.3], [-8.4, 33.8]]))


@pytest.mark.parametrize("name", ["job", "job.zip"])
def test_a_job_keeps_the_lattice_and_is_the_same_bytes_again(job, tmp_path, name):
    pmsl.write(job, tmp_path / name, dose=True, threads=1)
    assert pmsl.verify(tmp_path / name) == []
    again = pmsl.read(tmp_path / name)
    assert again.engines[0].orientation == Diamond(frame=FRAME) != Orientation()
    assert [p.exposures[0].mask.sha256() for p in again.layers()] == [p.exposures[0].mask.sha256() for p in job.layers()]
    (tmp_path / "again").mkdir()
    pmsl.write(pmsl.read(tmp_path / name), tmp_path / "again" / name, dose=True, threads=3)
    assert digest(tmp_path / name) == digest(tmp_path / "again" / name)


def test_a_frame_is_what_the_device_takes_and_the_machine_gives_its_dose(job, tmp_path):
    from PIL import Image

    pmsl.write(job, tmp_path / "job")
    with Image.open(tmp_path / "job" / "frames" / "00000.png") as image:
        assert image.size == FRAME[::-1]
        stored = np.array(image)
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert doc["engines"][0]["orientation"]["diamond"] == list(FRAME)
    machine, worst = pmsl.host.Simulation(job), []

    def look(status):
        if status.state == "layer done":
            given = machine.engine.dose().dense()
            planned = pmsl.dose_map(job, job[status.layer]).dense()
            worst.append(np.abs(given - planned).max() / planned.max())

    assert machine.engine.shape == FRAME
    assert pmsl.host.play(pmsl.read(tmp_path / "job"), machine.engine, machine.stage, clock=machine.clock, on_status=look).state == "done"
    assert len(worst) == job.n_layers and max(worst) < 1e-6
    shown = [s.frame for s in pmsl.host.exposures(job)]
    assert np.array_equal(shown[0], stored) and shown[0].shape == FRAME
    assert np.array_equal((bitplanes(shown[0]) << np.arange(7, -1, -1, dtype=np.uint8)[:, None, None]).sum(0), stored)


def test_light_where_no_mirror_is_is_refused_at_every_door(tmp_path):
    printer = device()
    corner = job_of_polygon(printer, [[0, 0], [15, 0], [0, 15]])
    with pytest.raises(TargetError, match=r"layer 0: \d+ lit pixels lie in a corner of the field"):
        pmsl.write(corner, tmp_path / "job")
    assert list(tmp_path.iterdir()) == []
    machine = pmsl.host.Simulation(corner)
    with pytest.raises(TargetError, match="no mirrors"):
        pmsl.host.play(corner, machine.engine, machine.stage, clock=machine.clock)
    assert machine.engine.dose().dense().max() == 0
    with pytest.raises(TargetError, match="no mirrors"):
        pmsl.host.shots(corner, 0)


@pytest.mark.parametrize("name", [s.name for s in registry.SHIPPED if s.name not in ("native", *registry.CONTOURS)])
def test_formats_that_cannot_say_it_refuse_it_even_lossy(job, tmp_path, name):
    for lossy in (False, True):
        with pytest.raises(TargetError, match="lattice is diamond, it must equal orthogonal"):
            pmsl.write(job, tmp_path / "x", format=name, lossy=lossy)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diamond": [22, 14]}, "has a field"),
        ({"diamond": [1 << 24, 1 << 24]}, "are read"),
        ({"diamond": [0, 13]}, "diamond"),
        ({"diamond": [22, 13], "row": "+x", "col": "+y"}, "must be \\+y or -y"),
    ],
)
def test_a_lattice_that_does_not_fit_is_refused(job, tmp_path, changes, words):
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    doc["engines"][0]["orientation"] |= changes
    (tmp_path / "job" / "job.json").write_text(json.dumps(doc))
    with pytest.raises(JobError, match=words):
        pmsl.read(tmp_path / "job")


def test_printers_that_no_diamond_is(job):
    replace = msgspec.structs.replace
    for wrong, words in (
        ({"orientation": Orientation(row="-x", col="+y")}, "must be \\+y or -y"),
        ({"optics": replace(device().optics, pitch_um=replace(device().optics.pitch_um, value=(7.6, 7.7)))}, "edge twice"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(device(), **wrong).__post_init__()
    other = pmsl.host.SimulatedEngine(job_of([np.ones(FRAME, np.uint8)], printer_of(FRAME)))
    other.shape = job.grid.shape
    with pytest.raises(HostError, match="13x22 px"):
        pmsl.host.play(job, other, pmsl.host.Simulation(job).stage)


def test_a_part_turned_as_the_message_says_lies_along_the_rows_of_the_frame():
    printer = device(shape=(60, 40))
    bar = pmsl.place([prism(np.array([[0, 0], [200.0, 0], [200.0, 20.0], [0, 20.0]]))], printer, RESIN, rotate_deg=(0, 0, -45))
    frame = device_frame.device_frame(pmsl.prepare(bar, printer, RESIN)[0].exposures[0].mask, printer.turn)
    rows, cols = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
    diagonal = PITCH * math.sqrt(2)
    assert np.ptp(cols) + 1 == pytest.approx(200 / diagonal, abs=1.5) and np.ptp(rows) + 1 == pytest.approx(20 / (diagonal / 2), abs=2.5)
    assert abs(rows.mean() - 29.5) < 2 and abs(cols.mean() - 19.5) < 2  # in the middle of the device


def test_places_of_mirrors_are_worked_out_once():
    lattice = Diamond(frame=(1140, 912))
    assert lattice.field == (1482, 1481) and mirrors(lattice) is mirrors(Diamond(frame=(1140, 912)))
    assert len(np.unique(mirrors(lattice))) == 1140 * 912
