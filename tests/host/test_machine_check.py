"""A machine that lacks something, or takes other arguments, is refused by name before its stage moves."""

import numpy as np
import pytest
from host_doubles import Machine, play, small_job

from pmsl.errors import HostError
from pmsl.host import LightEngine, Shifting, Stage
from pmsl.host.machine.capabilities import is_real, layer_limit_s, provided_by, sensed_power
from pmsl.host.machine.machine_check import FACTS, METHODS, problems_of


@pytest.fixture(scope="module")
def job():
    return small_job()


WRONG = {
    "load": (lambda: None, "engine 0 has load(), which cannot be called as load(frame)"),
    "expose": (lambda time_s: time_s, "engine 0 has expose(time_s), which cannot be called as expose(time_s, power)"),
    "move": (lambda to_um: to_um, "the stage has move(to_um), which cannot be called as move(distance_um, speed_um_s, accel_um_s2)"),
    "stop": (3, "the stage has stop = 3, which cannot be called; expected stop()"),
    "shift": (lambda x_um: None, "the stage has shift(x_um), which cannot be called as shift(x_um, y_um, focus_um)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_method_that_takes_something_else_is_named_before_anything_moves(job, name):
    machine = Machine(job)
    method, text = WRONG[name]
    setattr(machine, name, method)
    with pytest.raises(HostError) as caught:
        play(job, machine)
    assert text in str(caught.value) and "see pmsl.host.LightEngine and Stage" in str(caught.value)
    assert not {"move", "load", "lit"} & set(machine.kinds())


def test_an_engine_whose_dark_cannot_be_called_is_first_of_all_one_that_may_be_lit(job):
    machine = Machine(job)
    machine.dark = lambda now: None
    assert problems_of(machine, LightEngine) == "has dark(now), which cannot be called as dark()"
    with pytest.raises(HostError, match="engine 0 does not say that it is dark .*switch its supply off by hand"):
        play(job, machine)
    assert not {"move", "load", "lit"} & set(machine.kinds())


def test_all_that_is_missing_or_wrong_is_said_at_once():
    class Half:
        shape = (4, 4)
        wavelength_nm = 405.0

        def load(self):
            """Take nothing."""

    assert problems_of(Half(), LightEngine) == (
        "has no levels, max_exposure_s, max_power, expose, dark; has load(), which cannot be called as load(frame)"
    )


def test_methods_with_defaults_and_of_c_libraries_are_taken():
    class Wide(Machine):
        def expose(self, *args, **more):
            return super().expose(*args)

        def move(self, distance_um, speed_um_s=1.0, accel_um_s2=2.0, settle_s=0.0):
            return super().move(distance_um, speed_um_s, accel_um_s2)

    machine = Wide(small_job())
    assert problems_of(machine, LightEngine) == problems_of(machine, Stage) == ""
    machine.load = max  # says nothing of what it takes
    assert problems_of(machine, LightEngine) == ""


@pytest.mark.parametrize("kind", [LightEngine, Stage, Shifting])
def test_every_member_of_a_protocol_is_looked_at(kind):
    members = {name for name in vars(kind) if not name.startswith("_")}
    looked_at = {*FACTS[kind], *(method.__name__ for method in METHODS[kind])}
    assert members - looked_at == ({"real"} if kind is LightEngine else set())  # what does not say it is real counts as real


def test_what_an_engine_may_leave_out_has_one_answer_each():
    class Says:
        real, provides, max_layer_s, measured_power = False, ["flat-field-by-host"], 4.0, 0.5

    silent = object()
    asked = (is_real, provided_by, layer_limit_s, sensed_power)
    assert [ask(silent) for ask in asked] == [True, frozenset(), None, None]
    assert [ask(Says()) for ask in asked] == [False, {"flat-field-by-host"}, 4.0, 0.5]
    Says.real = np.False_  # only the False of Python says that no light leaves it
    assert is_real(Says())
