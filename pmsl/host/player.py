"""Plays a job: check everything, then move, load, light, layer by layer; dark on every way out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pmsl.core.finding import Finding
from pmsl.errors import HostError, UsageError
from pmsl.formats.frames.device_frame import painted_frame
from pmsl.host.control.drift import DRIFT, drift_finding, reports_power
from pmsl.host.control.interruptible_wait import patiently
from pmsl.host.control.layer_prefetch import LayerPrefetch
from pmsl.host.control.light_control import Cancelled, LightControl
from pmsl.host.control.operator_pause import OnPause, OperatorPauses
from pmsl.host.control.signals import Interruptible
from pmsl.host.control.stage_control import StageControl
from pmsl.host.machine.compatibility import check_machine, check_plan, refuse_problems, stage_way, walk
from pmsl.host.play_options import Options
from pmsl.host.protocol import Clock, LightEngine, RealClock, Stage
from pmsl.host.record.mask_hashes import Digests
from pmsl.host.record.play_log import utc_now
from pmsl.host.record.play_log_lines import Confirmed, Paused
from pmsl.host.record.resume import Start, begin
from pmsl.host.status import State, Status
from pmsl.job.consistency import JobCheck
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.pauses import Pause
from pmsl.job.print_job import PrintJob

log = logging.getLogger("pmsl.host")

LATE_S = 0.02  # a frame that is this late is told


class Player:
    """One print. `run` plays it; the other calls may come from any thread.

    Parameters
    ----------
    job : PrintJob
    engine : LightEngine, or one for each engine of the job
    stage : Stage
    options : Options
    clock : Clock, optional
        What waits are measured with (default: real time).
    on_status : callable, optional
        Called with a `Status` at every change, in the thread that plays. What it raises ends the print, dark.
    on_pause : callable, optional
        Called with a `Pause` of the job, in the thread that plays, dark and with the plate lifted; the print goes on when it returns, or
        when the future (`concurrent.futures.Future`) is done that it returns. What these raise ends the print. Left out: at each pause of
        the job the print goes on after `go_on`.
    """

    def __init__(
        self,
        job: PrintJob,
        engine: LightEngine | Sequence[LightEngine],
        stage: Stage,
        options: Options | None = None,
        *,
        clock: Clock | None = None,
        on_status: Callable[[Status], None] | None = None,
        on_pause: OnPause | None = None,
    ) -> None:
        self._job = job
        self._engines: tuple[LightEngine, ...] = tuple(engine) if isinstance(engine, Sequence) else (engine,)
        self._options = Options() if options is None else options
        self._clock: Clock = RealClock() if clock is None else clock
        self._on_status = on_status
        self._cancelled, self._go_on, self._began = threading.Event(), threading.Event(), threading.Event()
        self._go_on.set()
        self._pauses = OperatorPauses(job.pauses, on_pause, self._go_on, self._cancelled)
        self._light_control = LightControl(self._engines, self._cancelled, self._clock)
        self._stage_control = StageControl(stage, self._clock, self._cancelled, stage_way(job))
        self._digests: Digests | None = None
        self._check = JobCheck(job)
        self._status = Status(n_layers=job.n_layers)
        self._zero_s = 0.0
        self._thread: threading.Thread | None = None
        if self._options.prefetch < 0:
            raise UsageError(f"prefetch is {self._options.prefetch}; expected 0 (nothing ahead) or more")

    @property
    def status(self) -> Status:
        """What is going on: a frozen snapshot."""
        return self._status

    def pause(self) -> None:
        """Stop before the next layer, dark, until `go_on`; the job's own pauses come besides."""
        self._go_on.clear()

    def go_on(self) -> None:
        """End a pause."""
        self._go_on.set()

    def cancel(self) -> None:
        """Put the light out, stop the stage and end the print; when this returns, it is dark for good.

        Raises
        ------
        HostError
            An engine does not say that it is dark, or the stage does not stop; the print ends all the same.
        """
        self._cancelled.set()
        self._go_on.set()
        try:
            if threading.current_thread() is not self._thread:
                self._light_control.dark_until_out()
        finally:
            self._stage_control.stop()

    def run(self) -> Status:
        """Play the job.

        Returns
        -------
        Status
            Of state "done", or "cancelled" after `cancel`.

        Raises
        ------
        HostError
            A machine that does not fit, or that failed; a light in doubt that nothing was decided about.
        JobError
            A job that `pmsl verify` calls damaged; a record that is.
        UsageError
            Options that do not go together, or a second call.
        KeyboardInterrupt
            SIGINT, SIGTERM or SIGHUP came, in the main thread.

        Notes
        -----
        On every way out the light is off first; then the stage is at rest, and the record says what was lit.
        """
        if self._began.is_set():
            raise UsageError("a player plays once; make another one")
        self._began.set()
        self._thread = threading.current_thread()
        self._zero_s = self._clock.now_s()
        try:
            self._dark_at_the_end()
        except Cancelled:
            self._report("cancelled")
        except BaseException as err:
            self._fail(err)
            raise
        else:
            self._report("done")
        return self._status

    def _dark_at_the_end(self) -> None:
        """Play; the light goes out whatever happens, also where a signal comes between two lines."""
        with Interruptible() as signals:
            try:
                try:
                    self._light_control.dark()
                    self._play()
                finally:
                    signals.closing = True
                    self._light_control.dark()
            finally:
                signals.closing = True
                self._light_control.dark()
                if self._light_control.record is not None:
                    self._light_control.record.close()

    def _fail(self, err: BaseException) -> None:
        """Bring the stage to rest and say why it ended; the light is off already."""
        stopped = isinstance(err, (KeyboardInterrupt, SystemExit))
        try:
            self._stage_control.stop()
        except HostError as also:
            log.error("%s", also)
        self._status = replace(
            self._status, state="cancelled" if stopped else "failed", elapsed_s=self._elapsed_s(), message=str(err) or type(err).__name__
        )
        log.info("the print ended at layer %d, dark: %s", self._status.layer, self._status.message)

    # --- the print -------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        """Check, then play layer by layer."""
        o, job = self._options, self._job
        self._report("checking")
        refuse_problems(self._check.header())
        found: list[Finding] = check_machine(job, self._engines, self._stage_control.stage, o.accept_uncalibrated)
        self._digests = walk(job, self._engines, self._stage_control.stage, self._check, self._checking, o.threads) if o.verify else None
        begun = begin(job, self._digests, o, any(map(reports_power, self._engines)))
        self._light_control.record = begun.record
        self._pauses.leave_out(set(begun.confirmed))
        self._report("ready", layer=begun.layer, layers_done=begun.layer, findings=(*found, *begun.findings))
        feed = LayerPrefetch(job, range(begun.layer, job.n_layers), o.prefetch, self._digests)
        try:
            while (plan := self._next_layer(feed)) is not None:
                self._layer(plan, begun if plan.index == begun.layer else Start(layer=plan.index))
        finally:
            feed.close(join=False)

    def _layer(self, plan: LayerPlan, first: Start) -> None:
        """Play one layer, from its first light that is due."""
        self._between(plan.index)
        for pause in self._pauses.due(plan.index):
            self._operator(pause, plan)
        if self._digests is None:
            self._check_unseen(plan)
        self._report("moving", layer=plan.index, exposure=first.exposure, repeat=first.repeat)
        self._stage_control.to_layer(plan)
        for j in range(first.exposure, len(plan.exposures)):
            self._exposure(plan, j, first.repeat if j == first.exposure else 0)
        off = self._light_control.drift.get(plan.index, 0.0)
        found = (drift_finding(plan.index, off),) if abs(off) > DRIFT else ()
        self._report("layer done", layers_done=plan.index + 1, findings=(*self._status.findings, *found))

    def _exposure(self, plan: LayerPlan, j: int, repeat: int) -> None:
        """Load a frame and light it as often as it is due."""
        e, sha256 = plan.exposures[j], plan.exposures[j].mask.sha256()
        frame = painted_frame(e.mask, self._job.engines[e.engine].orientation)
        frame.setflags(write=False)
        self._light_control.load(e.engine, frame, sha256, f"layer {plan.index}, exposure {j}")
        self._stage_control.shift(e)
        for r in range(repeat, e.repeat):
            self._light(e, (plan.index, j, r), sha256)

    def _light(self, e: Exposure, key: tuple[int, int, int], sha256: str) -> None:
        """Wait, light, wait."""
        self._light_control.plan(e, key, sha256)
        self._report("waiting", layer=key[0], exposure=key[1], repeat=key[2])
        self._stage_control.rest(e.wait_before_s)
        self._stage_control.position_um(f"layer {key[0]}, exposure {key[1]}")
        self._report("lit")
        delivered_s = self._light_control.show(e, key, sha256)
        self._report("waiting", exposures_done=self._status.exposures_done + 1, light_s=self._status.light_s + delivered_s)
        self._stage_control.rest(e.wait_after_s)

    def _next_layer(self, feed: LayerPrefetch) -> LayerPlan | None:
        """Take the next layer; where it is late stay dark, say so, and wait."""
        began_s, told = self._clock.now_s(), self._status.state == "ready"  # the first one has had no time yet
        while not feed.wait(LATE_S):
            self._check_cancelled()
            if not told and self._clock.now_s() - began_s >= LATE_S:
                told = True
                log.warning("the frames after layer %d are late; it stays dark until they come", self._status.layer)
                self._report("waiting", late=self._status.late + 1, message="a frame is late")
        return feed.next()

    def _between(self, k: int) -> None:
        """Between two layers: cancel, or pause."""
        self._check_cancelled()
        if self._go_on.is_set():
            return
        self._light_control.dark()
        self._report("paused", layer=k)
        patiently(self._go_on)
        self._check_cancelled()
        self._stage_control.position_um(f"layer {k}, after the pause")

    def _operator(self, pause: Pause, plan: LayerPlan) -> None:
        """Wait for the operator, dark, the plate lifted; meanwhile plate and picture may be moved by hand."""
        self._light_control.dark()
        self._stage_control.lift(plan)
        self._pauses.begin()
        self._light_control.log(Paused(utc=utc_now(), layer=pause.before_layer, message=pause.message))
        self._report("paused", layer=pause.before_layer, message=pause.message)
        self._pauses.wait(pause)
        self._check_cancelled()
        self._light_control.log(Confirmed(utc=utc_now(), layer=pause.before_layer))
        self._stage_control.let_go()
        self._stage_control.position_um(f"layer {plan.index}, after the pause")

    def _check_unseen(self, plan: LayerPlan) -> None:
        """Check a layer that was not looked at before the first light."""
        if any(e.mask_sha256 is not None for e in plan.exposures):
            raise UsageError(
                "verify=False is for jobs that were never written; a job on disk is verified as a whole before the first light"
            )
        refuse_problems(self._check.layer(plan))
        check_plan(self._job, plan, self._engines, self._stage_control.stage)

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    # --- telling ---------------------------------------------------------------------------------------------------

    def _checking(self, done: int, total: int) -> None:
        self._check_cancelled()
        self._report("checking", layer=done - 1)

    def _elapsed_s(self) -> float:
        return self._clock.now_s() - self._zero_s

    def _report(self, state: State, **changes: Any) -> None:
        """Make the next snapshot and hand it out."""
        changes = {"message": "", **changes}
        done = changes.get("layers_done", self._status.layers_done)
        if self._digests is not None and "layers_done" in changes:
            changes["left_s"] = float(self._digests.duration_s[done:].sum())
        self._status = replace(self._status, state=state, elapsed_s=self._elapsed_s(), **changes)
        if self._on_status is not None:
            self._on_status(self._status)
