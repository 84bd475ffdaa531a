"""What every format must show. A test class of a format derives from `Conformance` and says what is special about it.

To use it: ``class TestX(Conformance): name = "x"; suffix = ".x"`` in a file ``test_x.py``, with what below does not fit.
"""

import dataclasses
import hashlib
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError, PmslError, TargetError, UsageError
from pmsl.formats import registry
from pmsl.formats.adapt import adapt
from pmsl.formats.protocol import WriteOptions
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import Engine, PartRecord, PrintJob, Provenance
from pmsl.optics.grayscale import response
from pmsl.profiles.printer import Orientation

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
WHITE_MW_CM2 = 20.0


def printer_of(shape, pitch_um=(7.6, 7.6), orientation=None, base="pmsl-10um"):
    """A printer of the library with another device."""
    printer = pmsl.find_printer(base)
    replace = msgspec.structs.replace
    pitch = replace(printer.optics.pitch_um, value=pitch_um)
    return replace(
        printer,
        dmd=replace(printer.dmd, shape=replace(printer.dmd.shape, value=shape)),
        optics=replace(printer.optics, pitch_um=pitch),
        orientation=orientation or Orientation(),
    )


def job_of(layers, printer, layer_um=20.0, edges_um=None, **more):
    """A job of given layers: each a (rows, cols) uint8 frame (row 0 the smallest y), shown 2 s, or a list of Exposures, or None."""
    n = len(layers)
    edges = np.round(np.arange(n + 1) * layer_um, 9) if edges_um is None else edges_um
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=printer.optics.pitch_um.value, shape=printer.dmd.shape.value, z_edges_um=edges)

    def plan(k):
        item = layers[k]
        if isinstance(item, np.ndarray):
            item = [exposure(item, k)] if item.any() else []
        exposures = tuple(dataclasses.replace(e, mask=dataclasses.replace(e.mask, index=k)) for e in item or [])
        z, thickness = float(grid.z_edges_um[k + 1]), float(grid.thickness_um[k])
        return LayerPlan(index=k, z_top_um=z, thickness_um=thickness, motion=PROCESS.motion.at(k), exposures=exposures)

    return PrintJob(
        engines=(Engine(grid=grid, wavelength_nm=405.0, orientation=printer.orientation),),
        printer=printer,
        resin=RESIN,
        process=PROCESS,
        provenance=Provenance(version="0", inputs=(), placement="made for a test"),
        parts=(PartRecord(label="test", sha256="0" * 64, bounds_um=((0, 0, 0), (1, 1, 1))),),
        n_layers=n,
        plan_layer=plan,
        placeholders=("test",),
        **more,
    )


def exposure(frame, k=0, time_s=2.0, **more):
    mask = LayerMask.from_dense(k, np.array(frame, np.uint8))
    return Exposure(mask=mask, time_s=time_s, dose_mj_cm2=time_s * WHITE_MW_CM2, power=1.0, **more)


def f_frame(shape):
    """A letter F as a person on the light side sees it, row 0 at the smallest y: stem left, bars up and right, the upper longer."""
    rows, cols = shape
    upright = np.zeros((7, 5), np.uint8)
    upright[:, 0] = upright[0, :] = 255
    upright[3, :4] = 255
    upright[6, 4] = 0
    frame = np.zeros(shape, np.uint8)
    k = max(1, min(rows // 9, cols // 7))
    big = np.kron(upright[::-1], np.ones((k, k), np.uint8))
    frame[k : k + big.shape[0], k : k + big.shape[1]] = big
    return frame


def degenerate_frames(shape):
    """Named degeneracies, each as one layer: full, last pixel, corners, single columns and rows, a checkerboard, noise, every gray."""
    rows, cols = shape
    rng = np.random.default_rng(1)

    def blank():
        return np.zeros(shape, np.uint8)

    full = np.full(shape, 255, np.uint8)
    last, corners, columns, one_row = blank(), blank(), blank(), blank()
    last[-1, -1] = 255
    corners[[0, 0, -1, -1], [0, -1, 0, -1]] = (255, 1, 254, 128)
    columns[:, ::5] = 255
    one_row[rows // 2] = 255
    checker = (np.indices(shape).sum(0) % 2 * 255).astype(np.uint8)
    noise = rng.integers(0, 256, shape).astype(np.uint8)
    grays = np.resize(np.arange(256, dtype=np.uint8), rows * cols).reshape(shape)
    return [full, last, blank(), corners, columns, one_row, checker, noise, grays, f_frame(shape)]


def digest(path):
    if path.is_dir():
        return {p.relative_to(path).as_posix(): digest(p) for p in sorted(path.rglob("*")) if p.is_file()}
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Conformance:
    """Tests of a format; the attributes say what the format is."""

    name = ""
    read_as = ""  # the name its files are recognised by, where it is another
    suffix = ""
    shape = (37, 53)  # (rows, cols) of the grid; neither a multiple of 8 nor of 3
    pitch_um = (7.6, 7.6)
    layer_um = 20.0
    orientation = None  # of the job; a target may have its own
    lossy = False  # whether jobs of these tests need it
    time_slack_s = 1e-6
    grays_exact = True
    whole = True  # a file (or folder) a bit of which cannot change unseen: False where the format has no check sums

    # --- what subclasses may override ------------------------------------------------------------------------------

    def printer(self):
        return printer_of(self.shape, self.pitch_um, self.orientation)

    def job(self, layers=None, **more):
        return job_of(degenerate_frames(self.shape) if layers is None else layers, self.printer(), self.layer_um, **more)

    def format(self):
        return registry.find(self.name)

    def write(self, job, path, **more):
        return pmsl.write(job, path, format=self.name, **{"threads": 1, "design": False, "lossy": self.lossy, **more})

    def written(self, tmp_path, job=None):
        path = tmp_path / f"job{self.suffix}"
        self.write(self.job() if job is None else job, path)
        return path

    def fitted(self, job, lossy=None):
        options = WriteOptions(response=response(job.printer), lossy=self.lossy if lossy is None else lossy)
        return adapt.fit(job, self.format().capability, self.name, options)

    # --- tests -----------------------------------------------------------------------------------------------------

    def test_what_is_read_is_what_was_written(self, tmp_path):
        job = self.job()
        path = self.written(tmp_path, job)
        again, fitted = pmsl.read(path), self.fitted(job)
        assert again.n_layers == job.n_layers
        assert np.allclose(again.grid.z_edges_um, fitted.grid.z_edges_um, atol=1e-3)
        for k in range(job.n_layers):
            ours, theirs = fitted[k], again[k]
            assert len(theirs.exposures) == len(ours.exposures), k
            for a, b in zip(ours.exposures, theirs.exposures, strict=True):
                assert np.array_equal(a.mask.dense(np.uint8), b.mask.dense(np.uint8)), k
                assert b.time_s == pytest.approx(a.time_s, abs=self.time_slack_s)

    def test_grays_are_kept(self, tmp_path):
        """Every gray level in one mask."""
        frame = np.resize(np.arange(256, dtype=np.uint8), self.shape[0] * self.shape[1]).reshape(self.shape)
        if self.grays_exact:
            path = self.written(tmp_path, self.job([frame]))
            assert np.array_equal(
                pmsl.read(path)[0].exposures[0].mask.dense(np.uint8), self.fitted(self.job([frame]))[0].exposures[0].mask.dense(np.uint8)
            )
        else:
            with pytest.raises(TargetError, match="gray"):
                self.write(self.job([frame]), tmp_path / f"job{self.suffix}", lossy=False)
            assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("turn", [("-y", "+x"), ("+y", "+x"), ("-y", "-x"), ("-x", "+y"), ("+x", "-y")])
    def test_the_f_part_is_not_mirrored(self, tmp_path, turn):
        """Whatever way frames are turned: what is read, turned back as the file says, is the letter F."""
        self.orientation = Orientation(row=turn[0], col=turn[1])
        again = pmsl.read(self.written(tmp_path, self.job([f_frame(self.shape)])))
        seen = again[0].exposures[0].mask.dense(np.uint8)
        expected = self.fitted(self.job([f_frame(self.shape)]))[0].exposures[0].mask.dense(np.uint8)
        assert np.array_equal(seen, expected)
        rows, cols = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        f = seen[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1][::-1] > 127  # row 0 at the largest y, as one reads
        assert f[:, 0].all() and f[0].all() and not f[-1, f.shape[1] // 2 :].any()

    def test_the_same_job_is_the_same_bytes(self, tmp_path):
        (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
        one, two = tmp_path / "a" / f"job{self.suffix}", tmp_path / "b" / f"job{self.suffix}"
        self.write(self.job(), one, threads=1)
        self.write(self.job(), two, threads=3)
        assert digest(one) == digest(two)

    def test_it_is_known_by_its_content_and_sound(self, tmp_path):
        path = self.written(tmp_path)
        other = path.rename(tmp_path / "nameless")
        assert registry.recognise(other).name == (self.read_as or self.name)
        assert pmsl.verify(other) == []
        assert [f.code for f in pmsl.read(other).findings if f.severity == "error"] == []

    def test_layers_in_any_order(self, tmp_path):
        again = pmsl.read(self.written(tmp_path))
        order = list(range(again.n_layers))
        first = [[e.mask.sha256() for e in again[k].exposures] for k in order]
        random.Random(3).shuffle(order)
        assert [[e.mask.sha256() for e in again[k].exposures] for k in order] == [first[k] for k in order]

    def test_an_existing_file_is_replaced_only_by_its_like(self, tmp_path):
        path = self.written(tmp_path)
        before = digest(path)
        with pytest.raises(UsageError, match="--force"):
            self.write(self.job(), path)
        assert digest(path) == before
        self.write(self.job([f_frame(self.shape)]), path, force=True)
        assert pmsl.read(path).n_layers == 1
        thesis = tmp_path / f"thesis{self.suffix}"
        thesis.write_text("ten years of work")
        with pytest.raises(UsageError, match="--force does not replace it"):
            self.write(self.job(), thesis, force=True)
        assert thesis.read_text() == "ten years of work"

    @pytest.mark.parametrize("stop_at", [1, 6])
    def test_a_failure_half_way_leaves_nothing(self, tmp_path, stop_at):
        def stop(done, total):
            if done > stop_at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.write(self.job(), tmp_path / f"job{self.suffix}", progress=stop)
        assert list(tmp_path.iterdir()) == []

    def test_several_exposures_a_layer_are_kept_or_refused(self, tmp_path):
        frame = f_frame(self.shape)
        job = self.job([[exposure(frame, time_s=2.0), exposure(frame // 255 * 128, time_s=1.0)]] * 3)
        path = tmp_path / f"job{self.suffix}"
        if self.format().capability.multi_exposure:
            self.write(job, path)
            assert [len(p.exposures) for p in pmsl.read(path).layers()] == [2, 2, 2]
            assert pmsl.read(path)[1].exposures[1].time_s == pytest.approx(1.0, abs=self.time_slack_s)
            return
        with pytest.raises(TargetError, match=r"layer 0: exposures is 2, the limit is 1|frame size is"):
            self.write(job, path, lossy=False)
        assert not path.exists()
        written = self.write(job, path, lossy=True)
        assert "lossy-exposures" in {f.code for f in written.findings}
        (only,) = pmsl.read(path)[2].exposures
        dose = only.time_s * only.mask.dense(np.uint8).max() / 255
        assert dose == pytest.approx(2.0 + 128 / 255, rel=1 / 128)

    def test_layers_below_the_floor_are_refused_even_lossy(self, tmp_path):
        floor = self.format().capability.min_layer_um
        if floor == 0:
            thin = job_of([f_frame(self.shape)] * 2, self.printer(), 2.5)
            path = tmp_path / f"job{self.suffix}"
            self.write(thin, path)
            assert np.allclose(pmsl.read(path).grid.z_edges_um, [0, 2.5, 5], atol=1e-3)
            return
        for lossy in (False, True):
            with pytest.raises(TargetError, match=f"layer height is {floor / 2:g} µm, the limit is at least {floor:g} µm"):
                self.write(job_of([f_frame(self.shape)] * 2, self.printer(), floor / 2), tmp_path / f"job{self.suffix}", lossy=lossy)
        assert list(tmp_path.iterdir()) == []

    def test_damage_is_one_clear_error(self, tmp_path):
        """Cut anywhere, or one bit flipped: verify says so or the file is refused; nothing else is ever raised."""
        path = self.written(tmp_path, self.job([f_frame(self.shape)] * 2))
        if path.is_dir():
            pytest.skip("a folder: its files are tested one by one")
        data, rng = path.read_bytes(), random.Random(5)
        shown = [[e.mask.sha256() for e in p.exposures] for p in pmsl.read(path).layers()]
        for at in [0, 1, len(data) // 2, len(data) - 1, *(rng.randrange(len(data)) for _ in range(12))]:
            for bad in (data[:at], data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]):
                path.write_bytes(bad)
                if not problems_of(path, self.name) and self.whole:  # a bit that no reader looks at, such as one of a date
                    assert [[e.mask.sha256() for e in p.exposures] for p in pmsl.read(path).layers()] == shown


def problems_of(path: Path, name: str) -> list[str]:
    """What verify says, or the one error that it cannot say anything; any other exception is a failure."""
    try:
        return pmsl.verify(path, threads=1, format=name)
    except JobError as err:
        return [str(err)]
    except PmslError as err:
        raise AssertionError(f"not a JobError but {type(err).__name__}: {err}") from err
