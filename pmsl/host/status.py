"""What a host tells about a print while it plays: frozen snapshots, safe to keep and to hand to other threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from pmsl.core.finding import Finding

State = Literal["ready", "checking", "moving", "waiting", "lit", "layer done", "paused", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A print at one moment.

    Attributes
    ----------
    state : str
        ready        nothing has begun
        checking     hashes, limits and machine are held against the job; `layer` counts them
        moving       the plate is on its way, or rests
        waiting      dark: a frame is late, or a wait of the exposure runs
        lit          an exposure runs
        layer done   all exposures of `layer` are done
        paused       dark, between two layers; at a pause of the job `message` is what the operator is asked for
        done, cancelled, failed   dark, for good
    layer, exposure, repeat : int
        What it is about.
    n_layers : int
    layers_done : int
        Layers of the job that are complete, those of an earlier run included.
    exposures_done : int
        Lights of this run, repeats counted.
    light_s : float
        Delivered in this run [s].
    late : int
        How often a frame was not there in time.
    elapsed_s : float
        Time since the run began [s].
    left_s : float or None
        What the layers that are left take; None where they were not looked at before.
    findings : tuple of Finding
    message : str
        Why it failed or waits, or what a pause is for.
    """

    state: State = "ready"
    layer: int = 0
    exposure: int = 0
    repeat: int = 0
    n_layers: int = 0
    layers_done: int = 0
    exposures_done: int = 0
    light_s: float = 0.0
    late: int = 0
    elapsed_s: float = 0.0
    left_s: float | None = None
    findings: tuple[Finding, ...] = ()
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as a plain dict, ready for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain
