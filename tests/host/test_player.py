"""Playing a job: what comes before what, what is refused before the first light, and dark on every way out."""

import asyncio
import dataclasses
import threading
import time

import msgspec
import numpy as np
import pytest
from host_doubles import CLOCK, Machine, Trouble, doubled, play, small_job, with_exposures

import pmsl
from pmsl.errors import HostError, JobError, UsageError
from pmsl.formats.frames.device_frame import depth_levels, device_frame
from pmsl.host import Options, Player, Status
from pmsl.host.machine.compatibility import shown_by
from pmsl.job.techniques import Relift, Squeeze


@pytest.fixture(scope="module")
def job():
    return small_job()


@pytest.fixture
def folder(job, tmp_path):
    pmsl.write(job, tmp_path / "job")
    return tmp_path / "job"


def test_every_frame_is_shown_once_in_order_as_the_orientation_says(job):
    machine = Machine(job)
    status = play(job, machine)
    assert (status.state, status.layers_done, status.exposures_done, status.late) == ("done", 5, 5, 0)
    wanted = [(device_frame(e.mask, job.printer.orientation), e.time_s, e.power) for plan in job.layers() for e in plan.exposures]
    assert len(wanted) == len(machine.shown)
    for (frame, time_s, power), (shown, lit_s, at) in zip(wanted, machine.shown, strict=True):
        assert np.array_equal(frame, shown) and (time_s, power) == (lit_s, at)
    assert status.light_s == pytest.approx(sum(w[1] for w in wanted))
    assert machine.log[0] == ("dark",) and machine.log[-1] == ("dark",)


def test_a_layer_is_lift_down_load_light(job):
    machine = Machine(job)
    play(job, machine)
    calls = [what for what in machine.log if what[0] != "dark"]
    for k in range(5):
        lift, down, load, lit = calls[4 * k : 4 * k + 4]
        assert lift == ("move", pytest.approx(10 * k + 100)) and down == ("move", pytest.approx(10 * k + 10))
        assert load[0] == "load" and lit == ("lit", job[k].exposures[0].time_s)


def test_repeats_and_several_exposures(job):
    machine = Machine(doubled(job))
    status = play(doubled(job), machine)
    assert status.exposures_done == 5 * 4
    assert machine.kinds().count("load") == 10  # a repeated frame is loaded once
    assert [s for _, s, _ in machine.shown[:4]] == pytest.approx([job[0].exposures[0].time_s] + [job[0].exposures[0].time_s / 2] * 3)


def test_a_layer_without_light_moves_and_lights_nothing(job):
    gap = with_exposures(job, lambda k, exposures: () if k == 2 else exposures)
    machine = Machine(gap)
    assert play(gap, machine).exposures_done == 4 and machine.kinds().count("move") == 10


# --- before the first light --------------------------------------------------------------------------------------


def damage(path, at=-20):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_all_hashes_are_verified_before_anything_happens(folder):
    job = pmsl.read(folder)
    damage(sorted((folder / "frames").iterdir())[-1])  # the last one
    machine = Machine(job)
    with pytest.raises(JobError, match="hash"):
        play(job, machine)
    assert set(machine.kinds()) == {"dark", "stop"}


def test_a_frame_whose_pixels_are_not_those_of_the_mask_hash_is_refused(folder):
    text = (folder / "job.json").read_text()
    first = pmsl.read(folder)[0].exposures[0].mask_sha256
    (folder / "job.json").write_text(text.replace(first, "0" * 64))
    job = pmsl.read(folder)
    machine = Machine(job)
    with pytest.raises(JobError, match=r"layer 0, exposure 0.*mask hash"):
        play(job, machine)
    assert "lit" not in machine.kinds()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": (40, 24)}, "24x40 px.*40x24"),
        ({"wavelength_nm": 385.0}, "385 nm.*405 nm"),
        ({"wavelength_nm": float("nan")}, "wavelength_nm of engine 0 is nan"),
        ({"levels": 1}, "1 gray levels"),
        ({"levels": 2}, r"gray level \d+ of 255.*2 levels"),
        ({"max_exposure_s": 0.01}, "exposure time.*at most 0.01 s"),
        ({"max_exposure_s": float("inf")}, "max_exposure_s"),
        ({"max_power": 0.5}, "power.*at most 0.5"),
        ({"homed": False}, "not homed"),
        ({"travel_um": 139.0}, "layer 4.*140 µm.*139 µm"),
        ({"step_um": 11.0}, "step is 11 µm.*thinnest layer 10 µm"),
        ({"step_um": 0.0}, "step_um"),
        ({"real": True}, "not calibrated.*psf.sigma"),
    ],
)
def test_a_machine_that_does_not_fit_is_refused_in_the_dark(job, change, words):
    machine = Machine(job)
    for name, value in change.items():
        setattr(machine, name, value)
    with pytest.raises(HostError, match=words):
        play(job, machine)
    assert set(machine.kinds()) == {"dark", "stop"}


def test_an_engine_that_says_nothing_about_being_real_is_real(job):
    machine = Machine(job)
    del machine.real
    with pytest.raises(HostError, match="not calibrated"):
        play(job, machine)
    status = play(job, machine, accept_uncalibrated=True)
    assert status.state == "done" and [f.code for f in status.findings] == ["uncalibrated-print"]


def test_an_engine_of_few_levels_plays_what_it_can_show(job):
    black_and_white = with_exposures(
        job, lambda k, es: [dataclasses.replace(e, mask=pmsl.LayerMask.from_dense(k, e.mask.dense(np.uint8) // 255 * 255)) for e in es]
    )
    machine = Machine(black_and_white)
    machine.levels = 2
    assert play(black_and_white, machine).state == "done"


@pytest.mark.parametrize("bits", [1, 4, 7])
def test_a_job_is_made_one_for_an_engine_of_few_levels(job, folder, bits):
    """Refused as it is; with_depth makes it one the engine shows, the mean dose of its gray area kept where it is dithered."""
    few = Machine(job)
    few.levels = 1 << bits
    with pytest.raises(HostError, match="with_depth"):
        play(job, few)
    for source in (job, pmsl.read(folder)):
        made = pmsl.pipeline.with_depth(source, bits)
        machine = Machine(made)
        machine.levels = 1 << bits
        assert play(made, machine).state == "done"
        assert {int(g) for p in made.layers() for e in p.exposures for g in np.unique(e.mask.dense(np.uint8))} <= set(depth_levels(bits))
        assert [p.exposures[0].time_s for p in made.layers()] == [p.exposures[0].time_s for p in job.layers()]
        assert "lossy-gray" in {f.code for p in made.layers() for f in p.findings}
    even = with_exposures(
        job, lambda k, es: [dataclasses.replace(es[0], mask=pmsl.LayerMask.from_dense(k, np.full((24, 40), 77, np.uint8)))]
    )
    mean = pmsl.dose_map(even, pmsl.pipeline.with_depth(even, bits)[2]).dense().mean()
    step = even[2].exposures[0].dose_mj_cm2 / (2**bits - 1)
    assert abs(mean - pmsl.dose_map(even, even[2]).dense().mean()) <= step * (1 / 128 if bits <= 4 else 0.51) * 1.01


def test_a_replaced_frame_is_told_before_its_grays_are_changed(folder):
    read = pmsl.read(folder)
    wrong = with_exposures(read, lambda k, es: [dataclasses.replace(e, mask_sha256="0" * 64) for e in es])
    with pytest.raises(JobError, match="layer 4, exposure 0: the frame is not the one"):
        pmsl.pipeline.with_depth(wrong, 4)[1]  # the last layers are looked at first: they may be dark in few grays
    assert pmsl.pipeline.with_depth(read, 8) is read
    for bits in (0, 9):
        with pytest.raises(UsageError, match="expected 1 to 8"):
            pmsl.pipeline.with_depth(read, bits)


@pytest.mark.parametrize("bits", range(1, 9))
def test_engine_and_frames_agree_on_the_levels_of_a_depth(bits):
    assert tuple(np.flatnonzero(shown_by(1 << bits))) == depth_levels(bits)


def test_the_printers_own_limits_hold_for_a_job_that_was_never_read(job):
    longer = with_exposures(job, lambda k, es: [dataclasses.replace(e, time_s=1e9) for e in es])
    machine = Machine(job)
    machine.max_exposure_s = 1e12
    with pytest.raises(JobError, match="layer 0: time_s is 1e.09, the limit of printer pmsl-2um 120"):
        play(longer, machine)
    assert set(machine.kinds()) == {"dark", "stop"}


def test_a_job_that_requires_more_than_the_engine_provides_is_refused(job):
    wanting, machine = dataclasses.replace(job, requires=("flat-field-by-host",)), Machine(job)
    with pytest.raises(HostError, match="requires flat-field-by-host.*provides"):
        play(wanting, machine)
    assert set(machine.kinds()) == {"dark", "stop"}
    machine.provides = ("flat-field-by-host",)
    assert play(wanting, machine).state == "done"


def test_steps_that_do_not_meet_the_layers_are_told(job):
    machine = Machine(job)
    machine.step_um = 3.0
    (found,) = play(job, machine).findings
    assert (found.code, found.value, found.limit) == ("stage-steps", pytest.approx(1.0), 3.0)


def test_shifted_exposures_need_a_stage_that_shifts(job):
    shifted = with_exposures(job, lambda k, es: [dataclasses.replace(e, offset_um=(5.0, 0.0)) for e in es])
    with pytest.raises(HostError, match="no shift"):
        play(shifted, Machine(job))
    machine, asked = Machine(job), []
    machine.shift = lambda *where: asked.append(where)
    assert play(shifted, machine).state == "done" and asked == [(5.0, 0.0, 0.0)]


def test_several_engines_take_turns_and_all_go_dark(job):
    both = dataclasses.replace(
        with_exposures(job, lambda k, es: [e if k % 2 else dataclasses.replace(e, engine=1) for e in es]), engines=job.engines * 2
    )
    stage, engines = Machine(job), (Machine(job), Machine(job))
    with pytest.raises(HostError, match="2 light engine"):
        pmsl.host.play(both, engines[0], stage)
    pmsl.host.play(both, engines, stage, clock=CLOCK)
    assert [len(e.shown) for e in engines] == [2, 3] and all(e.kinds()[-1] == "dark" for e in engines)


def test_a_written_job_cannot_skip_verification(job, folder):
    machine = Machine(job)
    with pytest.raises(UsageError, match="verified as a whole"):
        play(pmsl.read(folder), machine, verify=False)
    assert set(machine.kinds()) == {"dark", "stop"}


def test_a_job_sliced_while_it_prints_is_checked_layer_by_layer(job):
    made = []

    def plan_layer(k):
        made.append(k)
        return job.plan_layer(k)

    live = dataclasses.replace(job, plan_layer=plan_layer)
    assert play(live, Machine(job), verify=False, prefetch=0).state == "done" and made == [0, 1, 2, 3, 4]
    machine = Machine(job)
    machine.travel_um = 125.0
    with pytest.raises(HostError, match="layer 3"):
        play(live, machine, verify=False)
    assert len(machine.shown) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z_top_um": 0.0}, "layer 3: z_top_um 0.0"),
        ({"thickness_um": 20.0}, "layer 3: z_top_um .* thickness_um 20.0"),
        ({"motion": {"lift_um": float("nan")}}, "layer 3: motion.lift_um is nan|layer 3: motion: "),
        ({"exposures": {"dose_mj_cm2": 1.0}}, "layer 3: dose_mj_cm2 1 is not time_s"),
        ({"exposures": {"repeat": 200}}, "layer 3: time_s is .*, shown 200 times"),
    ],
)
@pytest.mark.parametrize("verify", [True, False])
def test_a_job_that_was_never_written_is_held_to_its_own_numbers_too(job, verify, change, words):
    """Looked at before, no layer is moved to; sliced while it prints, none from the one on that is wrong."""

    def plan_layer(k):
        plan = job.plan_layer(k)
        if k != 3:
            return plan
        wrong = dict(change)
        if "motion" in change:
            wrong["motion"] = msgspec.structs.replace(plan.motion, **change["motion"])
        if "exposures" in change:
            wrong["exposures"] = tuple(dataclasses.replace(e, **change["exposures"]) for e in plan.exposures)
        return dataclasses.replace(plan, **wrong)

    machine = Machine(job)
    with pytest.raises(JobError, match=words):
        play(dataclasses.replace(job, plan_layer=plan_layer), machine, verify=verify)
    assert len(machine.shown) == (0 if verify else 3) and machine.kinds().count("move") == (0 if verify else 6)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("what", ["squeeze", "relift", "film_lift_um"])
def test_a_layer_whose_plate_moves_between_its_lights_is_not_played(job, verify, what):
    """Also where a job does not say that it requires that."""
    squeeze = Squeeze(count=1, force_n=1.0, time_s=1.0)
    wanted = {"squeeze": squeeze, "relift": Relift(motion=job[0].motion), "film_lift_um": 5.0}[what]

    def plan_layer(k):
        plan = job.plan_layer(k)
        if what == "squeeze":
            return dataclasses.replace(plan, squeeze=wanted)
        return dataclasses.replace(plan, exposures=tuple(dataclasses.replace(e, **{what: wanted}) for e in plan.exposures))

    machine = Machine(job)
    with pytest.raises(HostError, match="layer 0: the plate is to be moved between its lights"):
        play(dataclasses.replace(job, plan_layer=plan_layer), machine, verify=verify)
    assert set(machine.kinds()) == {"dark", "stop"}


@pytest.mark.parametrize("verify", [True, False])
def test_engines_whose_planes_differ_are_refused_before_any_motion(job, verify):
    grid = job.grid
    for edges in (grid.z_edges_um + np.arange(6) * 0.5, grid.z_edges_um[:-1]):
        other = pmsl.Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)
        both = dataclasses.replace(job, engines=(job.engines[0], dataclasses.replace(job.engines[0], grid=other)))
        stage, engines = Machine(job), (Machine(job), Machine(job))
        with pytest.raises(JobError, match="engine 1: its z_edges_um are not those of engine 0|engine 1 has planes for 4 layers"):
            pmsl.host.play(both, engines, stage, clock=CLOCK, verify=verify)
        assert "move" not in stage.kinds()


# --- dark on every way out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fail_at", range(1, 12))
def test_whatever_call_fails_it_is_dark_and_nothing_is_lit_after(job, fail_at):
    machine = Machine(job, fail_at=fail_at)
    with pytest.raises(HostError) as caught:
        play(job, machine)
    assert isinstance(caught.value.__cause__, Trouble) and "dark" in str(caught.value) or "not known" in str(caught.value)
    last_call = max(i for i, what in enumerate(machine.log) if what[0] in ("load", "lit", "move"))
    assert machine.calls == fail_at and "dark" in machine.kinds()[last_call:]  # the failed call was the last one


def test_a_frame_that_cannot_be_loaded_leaves_the_one_before_unseen(job):
    def hook(machine, what):
        if what[0] == "load" and machine.kinds().count("load") == 3:
            raise Trouble

    machine = Machine(job, hook=hook)
    with pytest.raises(HostError, match="layer 2, exposure 0.*did not take the frame"):
        play(job, machine)
    assert len(machine.shown) == 2


def test_a_frame_replaced_while_it_prints_is_not_shown(job, folder):
    name = sorted((folder / "frames").iterdir())[3]

    def tell(status):
        if status.state == "lit" and status.layer == 0:
            damage(name)

    machine = Machine(job)
    with pytest.raises(JobError, match=r"00003.png"):
        play(pmsl.read(folder), machine, prefetch=1, on_status=tell)
    assert len(machine.shown) == 3 and machine.kinds()[-2:] == ["dark", "stop"]


def test_a_job_that_changes_after_it_was_checked_is_not_shown(job):
    looked = []

    def change(k, exposures):
        looked.append(k)
        if looked.count(3) == 2 and k == 3:
            return [dataclasses.replace(e, mask=pmsl.LayerMask.from_dense(k, 255 - e.mask.dense(np.uint8))) for e in exposures]
        return exposures

    machine = Machine(job)
    with pytest.raises(JobError, match="layer 3.*checked before the first light"):
        play(with_exposures(job, change), machine)
    assert len(machine.shown) == 3


def test_a_stage_that_is_lost_stops_the_print(job):
    def lose(machine, what):
        if what == ("move", pytest.approx(30)):
            machine.homed = False

    machine = Machine(job, hook=lose)
    with pytest.raises(HostError, match="layer 2.*lost its place"):
        play(job, machine)
    assert len(machine.shown) == 2


def test_a_stage_that_does_not_arrive_stops_the_print(job):
    class Short(Machine):
        def move(self, distance_um, speed_um_s, accel_um_s2):
            return super().move(distance_um, speed_um_s, accel_um_s2) - (distance_um == pytest.approx(20)) * 0.5

    machine = Short(job)
    with pytest.raises(HostError, match=r"layer 1.*19.5 µm.*not 20 µm"):
        play(job, machine)
    assert len(machine.shown) == 1


@pytest.mark.parametrize(("delivered", "words"), [(0.5, "was lit for"), (float("nan"), "nan"), (-1.0, "not known"), (2.0, "was lit for")])
def test_an_engine_that_delivers_something_else_stops_the_print(job, delivered, words):
    class Wrong(Machine):
        def expose(self, time_s, power):
            return delivered * super().expose(time_s, power)

    machine = Wrong(job)
    with pytest.raises(HostError, match=words):
        play(job, machine)
    assert len(machine.shown) == 1


def test_an_engine_that_does_not_go_dark_is_asked_again_and_named(job):
    class Stuck(Machine):
        times = 0

        def dark(self):
            self.times += 1
            if self.times > 2:
                raise Trouble("no answer")

    machine = Stuck(job)
    with pytest.raises(HostError, match="no answer.*by hand"):
        play(job, machine)
    assert machine.times == 2 + 3  # asked three times at the end, whatever else fails


def test_a_callback_that_fails_ends_the_print_dark(job):
    def tell(status):
        if status.state == "lit" and status.layer == 1:
            raise Trouble

    machine = Machine(job)
    with pytest.raises(Trouble):
        play(job, machine, on_status=tell)
    assert len(machine.shown) == 1 and machine.kinds()[-2:] == ["dark", "stop"]


# --- control -----------------------------------------------------------------------------------------------------


def test_pause_between_layers_and_go_on(job):
    machine, seen = Machine(job), []

    def tell(status):
        seen.append(status)
        if status.state == "layer done" and status.layer == 1:
            player.pause()
        if status.state == "paused":
            assert machine.kinds()[-1] == "dark"
            threading.Timer(0.02, player.go_on).start()

    player = Player(job, machine, machine, clock=CLOCK, on_status=tell)
    assert player.run().state == "done" and len(machine.shown) == 5
    states = [s.state for s in seen]
    assert states.count("paused") == 1 and seen[states.index("paused")].layer == 2


def test_cancel_in_a_pause(job):
    machine = Machine(job)
    player = Player(job, machine, machine, clock=CLOCK)
    player.pause()
    thread = threading.Thread(target=player.run)
    thread.start()
    while player.status.state != "paused":
        time.sleep(0.001)
    player.cancel()
    thread.join(10)
    assert player.status.state == "cancelled" and machine.shown == []


class Patient(Machine):
    """Lit until it is put out, for a minute at most."""

    def expose(self, time_s, power):
        began = time.monotonic()
        super().expose(time_s, power)
        self.was_put_out.wait(60)
        return min(time_s, time.monotonic() - began)

    def pass_time(self, time_s):
        """It does take its time."""


def test_cancel_puts_the_light_out_at_once(job):
    machine = Patient(job)
    player = Player(job, machine, machine, clock=CLOCK)
    thread = threading.Thread(target=player.run)
    thread.start()
    while not machine.shown:
        time.sleep(0.001)
    player.cancel()
    assert machine.kinds()[-1] == "stop" and "dark" in machine.kinds()[machine.kinds().index("lit") :]
    thread.join(10)
    assert not thread.is_alive() and player.status.state == "cancelled" and len(machine.shown) == 1


def test_cancel_from_the_callback(job):
    machine = Machine(job)
    player = Player(job, machine, machine, clock=CLOCK, on_status=lambda s: player.cancel() if s.state == "lit" and s.layer == 2 else None)
    assert player.run().state == "cancelled" and len(machine.shown) == 2


def test_a_late_frame_is_waited_for_in_the_dark(job, caplog):
    gate, machine = threading.Event(), Machine(job)

    def change(k, exposures):
        if k == 3 and live:
            gate.wait(60)
        return exposures

    def tell(status):
        if status.state == "waiting" and status.message:
            assert status.layer == 2 and machine.kinds()[-1] == "lit" and not machine.light.locked()
            gate.set()

    live = True
    status = play(with_exposures(job, change), machine, verify=False, prefetch=2, on_status=tell)
    assert (status.state, status.late, len(machine.shown)) == ("done", 1, 5)
    assert "late" in caplog.text


def test_asyncio_plays_in_a_thread_and_tells_in_the_loop(job):
    machine, seen = Machine(job), []

    async def print_it():
        loop = threading.current_thread()
        status = await pmsl.host.aplay(
            job, machine, machine, clock=CLOCK, on_status=lambda s: seen.append((s, threading.current_thread() is loop))
        )
        await asyncio.sleep(0)
        return status

    assert asyncio.run(print_it()).state == "done" and len(machine.shown) == 5
    assert all(in_loop for _, in_loop in seen) and [s.layer for s, _ in seen if s.state == "layer done"] == [0, 1, 2, 3, 4]
    with pytest.raises(HostError, match="not homed"):
        machine.homed = False
        asyncio.run(pmsl.host.aplay(job, machine, machine))


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_task_is_dark_before_it_says_so(job, times):
    machine = Patient(job)

    async def print_and_cancel():
        task = asyncio.ensure_future(pmsl.host.aplay(job, machine, machine))
        while not machine.shown:
            await asyncio.sleep(0.001)
        for _ in range(times):  # an impatient caller changes nothing
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not machine.light.locked() and "dark" in machine.kinds()[machine.kinds().index("lit") :]

    asyncio.run(print_and_cancel())
    assert len(machine.shown) == 1


def test_a_cancelled_task_is_dark_although_every_thread_of_the_loop_is_busy(job):
    """Hosts give blocking work to the loop's own threads; putting the light out must not stand in line behind it."""
    machine, gate = Patient(job), threading.Event()

    async def print_and_cancel():
        from concurrent.futures import ThreadPoolExecutor

        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        busy = asyncio.ensure_future(asyncio.to_thread(gate.wait, 300))
        task = asyncio.ensure_future(pmsl.host.aplay(job, machine, machine))
        while not machine.shown:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not busy.done() and not machine.light.locked()
        gate.set()
        await busy

    asyncio.run(print_and_cancel())
    assert len(machine.shown) == 1


class Stuck(Patient):
    """Goes out by itself, and never says so once it was lit."""

    def dark(self):
        super().dark()
        if self.shown:
            raise Trouble("stuck")


def test_a_cancelled_task_says_that_the_engine_does_not_go_dark(job):
    machine = Stuck(job)

    async def print_and_cancel():
        task = asyncio.ensure_future(pmsl.host.aplay(job, machine, machine))
        while not machine.shown:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(HostError, match="switch its supply off by hand"):
            await task

    asyncio.run(print_and_cancel())


def test_cancel_stops_the_stage_although_the_engine_does_not_go_dark(job):
    machine = Stuck(job)
    player = Player(job, machine, machine, clock=CLOCK)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(_raised(player.run)))
    thread.start()
    while not machine.shown:
        time.sleep(0.001)
    with pytest.raises(HostError, match="switch its supply off by hand"):
        player.cancel()
    assert ("stop",) in machine.log
    thread.join(10)
    assert "switch its supply off by hand" in str(ended[0])


def _raised(call):
    try:
        call()
    except Exception as err:
        return err
    return None


def test_status_is_a_frozen_snapshot(job):
    seen = []
    play(job, Machine(job), on_status=seen.append)
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen[0].layer = 7
    done = [s for s in seen if s.state == "layer done"]
    assert [s.layers_done for s in done] == [1, 2, 3, 4, 5] and seen[0].state == "checking" and done[0].layers_done == 1
    left = [s.left_s for s in done]
    assert left == sorted(left, reverse=True) and left[-1] == 0
    assert Status().as_dict()["state"] == "ready"


def test_wrong_calls(job):
    machine = Machine(job)
    player = Player(job, machine, machine, clock=CLOCK)
    player.run()
    with pytest.raises(UsageError, match="plays once"):
        player.run()
    for k in (5, -1):
        with pytest.raises(HostError, match=f"start is layer {k}; the job has layers 0..4"):
            play(job, machine, start=k)
    with pytest.raises(UsageError, match="prefetch"):
        Player(job, machine, machine, Options(prefetch=-1))
    with pytest.raises(TypeError, match="colour"):
        play(job, machine, colour="red")
