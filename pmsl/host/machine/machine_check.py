"""Is a machine all that a host asks of it? Looked at before anything moves, so that nothing is missed in the middle of a print."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from pmsl.errors import HostError
from pmsl.host.protocol import LightEngine, Shifting, Stage

FACTS: dict[Any, tuple[str, ...]] = {
    LightEngine: ("shape", "wavelength_nm", "levels", "max_exposure_s", "max_power"),
    Stage: ("travel_um", "step_um", "homed", "position_um"),
    Shifting: (),
}
METHODS: dict[Any, tuple[Callable[..., object], ...]] = {
    LightEngine: (LightEngine.load, LightEngine.expose, LightEngine.dark),
    Stage: (Stage.move, Stage.stop),
    Shifting: (Shifting.shift,),
}


def problems_of(one: object, kind: type) -> str:
    """Say what an object lacks to be a `LightEngine`, a `Stage` or `Shifting`; nothing where it is one.

    Parameters
    ----------
    one : object
    kind : type
        One of these protocols.

    Raises
    ------
    HostError
        Something of it cannot be asked for.
    """
    missing, wrong = [], []
    for name in (*FACTS[kind], *(method.__name__ for method in METHODS[kind])):
        if not _has(one, name):
            missing.append(name)
    for method in METHODS[kind]:
        if method.__name__ not in missing and (problem := _problem_of(getattr(one, method.__name__), method)):
            wrong.append(problem)
    return "; ".join(([f"has no {', '.join(missing)}"] if missing else []) + wrong)


def check_machine_parts(engines: Sequence[LightEngine], stage: Stage) -> None:
    """Refuse engines or a stage that lack something, or whose methods do not take what they are given; raises `HostError`."""
    for i, engine in enumerate(engines):
        _refuse(f"engine {i}", problems_of(engine, LightEngine))
    _refuse("the stage", problems_of(stage, Stage))
    if isinstance(stage, Shifting):
        _refuse("the stage", problems_of(stage, Shifting))


def _refuse(what: str, problem: str) -> None:
    if problem:
        raise HostError(f"{what} {problem}; see pmsl.host.LightEngine and Stage")


def _has(one: object, name: str) -> bool:
    try:
        getattr(one, name)
    except AttributeError:
        return False
    except Exception as err:
        raise HostError(f"{name} cannot be asked for ({type(err).__name__}: {err}); look at its supply and cables") from err
    return True


def _problem_of(method: object, wanted: Callable[..., object]) -> str:
    """Say why something cannot be called as a method of a protocol is; nothing where it can, or where it does not tell what it takes."""
    name, names = wanted.__name__, list(inspect.signature(wanted).parameters)[1:]
    call = f"{name}({', '.join(names)})"
    if not callable(method):
        return f"has {name} = {method!r}, which cannot be called; expected {call}"
    try:
        taken = inspect.signature(method)
    except (TypeError, ValueError):  # of a C library
        return ""
    try:
        taken.bind(*names)
    except TypeError:
        return f"has {name}{taken}, which cannot be called as {call}"
    return ""
