"""What is registered of a finding code."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Code(NamedTuple):
    """What a code stands for.

    Attributes
    ----------
    severities : tuple of {"info", "warning", "error"}
        Those that findings of the code can have.
    meaning, remedy : str
        What it is and what to do, a sentence each.
    """

    severities: tuple[Severity, ...]
    meaning: str
    remedy: str
