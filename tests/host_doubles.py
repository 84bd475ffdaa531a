"""Machines for the tests of `pmsl.host`: they write down what they are asked, and fail when told to."""

from __future__ import annotations

import threading
from dataclasses import replace

import msgspec
import numpy as np
from solids import box, cone

import pmsl
from pmsl.formats.frames.device_frame import frame_shape
from pmsl.host import RealClock
from pmsl.profiles.tables.strict_struct import Value

REST = {"lift_um": 100.0, "settle_s": 0.0}


def small_printer(shape=(24, 40), **changes):
    printer = pmsl.find_printer("pmsl-2um")
    dmd = msgspec.structs.replace(printer.dmd, shape=Value(value=shape, class_="measured", source="test"))
    return msgspec.structs.replace(printer, dmd=dmd, **changes)


def small_job(layers=5, shape=(24, 40), solids=None, **changes):
    """A job of a cone on a box, `layers` layers of 10 µm, no waits."""
    process = pmsl.find_process("default")
    process = msgspec.structs.replace(process, motion=msgspec.structs.replace(process.motion, **REST), bottom_dose_factors=(2.0,))
    solids = solids or [box((4, 6, 0), (50, 30, 10)), cone(24, 14, 10 * layers, (30, 22, 0))]
    return pmsl.prepare(solids, small_printer(shape, **changes), pmsl.find_resin("pr48-405"), process)


def with_exposures(job, change):
    """The same job, the exposures of every layer passed through `change(k, exposures)`."""

    def plan_layer(k):
        plan = job.plan_layer(k)
        return replace(plan, exposures=tuple(change(k, plan.exposures)))

    return replace(job, plan_layer=plan_layer, known_estimate=None)


def doubled(job):
    """Every layer shown as two exposures, the second one of the inverted levels, three times."""

    def change(k, exposures):
        (e,) = exposures
        other = pmsl.LayerMask.from_dense(k, 255 - e.mask.dense(np.uint8))
        return e, replace(e, mask=other, time_s=e.time_s / 2, dose_mj_cm2=e.dose_mj_cm2 / 2, repeat=3, wait_before_s=0.01)

    return with_exposures(job, change)


class LitClock(RealClock):
    """The computer's clock, and the time of lights that the doubles say they gave and took no time for."""

    lit_s = 0.0

    def now_s(self):
        return super().now_s() + self.lit_s


CLOCK = LitClock()


class Trouble(Exception):
    """What a double raises when it is told to fail."""


class Machine:
    """Engine and stage in one log: ("load", mean), ("lit", s), ("dark",), ("move", µm), ("stop",).

    `fail_at` is the number of the call, of any kind but dark, that raises `Trouble`.
    """

    def __init__(self, job, fail_at=None, hook=None):
        e = job.engines[0]
        self.shape, self.wavelength_nm = frame_shape(e.grid.shape, e.orientation), e.wavelength_nm
        self.levels, self.max_exposure_s, self.max_power, self.real = 256, 1e3, 1e6, False
        self.travel_um, self.step_um, self.homed, self.position_um = 1e5, 0.01, True, 0.0
        self.log, self.shown = [], []
        self.fail_at, self.hook, self.calls = fail_at, hook, 0
        self.light = threading.Lock()  # held while it is lit
        self.loaded = None
        self.was_put_out = threading.Event()

    def _call(self, *what):
        self.calls += 1
        self.log.append(what)
        if self.hook is not None:
            self.hook(self, what)
        if self.fail_at is not None and self.calls >= self.fail_at:
            raise Trouble(f"call {self.calls}")

    def load(self, frame):
        self.loaded = None
        assert frame.shape == self.shape and frame.dtype == np.uint8 and frame.flags.c_contiguous and not frame.flags.writeable
        self._call("load", float(frame.mean()))
        self.loaded = frame.copy()

    def expose(self, time_s, power):
        assert self.loaded is not None, "lit without a frame"
        assert self.homed, "lit with a lost stage"
        self.was_put_out.clear()
        with self.light:
            self._call("lit", time_s)
            self.shown.append((self.loaded, time_s, power))
        self.pass_time(time_s)
        return time_s

    def pass_time(self, time_s):
        CLOCK.lit_s += time_s

    def dark(self):
        self.log.append(("dark",))
        self.was_put_out.set()

    def move(self, distance_um, speed_um_s, accel_um_s2):
        self._call("move", distance_um)
        self.position_um = distance_um
        return distance_um

    def stop(self):
        self.log.append(("stop",))

    def kinds(self):
        return [what[0] for what in self.log]


def play(job, machine, **options):
    return pmsl.host.play(job, machine, machine, **{"clock": CLOCK, **options})
