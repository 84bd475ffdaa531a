"""Pauses of a print: before which layers the operator is waited for, and what for, as a change of resin or a part that is laid in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from msgspec import Meta

from pmsl.profiles.tables.strict_struct import Strict

PAUSE = "operator-pause"  # in `requires`: the host stops before some layers, and goes on when the operator says so
MOST_TEXT = 500


class Pause(Strict, frozen=True, kw_only=True):
    """Before a layer's move the plate is lifted, and it stays dark until the operator says that `message` is done.

    Attributes
    ----------
    before_layer : int
    message : str
        What is to be done; one line of at most 500 characters.
    """

    before_layer: Annotated[int, Meta(ge=0)]
    message: str

    def __post_init__(self) -> None:
        if not isinstance(self.before_layer, int):
            raise ValueError(f"a pause before layer {self.before_layer!r}: expected the number of a layer")
        if (reason := message_problem(self.message)) is not None:
            raise ValueError(f"the message of the pause before layer {self.before_layer} {reason}")


def message_problem(message: str) -> str | None:
    """Return why an operator cannot be told so; None where it can."""
    if isinstance(message, str) and message.strip() and len(message) <= MOST_TEXT and message.isprintable():
        return None
    shown = message[:40] if isinstance(message, str) else message
    return f"is {shown!r}; expected one line of 1 to {MOST_TEXT} characters that can be printed"


def pause_problems(pauses: Sequence[Pause], n_layers: int) -> Iterator[str]:
    """Yield where pauses are not before a layer of a job of so many, or not one after the other."""
    before = -1
    for pause in pauses:
        if not 0 <= pause.before_layer < n_layers:
            yield f"the pause {pause.message!r} is before layer {pause.before_layer}; the job has layers 0..{n_layers - 1}"
        elif pause.before_layer == before:
            yield f"two pauses are before layer {before}; give one, with both messages"
        elif pause.before_layer < before:
            yield f"the pause before layer {pause.before_layer} comes after the one before layer {before}; expected from the plate up"
        before = pause.before_layer


def without_pauses(pauses: Sequence[Pause]) -> str:
    """Return what is to be said of a print time: that pauses are not in it; nothing where there are none."""
    return "" if not pauses else f", without {len(pauses)} pause{'s' if len(pauses) > 1 else ''}"
