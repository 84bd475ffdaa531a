"""The pauses of a record: each said before it was waited for, and over before what comes after it was lit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pmsl.errors import JobError
from pmsl.host.record.play_log_lines import Confirmed, Line, Paused, Run
from pmsl.job.pauses import Pause


def check_pauses(order: Iterable[tuple[int, Line]], pauses: Sequence[Pause], path: Path) -> None:
    """Refuse a record whose pauses are not those of the job, or were left out.

    Parameters
    ----------
    order : iterable of (int, Line)
        All lines with their numbers.
    pauses : sequence of Pause
        Of the job.
    path : Path
        For messages.

    Raises
    ------
    JobError
        A pause that the job does not have, one that ends before it began, light with a pause before it that was never over.
    """
    messages = {pause.before_layer: pause.message for pause in pauses}
    waiting: int | None = None
    over: set[int] = set()
    for n, line in order:
        sound = True
        if isinstance(line, Run):
            waiting = None
        elif isinstance(line, Paused):
            sound, waiting = waiting is None and messages.get(line.layer) == line.message and line.layer not in over, line.layer
        elif isinstance(line, Confirmed):
            sound, waiting = waiting == line.layer, None
            over.add(line.layer)
        else:
            sound = waiting is None and all(k in over for k in messages if k <= line.layer)
        if not sound:
            raise JobError(
                f"{path}, line {n}: is not how a print of this job pauses; lines are missing or were changed, do not print on from it"
            )
