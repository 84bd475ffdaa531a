"""A host process for the tests that is killed at a moment of its own: between move, frame, record and light, or inside one of them.

It prints on a machine whose truth is a file: every light that was given stands in it, whatever the record says. `killed` forks, so that
the job is made once for many prints; the child is killed by SIGKILL, as a crash or the out-of-memory killer would.
"""

import os
import signal

from host_doubles import Machine

import pmsl
from pmsl.host.record import play_log as record_module

NO_THREADS = {"prefetch": 0, "threads": 1}  # a process that forked may not rely on any


class Watch:
    """Counts moments, and kills the process at one of them."""

    def __init__(self, at):
        self.at, self.n = at, 0

    def moment(self):
        self.n += 1
        if self.n == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class Truth(Machine):
    """A machine that writes each light into a file before it says that it is over: what was really lit."""

    def __init__(self, job, path, watch):
        super().__init__(job)
        self.path, self.watch, self.key = path, watch, None

    def load(self, frame):
        self.watch.moment()
        super().load(frame)
        self.watch.moment()

    def move(self, distance_um, speed_um_s, accel_um_s2):
        self.watch.moment()
        reached = super().move(distance_um, speed_um_s, accel_um_s2)
        self.watch.moment()
        return reached

    def expose(self, time_s, power):
        self.watch.moment()
        with open(self.path, "a", encoding="ascii") as file:
            file.write("{} {} {}\n".format(*self.key))
        self.watch.moment()
        return super().expose(time_s, power)


class MovingTruth(Truth):
    """One whose stage moves along x and y: it stops the test where a frame is lit at a place of another."""

    def __init__(self, job, path, watch):
        super().__init__(job, path, watch)
        self.job, self.at_um = job, None  # nobody knows where it is when a host begins

    def shift(self, x_um, y_um, focus_um):
        self.watch.moment()
        self.at_um = (x_um, y_um)
        self.watch.moment()

    def expose(self, time_s, power):
        k, j, _ = self.key
        assert self.at_um == self.job[k].exposures[j].offset_um, (self.key, self.at_um)
        return super().expose(time_s, power)


class Clock:
    """No time passes but that of lights, and moves."""

    def __init__(self, machine):
        self.machine = machine

    def now_s(self):
        from host_doubles import CLOCK

        return CLOCK.lit_s

    def wait(self, seconds, cancelled):
        self.machine.watch.moment()


def play(job, truth, record, at, **options):
    """Play, killed at moment `at`; return how many moments there were where that is beyond the end."""
    watch = Watch(at)
    machine = Truth(job, truth, watch) if job.tiles is None else MovingTruth(job, truth, watch)

    def tell(status):
        machine.key = (status.layer, status.exposure, status.repeat)
        watch.moment()

    def at_pause(pause):
        watch.moment()
        with open(truth, "a", encoding="ascii") as file:
            file.write(f"-1 {pause.before_layer} 0\n")
        watch.moment()

    add = record_module.PlayLog.add

    def watched_add(self, line, sync=True):
        watch.moment()
        add(self, line, sync)
        watch.moment()

    record_module.PlayLog.add = watched_add
    try:
        pmsl.host.play(
            job, machine, machine, clock=Clock(machine), on_status=tell, on_pause=at_pause, record=record, **NO_THREADS, **options
        )
    finally:
        record_module.PlayLog.add = add
    return watch.n


def killed(job, truth, record, at, **options):
    """Play in a child that is killed at moment `at`; return how it ended: "killed", "done", or what it refused."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "done"
        try:
            play(job, truth, record, at, **options)
        except BaseException as err:
            said = f"{type(err).__name__}: {err}"
        os.write(write, said.encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        said = file.read().decode()
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else said
