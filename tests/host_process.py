"""A host process for the tests: plays a job on an engine behind a watchdog whose switch writes down when it is lit.

python host_process.py JOB LOG RECORD (sync | async) SECONDS [option=value …]
"""

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace


class LoggedSwitch:
    """A light that is a line in a file: `on` or `off`, when, and from which process."""

    wavelength_nm, levels, max_exposure_s, max_power, real = 405.0, 256, 1000.0, 1e6, False

    def __init__(self):
        self.log = os.environ["PMSL_TEST_LOG"]
        rows, cols = os.environ["PMSL_TEST_SHAPE"].split("x")
        self.shape = (int(rows), int(cols))
        self.lit = False

    def write(self, what):
        with open(self.log, "a", encoding="ascii") as file:
            file.write(f"{what} {time.time():.6f}\n")

    def load(self, frame):
        if frame.shape != self.shape or self.lit:
            raise ValueError("loaded while lit, or of another shape")
        self.write("load")

    def on(self, power):
        self.lit = True
        self.write("on")
        if "PMSL_TEST_STOP_HOST" in os.environ:
            os.kill(os.getppid(), signal.SIGSTOP)

    def off(self):
        self.lit = False
        self.write("off")


def switch():
    return LoggedSwitch()


def failing():
    raise RuntimeError("no such light")


class Stage:
    travel_um, step_um, homed, position_um = 1e6, 0.01, True, 0.0

    def move(self, distance_um, speed_um_s, accel_um_s2):
        self.position_um = distance_um
        return distance_um

    def stop(self):
        pass


def main(job_path, log, record, how, seconds, *options):
    import pmsl
    from pmsl.formats.frames.device_frame import frame_shape
    from pmsl.host.control import drift

    drift.SLACK_S = 5.0  # a machine that runs tests may be too busy to put a light out in time

    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore them
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    job = pmsl.read(job_path)
    seconds, plan_layer = float(seconds), job.plan_layer

    def slower(k):
        plan = plan_layer(k)
        return replace(plan, exposures=tuple(lasting(e, 0.02 if k else seconds) for e in plan.exposures))

    def lasting(e, time_s):
        return replace(e, time_s=time_s, dose_mj_cm2=e.dose_mj_cm2 * time_s / e.time_s)

    job = replace(job, plan_layer=slower)
    os.environ["PMSL_TEST_LOG"] = log
    os.environ["PMSL_TEST_SHAPE"] = "{}x{}".format(*frame_shape(job.grid.shape, job.printer.orientation))
    engine = pmsl.host.Watched("host_process:switch")
    if "PMSL_TEST_FORK" in os.environ and (child := os.fork()):
        with open(os.environ["PMSL_TEST_FORK"], "w", encoding="ascii") as file:
            file.write(f"{child}\n")
    elif "PMSL_TEST_FORK" in os.environ:  # holds every pipe of its parent
        time.sleep(300)
        os._exit(0)
    wanted = {name: int(value) if value else True for name, _, value in (option.partition("=") for option in options)}
    if how == "sync":
        status = pmsl.host.play(job, engine, Stage(), record=record, **wanted)
    else:
        status = asyncio.run(pmsl.host.aplay(job, engine, Stage(), record=record, **wanted))
    print(status.state, status.exposures_done, [f.code for f in status.findings])
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
