"""Forged job.json files for tests: every number of a job changed, and a machine that says whether it was asked for too much."""

import json
import math
import shutil

from host_doubles import Machine, doubled, small_job

import pmsl
from pmsl.errors import PmslError

NUMBERS = (0, -1, 1, 2, 200, 1e-300, 1e9, 1e308, 10**30, -1e9, None, True, "1")
FACTORS = (-1.0, 0.5, 0.999, 1.001, 2.0, 10.0, 1e6)


class NoTime:
    """A clock on which waits and lights pass at once."""

    def __init__(self):
        self.s = 0.0

    def now_s(self):
        return self.s

    def wait(self, seconds, cancelled):
        assert 0 <= seconds <= 1e6
        self.s += seconds


class Guarded(Machine):
    """A machine with the limits of the job as it was before it was forged; it fails the test when it is asked for more."""

    def __init__(self, job, fits):
        super().__init__(fits)
        limits = job.printer.limits
        self.max_exposure_s, self.max_power = limits.max_exposure_s.value, limits.max_power.value
        self.max_layer_s = self.max_exposure_s
        self.travel_um = job.printer.stage.travel_um.value
        self.clock, self.light_s, self.planes = NoTime(), 0.0, []

    def pass_time(self, time_s):
        self.clock.s += time_s
        self.light_s += time_s

    def expose(self, time_s, power):
        assert 0 < time_s <= self.max_exposure_s and 0 < power <= self.max_power
        assert self.light_s + time_s <= self.max_layer_s * (1 + 1e-9)
        if not self.light_s:
            self.planes.append(self.position_um)
        return super().expose(time_s, power)

    def move(self, distance_um, speed_um_s, accel_um_s2):
        assert 0 <= distance_um <= self.travel_um and speed_um_s > 0 and accel_um_s2 > 0
        self.light_s = 0.0
        return super().move(distance_um, speed_um_s, accel_um_s2)

    def shift(self, x_um, y_um, focus_um):
        assert max(abs(x_um), abs(y_um), abs(focus_um)) <= 1e6


def written(folder):
    """Write the job that is forged, with dose maps: three layers of two exposures, the second one three times."""
    pmsl.write(doubled(small_job(3)), folder, dose=True)
    return folder


def document(folder):
    return json.loads((folder / "job.json").read_text())


def copied(folder, tmp_path, edit):
    """Copy a job and change its job.json."""
    shutil.copytree(folder, tmp_path / "forged")
    doc = document(folder)
    edit(doc)
    (tmp_path / "forged" / "job.json").write_text(json.dumps(doc))
    return tmp_path / "forged"


def number_paths(item, path=()):
    """Yield where numbers stand in a document."""
    if isinstance(item, dict):
        for key, value in item.items():
            yield from number_paths(value, (*path, key))
    elif isinstance(item, list):
        for i, value in enumerate(item):
            yield from number_paths(value, (*path, i))
    elif isinstance(item, (int, float)) and not isinstance(item, bool):
        yield path


def put(doc, path, value):
    for key in path[:-1]:
        doc = doc[key]
    doc[path[-1]] = value


def at(doc, path):
    for key in path:
        doc = doc[key]
    return doc


def problems_of(path):
    """What `verify` says; the error that stops it counts."""
    try:
        return pmsl.verify(path)
    except PmslError as err:
        return [str(err)]


def refused_or_played_within_limits(path, original):
    """Play a forged job: either nothing moves or lights, or nothing beyond the machine's limits; return whether it was played."""
    machine = None
    try:
        job = pmsl.read(path)
        machine = Guarded(original, job)
        pmsl.host.play(job, machine, machine, clock=machine.clock, accept_uncalibrated=True)
    except PmslError:
        assert machine is None or set(machine.kinds()) <= {"dark", "stop"}
        return False
    assert [
        p for p in problems_of(path) if ".facts: " not in p
    ] == []  # nothing is lit by facts: a host, which loads no kernel, leaves them out
    assert machine.planes == sorted(machine.planes) and all(math.isfinite(um) and um > 0 for um in machine.planes)
    return True
