"""How a job is played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pmsl.host.exposure_iterator import AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a job is played.

    Attributes
    ----------
    start : int, optional
        Layer to begin with (default: the first, or where the record ends).
    record : Path, optional
        played.jsonl to write (`pmsl.host.record.play_log`).
    resume : bool
        Go on from the record: an exposure that was lit is not lit again, and where it is not sure that it was, `relight`, `skip` or
        `again` has to say what becomes of it.
    again : bool
        What was lit may be lit again.
    relight, skip : int, optional
        Layer whose light in doubt is given again, or left as it is.
    prefetch : int
        How many layers are made ahead.
    verify : bool
        Look at every layer before the first light. False is only for a job that was never written: it is then sliced
        while it prints, each layer checked before its own light.
    accept_uncalibrated : bool
        Play a job whose doses rest on placeholders on a real engine.
    threads : int, optional
        Layers looked at at a time before the print (default: one a processor).
    """

    start: int | None = None
    record: Path | None = None
    resume: bool = False
    again: bool = False
    relight: int | None = None
    skip: int | None = None
    prefetch: int = AHEAD
    verify: bool = True
    accept_uncalibrated: bool = False
    threads: int | None = None
