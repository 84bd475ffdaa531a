"""Where a print begins: at its first layer, at one that was named, or where its record ends."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from pmsl.core.finding import Finding
from pmsl.core.job import PrintJob
from pmsl.errors import HostError, OutputError, UsageError
from pmsl.host.digests import Digests
from pmsl.host.lamp import whole
from pmsl.host.record import Done, Key, Lit, Played, Record, check_new, fits, read_record, run_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first light of a run, its record, and what there is to say about both."""

    layer: int
    exposure: int = 0
    repeat: int = 0
    record: Record | None = None
    findings: tuple[Finding, ...] = ()


def begin(job: PrintJob, digests: Digests | None, start: int | None, record: Path | None, resume: bool, again: bool) -> Start:
    """Find the first light of a run, and open its record.

    Parameters
    ----------
    job : PrintJob
    digests : Digests, optional
        Of the whole job, where it was looked at.
    start : int, optional
        Layer to begin with.
    record : Path, optional
    resume : bool
        Go on from the record.
    again : bool
        What was lit may be lit again.

    Raises
    ------
    UsageError
        No such layer; a record that exists without `resume`; `resume` or `again` without a record.
    HostError
        Something at or above `start` was lit already; a record of another job.
    JobError, OutputError
        A record that cannot be read, or not be written.
    """
    if start is not None and not 0 <= start < job.n_layers:
        raise UsageError(f"start is layer {start}; the job has layers 0..{job.n_layers - 1}")
    if resume and record is None:
        raise UsageError("resume needs the record of the print that is to go on")
    if again and not resume:
        raise UsageError("again is about what a record says was lit; it goes with resume")
    if record is None:
        return Start(layer=start or 0)
    kept = None
    if not resume:
        check_new(record)
        begun = Start(layer=start or 0)
    else:
        played = read_record(record)
        fits(played, job, digests, record)
        begun, kept = _where(job, played, start, again), played.whole_bytes
    opened = Record(record, kept)
    try:
        opened.add(run_of(job, digests, begun.layer))
    except BaseException:
        with contextlib.suppress(OutputError):
            opened.close()
        raise
    return Start(layer=begun.layer, exposure=begun.exposure, repeat=begun.repeat, record=opened, findings=begun.findings)


def _where(job: PrintJob, played: Played, start: int | None, again: bool) -> Start:
    """Find the first light that is due after what was played."""

    def count(k: int, j: int) -> int:
        exposures = job[k].exposures
        return exposures[j].repeat if j < len(exposures) else 0

    last = played.last
    uncertain = isinstance(last, Lit) or (isinstance(last, Done) and not whole(last.delivered_s, last.time_s))
    if start is None:
        if last is not None and uncertain and again:
            k, j, r = last.key
            return Start(layer=k, exposure=j, repeat=r)
        k, j, r = played.next_key(count)
        if not again:
            _refuse_lit(played, (k, j, r), "the print would go on at")
        return Start(layer=k, exposure=j, repeat=r, findings=(_cut_off(last.key),) if last is not None and uncertain else ())
    if not again:
        _refuse_lit(played, (start, 0, 0), "start is")
    due = played.next_key(count)[0]
    return Start(layer=start, findings=(_skipped(due, start),) if start > due else ())


def _refuse_lit(played: Played, first: Key, what: str) -> None:
    """Refuse to begin at a light where it, or one after it, was lit before: in a run that was begun again at an earlier layer, too."""
    lit = [key for key in played.lit if key >= first]
    if lit:
        k, j, _ = min(lit)
        raise HostError(
            f"{what} layer {first[0]}, but layer {k}, exposure {j} was lit already, according to the record; it is not lit again "
            "unless told (again=True, --again)"
        )


def _cut_off(key: Key) -> Finding:
    text = f"exposure {key[1]} was cut off while it was lit: how much light it gave is not sure, and it is not lit again"
    return Finding(code="exposure-cut-off", severity="warning", message=text, layers=(key[0], key[0]))


def _skipped(due: int, start: int) -> Finding:
    text = "layers that the record does not hold are left out, as asked for"
    return Finding(code="layers-skipped", severity="warning", message=text, layers=(due, start - 1))
