"""Engine and stage are not believed blindly: clock, place, frame and lamp are looked at, and what contradicts stops dark."""

import dataclasses
import json

import pytest
from host_doubles import CLOCK, Machine, Trouble, doubled, play, small_job, with_exposures

import pmsl
from pmsl.errors import HostError
from pmsl.host import RealClock
from pmsl.host.control.light_control import LightControl
from pmsl.host.record.play_log import read_record


@pytest.fixture(scope="module")
def job():
    return small_job(3)


def stopped(job, machine, words, **options):
    """The print ends with these words, dark, and nothing is asked of the engine any more."""
    with pytest.raises(HostError, match=words):
        play(job, machine, **options)
    last = max((i for i, what in enumerate(machine.log) if what[0] in ("load", "lit", "move")), default=-1)
    assert machine.kinds()[last + 1 :].count("dark") >= 1 and machine.kinds()[-1] == "stop"


# --- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lasted", "told", "words"),
    [
        (0.0, 1.0, r"says it was lit for [\d.]+ s, but came back after .* s by the clock \(limit: 0.005 s and 1 % early\).*stays dark"),
        (0.97, 1.0, "% early"),
        (0.5, 1.0, "% early"),
        (4.0, 1.0, r"came back only after .* \(limit: 2 s and 10 % late\).*how long it was lit is not known"),
        (0.5, 0.5, "was lit for .* of the"),
        (1.5, 1.5, "was lit for .* of the"),
        (0.0, float("inf"), "for inf s"),
    ],
)
def test_a_returned_time_that_contradicts_the_clock_stops_the_print(job, tmp_path, lasted, told, words):
    class Wrong(Machine):
        def pass_time(self, time_s):
            CLOCK.lit_s += lasted * time_s

        def expose(self, time_s, power):
            return told * super().expose(time_s, power)

    assert job[0].exposures[0].time_s > 1
    machine, path = Wrong(job), tmp_path / "played.jsonl"
    stopped(job, machine, words, record=path)
    assert len(machine.shown) == 1 and set(read_record(path).doubt) == {(0, 0, 0)}  # named when the print goes on


@pytest.mark.parametrize(("lasted", "told"), [(0.995, 1.0), (1.5, 1.0), (1.005, 1.005)])
def test_what_a_timer_may_be_off_and_a_call_may_take_is_no_contradiction(job, lasted, told):
    class Slow(Machine):
        def pass_time(self, time_s):
            CLOCK.lit_s += lasted * time_s

        def expose(self, time_s, power):
            return told * super().expose(time_s, power)

    assert play(job, Slow(job)).state == "done"


def test_an_engine_that_does_nothing_is_found_out_by_the_computers_own_clock(job):
    machine = Machine(job)
    stopped(job, machine, "by the clock", clock=RealClock())
    assert len(machine.shown) == 1


# --- place -------------------------------------------------------------------------------------------------------


class Encoded(Machine):
    """A stage whose place is what `where` makes of the true one, and that returns what `told` makes of it."""

    def __init__(self, job, where=lambda um: um, told=lambda um: um):
        self.true_um, self.where, self.told = 0.0, where, told
        super().__init__(job)

    @property
    def position_um(self):
        return self.where(self.true_um)

    @position_um.setter
    def position_um(self, um):
        self.true_um = um

    def move(self, distance_um, speed_um_s, accel_um_s2):
        return self.told(super().move(distance_um, speed_um_s, accel_um_s2))


@pytest.mark.parametrize(
    ("off_steps", "sound"),
    [(0.0, True), (0.9, True), (-0.9, True), (1.5, False), (-1.5, False), (3.0, False), (-3.0, False)],
)
@pytest.mark.parametrize("what", ["where", "told"])
def test_a_plate_may_stand_one_step_off_and_not_more(job, what, off_steps, sound):
    def change(um):
        return um + off_steps * 0.01 if um > 0 else um

    machine = Encoded(job, **{what: change})
    if sound:
        assert play(job, machine).state == "done"
    else:
        stopped(job, machine, r"limit: one step, 0.01 µm\).*stays dark")
        assert machine.shown == [] and machine.kinds().count("move") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "far", 10**400])
@pytest.mark.parametrize("what", ["where", "told"])
def test_a_place_that_is_no_number_stops_the_print(job, what, value):
    machine = Encoded(job, **{what: lambda um: value if um > 0 else um})
    stopped(job, machine, "layer 0: it stays dark: .* expected a")
    assert machine.shown == []


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), None, "far", -0.5, 1e6])
def test_a_place_that_is_none_is_found_before_the_first_motion(job, value):
    machine = Machine(job)
    machine.position_um = value
    stopped(job, machine, "position_um of the stage|the stage says the plate stands")
    assert set(machine.kinds()) == {"dark", "stop"}


def test_a_plate_that_was_moved_by_another_hand_is_not_lit_on(job):
    """Between two lights of a layer, and between two layers."""
    for n, words in ((1, "layer 0, exposure 0.*last move ended at 10 µm"), (4, "layer 1: .*last move ended at 10 µm")):
        many = doubled(job)

        def hook(machine, what, n=n):
            if what[0] == "lit" and len(machine.shown) + 1 == n:
                machine.position_um += 5.0

        machine = Machine(many, hook=hook)
        stopped(many, machine, words if n == 4 else "layer 0, exposure 1.*last move ended at 10 µm")
        assert len(machine.shown) == n


@pytest.mark.parametrize("name", ["travel_um", "step_um", "homed", "position_um", "move", "stop"])
def test_a_stage_that_lacks_something_is_found_before_the_first_motion(job, name):
    machine, whole = Machine(job), Machine(job)

    class Lacking:
        def __getattr__(self, asked):
            if asked == name:
                raise AttributeError(asked)
            return getattr(whole, asked)

    with pytest.raises(HostError, match=f"the stage has no {name}" if name != "stop" else "no stop"):
        pmsl.host.play(job, machine, Lacking(), clock=CLOCK)
    assert "move" not in whole.kinds() and machine.shown == []


def test_a_machine_that_cannot_be_asked_is_one_error(job):
    class Cable(Machine):
        @property
        def position_um(self):
            raise OSError("cable")

        @position_um.setter
        def position_um(self, um):
            pass

    stopped(job, Cable(job), "position_um cannot be asked for .OSError: cable")
    for name in ("travel_um", "step_um", "max_exposure_s", "max_power", "levels", "wavelength_nm", "shape"):
        for wrong in ("far", None, float("nan"), [1]):
            machine = Machine(job)
            setattr(machine, name, wrong)
            stopped(job, machine, name)
            assert set(machine.kinds()) == {"dark", "stop"}


# --- frame -------------------------------------------------------------------------------------------------------


def test_a_frame_loaded_for_another_engine_or_of_another_exposure_is_never_lit(job):
    first, other = job[0].exposures[0], job[2].exposures[0]
    engines, cancelled = (Machine(job), Machine(job)), __import__("threading").Event()
    lamp = LightControl(engines, cancelled, CLOCK)
    frame = first.mask.dense("uint8")
    frame.setflags(write=False)
    lamp.load(0, frame, first.mask.sha256(), "here")
    for e in (dataclasses.replace(first, engine=1), other):
        with pytest.raises(HostError, match=f"not the one that is loaded in engine {e.engine}; it stays dark"):
            lamp.show(e, (0, 0, 0), e.mask.sha256())
    assert engines[0].shown == engines[1].shown == []
    lamp.show(first, (0, 0, 0), first.mask.sha256())
    assert len(engines[0].shown) == 1
    engines[1].fail_at = 0
    with pytest.raises(HostError, match="did not take the frame"):
        lamp.load(1, frame, first.mask.sha256(), "here")
    with pytest.raises(HostError, match="not the one that is loaded"):  # nor the one before
        lamp.show(first, (0, 0, 0), first.mask.sha256())


# --- lamp --------------------------------------------------------------------------------------------------------


class Drifting(Machine):
    """An engine with a sensor, whose light is `share` of what it was asked for, by layer."""

    def __init__(self, job, shares):
        super().__init__(job)
        self.shares, self.measured_power = shares, 0.0

    def expose(self, time_s, power):
        share = self.shares[round(self.position_um / 10) - 1]
        self.measured_power = share if isinstance(share, str) else share * power
        return super().expose(time_s, power)


def test_drift_is_a_finding_per_layer_and_every_light_is_recorded(job, tmp_path):
    path = tmp_path / "played.jsonl"
    status = play(job, Drifting(job, (1.0, 0.97, 1.05)), record=path)
    found = [f for f in status.findings if f.code == "lamp-drift"]
    assert [(f.layers, round(f.value, 9), f.limit) for f in found] == [((1, 1), 0.03, 0.02), ((2, 2), 0.05, 0.02)]
    assert "97.0 % of the light" in found[0].message and "10 % of drift" in found[0].message
    lines = [json.loads(x) for x in path.read_text().splitlines()]
    assert lines[0]["schema"] == "pmsl.played/2"
    assert [x["measured_power"] / x["power"] for x in lines if x["state"] == "done"] == pytest.approx([1.0, 0.97, 1.05])
    assert read_record(path).doubt == {}


def test_of_several_lights_the_worst_one_is_the_layers(job):
    machine = Drifting(doubled(job), (1.0, 1.0, 1.0))
    readings = iter([1.0, 0.96, 1.03, 1.0] * 3)
    machine.shares = type("Next", (), {"__getitem__": lambda self, k: next(readings)})()
    found = [f for f in play(doubled(job), machine).findings if f.code == "lamp-drift"]
    assert [(f.layers, round(f.value, 9)) for f in found] == [((k, k), 0.04) for k in range(3)]


@pytest.mark.parametrize(
    ("share", "words", "recorded"),
    [
        (0.89, r"the lamp gave power 0.89, asked for 1 \(limit: 10 % apart\); it stays dark", True),
        (1.11, "the lamp gave power 1.11", True),
        (0.0, "the lamp gave power 0", True),
        (float("nan"), "measured_power of the engine is nan", False),
        ("bright", "measured_power of the engine is 'bright'", False),
    ],
)
def test_drift_beyond_the_limit_stops_dark_and_leaves_the_layer_in_doubt(job, tmp_path, share, words, recorded):
    path = tmp_path / "played.jsonl"
    machine = Drifting(job, (1.0, share, 1.0))
    stopped(job, machine, "layer 1, exposure 0: .*" + words, record=path)
    assert len(machine.shown) == 2 and set(read_record(path).doubt) == {(1, 0, 0)}
    assert ("measured_power" in path.read_text().splitlines()[-1]) == recorded
    with pytest.raises(HostError, match="layer 1, exposure 0, repeat 0: .*--relight 1"):
        play(job, Drifting(job, (1.0, 1.0, 1.0)), record=path, resume=True)
    assert play(job, Drifting(job, (1.0, 1.0, 1.0)), record=path, resume=True, relight=1).exposures_done == 2


def test_a_sensor_that_does_not_answer_stops_dark(job):
    class Mute(Machine):
        @property
        def measured_power(self):
            raise OSError("no answer")

    machine = Mute(job)
    stopped(job, machine, "does not say how bright it was .OSError: no answer")
    assert len(machine.shown) == 1


def test_a_limit_that_an_engine_states_for_a_layer_counts_repeats_and_exposures(job):
    many = doubled(job)
    light_s = sum(e.repeat * e.time_s for e in many[0].exposures)
    for most, sound in ((light_s * 1.01, True), (light_s * 0.99, False), (float("nan"), False), (0.0, False)):
        machine = Machine(many)
        machine.max_layer_s = most
        later = with_exposures(many, lambda k, es: es)
        if sound:
            assert play(later, machine).state == "done"
        else:
            stopped(later, machine, "layer 0: engine 0 would be lit for|max_layer_s")
            assert set(machine.kinds()) == {"dark", "stop"}


def test_a_trouble_in_the_light_is_still_the_engines_own_word(job):
    def hook(machine, what):
        if what[0] == "lit":
            raise Trouble("fan")

    stopped(job, Machine(job, hook=hook), "Trouble: fan.; how long it was lit is not known")
