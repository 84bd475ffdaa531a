"""Where a print begins: at its first layer, at one that was named, or where its record ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path

from pmsl.core.finding import Finding
from pmsl.errors import HostError, OutputError, UsageError
from pmsl.host.play_options import Options
from pmsl.host.record.mask_hashes import Digests
from pmsl.host.record.play_log import Played, PlayLog, after, check_new, fits, read_record, run_of
from pmsl.host.record.play_log_lines import Done, ExposureKey
from pmsl.job.print_job import PrintJob

Count = Callable[[int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first light of a run, its record, what there is to say about both, and which pauses (by layer) are over already."""

    layer: int
    exposure: int = 0
    repeat: int = 0
    record: PlayLog | None = None
    findings: tuple[Finding, ...] = ()
    confirmed: frozenset[int] = frozenset()


def begin(job: PrintJob, digests: Digests | None, options: Options, reports_power: bool = False) -> Start:
    """Find the first light of a run, and open its record.

    Parameters
    ----------
    job : PrintJob
    digests : Digests, optional
        Of the whole job, where it was looked at.
    options : Options
        Their start, record, resume, again, relight and skip count here.
    reports_power : bool
        An engine reports its power: the record will have it.

    Raises
    ------
    UsageError
        A record that exists without `resume`; options that do not go together.
    HostError
        No such layer; something at or above `start` was lit already; a light in doubt that nothing was decided about; a record of another
        job, or one that another host plays on.
    JobError, OutputError
        A record that cannot be read, is empty or damaged, or cannot be written.
    """
    _check_options(options, job.n_layers)
    count = _counting(job, digests)
    if options.record is None:
        return _from(options.start or 0, count)
    if options.resume:
        read_record(options.record)  # says what is wrong with it
    else:
        check_new(options.record)
    opened = PlayLog(options.record, new=not options.resume)
    try:
        begun = _resumed(job, digests, count, options, options.record, opened) if options.resume else _from(options.start or 0, count)
        opened.add(run_of(job, digests, begun.layer, options.relight, options.skip, reports_power))
    except BaseException:
        with contextlib.suppress(OutputError):
            opened.close()
        raise
    return replace(begun, record=opened)


def _check_options(options: Options, n_layers: int) -> None:
    """Refuse layers that are not there and options that do not go together."""
    for name in ("start", "relight", "skip"):
        k = getattr(options, name)
        if k is not None and not 0 <= k < n_layers:
            raise HostError(f"{name} is layer {k}; the job has layers 0..{n_layers - 1}")
    if options.resume and options.record is None:
        raise UsageError("resume needs the record of the print that is to go on")
    given = [*["again"] * options.again, *(name for name in ("relight", "skip") if getattr(options, name) is not None)]
    if given and not options.resume:
        raise UsageError(f"{given[0]} is about what a record says was lit; it goes with resume")
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} say different things about the light in doubt; give one of them")
    if options.relight is not None and options.start is not None:
        raise UsageError("relight says where the print goes on, and so does start; give one of the two")


def _counting(job: PrintJob, digests: Digests | None) -> Count:
    """Return what tells how often exposure j of layer k is shown, 0 where there is none."""
    if digests is not None:
        return digests.repeats

    @cache
    def repeats_of(k: int) -> tuple[int, ...]:
        return tuple(e.repeat for e in job.bare(k).exposures)

    return lambda k, j: repeats_of(k)[j] if j < len(repeats_of(k)) else 0


def _from(k: int, count: Count) -> Start:
    """Begin a print at a layer; those before it stay dark."""
    return Start(layer=k, findings=tuple(_dark([i for i in range(k) if count(i, 0)], "layers below the one to start with")))


def _resumed(job: PrintJob, digests: Digests | None, count: Count, options: Options, path: Path, opened: PlayLog) -> Start:
    """Find the first light after what a record tells, which nobody else writes any more."""
    played = read_record(path)
    fits(played, job, digests, count, path)
    begun = _where(played, options, count)
    opened.keep(played.whole_bytes)
    first, below = (begun.layer, begun.exposure, begun.repeat), range(min(begun.layer + 1, job.n_layers))
    unlit = [k for k in below if any((k, j, r) < first and (k, j, r) not in played.lit for j, r in _lights(k, count))]
    left = {key for key in played.doubt if key < first}
    found = (*map(_cut_off, sorted(left)), *_dark(unlit, "layers that the record does not hold, or not wholly,"))
    return replace(begun, findings=found, confirmed=frozenset(played.confirmed))


def _lights(k: int, count: Count) -> list[tuple[int, int]]:
    """Return exposure and repeat of every light of a layer, in order."""
    out, j = list[tuple[int, int]](), 0
    while count(k, j):
        out += [(j, r) for r in range(count(k, j))]
        j += 1
    return out


def _where(played: Played, options: Options, count: Count) -> Start:
    """Find the first light that is due after what was played."""
    due = played.next_key(count)
    doubtful = None if played.last is None or played.last.key not in played.doubt else played.last.key
    if options.start is not None and not options.again:
        _refuse_lit(played, (options.start, 0, 0), "start is")
    decided = doubtful is not None and (options.again or doubtful in played.skipped or doubtful[0] in (options.relight, options.skip))
    for name in ("relight", "skip"):
        k = getattr(options, name)
        if k is not None and (doubtful is None or doubtful[0] != k):
            doubt = "no light is in doubt" if doubtful is None else f"the light in doubt is one of layer {doubtful[0]}"
            raise HostError(f"{name} is layer {k}, but {doubt}, according to the record; leave it out, or name that layer")
    if doubtful is not None and not decided:
        raise HostError(_choice(doubtful, played))
    if options.start is not None:
        return Start(layer=options.start)
    first = due
    if doubtful is not None:
        first = doubtful if options.again or options.relight is not None else due if due != doubtful else after(doubtful, count)
    if not options.again:
        _refuse_lit(played, first, "the print would go on at", doubtful if options.relight is not None else None)
    k, j, r = first
    return Start(layer=k, exposure=j, repeat=r)


def _choice(key: ExposureKey, played: Played) -> str:
    """Say which light is in doubt, why, and what can be done about it."""
    k, j, r = key
    line = played.doubt[key]
    given_s = line.delivered_s if isinstance(line, Done) else None
    how = "may have got no light" if given_s is None else f"got {given_s:g} s of {line.time_s:g} s of light, or light of another power"
    return (
        f"layer {k}, exposure {j}, repeat {r}: {how}: the print ended there; look at the part, then go on with relight={k} "
        f"(--relight {k}: light it again), or with skip={k} (--skip {k}: leave it as it is)"
    )


def _refuse_lit(played: Played, first: ExposureKey, what: str, but: ExposureKey | None = None) -> None:
    """Refuse to begin at a light where it, or one after it, was lit before: in a run that was begun again at an earlier layer, too."""
    lit = [key for key in played.lit if key >= first and key != but]
    if lit:
        k, j, _ = min(lit)
        raise HostError(
            f"{what} layer {first[0]}, but layer {k}, exposure {j} was lit already, according to the record; it is not lit again "
            "unless told (again=True, --again)"
        )


def _cut_off(key: ExposureKey) -> Finding:
    text = f"exposure {key[1]} was cut off while it was lit: how much light it gave is not sure, and it is not lit again"
    return Finding(code="exposure-cut-off", severity="warning", message=text, layers=(key[0], key[0]))


def _dark(layers: list[int], what: str) -> list[Finding]:
    """Return one finding for each row of neighbouring layers that got no light, or not all of it; `what` they are."""
    out = []
    for _, group in groupby(enumerate(layers), lambda pair: pair[1] - pair[0]):
        row = [k for _, k in group]
        text = f"{what} are left out, as asked for: this print gives them no light"
        out.append(Finding(code="layers-skipped", severity="warning", message=text, layers=(row[0], row[-1])))
    return out
