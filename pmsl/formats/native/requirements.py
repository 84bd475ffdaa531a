"""What job.json asks of a host beside light and motion: held against what it says it requires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from pmsl.errors import JobError
from pmsl.formats.native.job_json import Document, LayerDoc
from pmsl.job.pauses import PAUSE, pause_problems
from pmsl.job.print_job import FLAT_FIELD_BY_HOST
from pmsl.job.techniques import DRAWN, FILM, FLAT_FIELD_BY_EXPOSURE, RELIFT, SQUEEZE, VACUUM, Squeeze

T = TypeVar("T")


def present(value: T | msgspec.UnsetType) -> T | None:
    """Return a value, None where its key is not there."""
    return None if value is msgspec.UNSET else value


def check_asked(doc: Document, where: str) -> None:
    """Refuse a job that asks for what it does not require: a host looks at what a job requires.

    Raises
    ------
    JobError
        With the first layer where it is so.
    """
    used = {} if doc.vacuum is msgspec.UNSET else {VACUUM: "the job"}
    pauses = present(doc.pauses) or []
    for problem in pause_problems(pauses, len(doc.layers)):
        raise JobError(f"{where}: pauses: {problem}; the job is damaged")
    if pauses:
        used[PAUSE] = f"the pause before layer {pauses[0].before_layer}"
    elif PAUSE in doc.requires:
        raise JobError(f"{where}: the job requires {PAUSE} and has no pauses; it is damaged")
    for k, layer in enumerate(doc.layers):
        for ability in _of_layer(layer):
            used.setdefault(ability, f"layer {k}")
    for ability, place in used.items():
        if ability not in doc.requires:
            raise JobError(f"{where}: {place} asks for {ability}, which the job does not require; it is damaged")
    shown = next((k for k, layer in enumerate(doc.layers) if any(e.drawing is msgspec.UNSET for e in layer.exposures)), None)
    if DRAWN in doc.requires and (shown is not None or doc.printer.laser is msgspec.UNSET):
        what = "its printer has no laser" if shown is None else f"layer {shown} shows a picture"
        raise JobError(f"{where}: the job requires {DRAWN}, and {what}; it is damaged")
    if FLAT_FIELD_BY_EXPOSURE in doc.requires and FLAT_FIELD_BY_HOST not in doc.requires:
        raise JobError(f"{where}: the job requires {FLAT_FIELD_BY_EXPOSURE} without {FLAT_FIELD_BY_HOST}; it is damaged")


def _of_layer(layer: LayerDoc) -> Iterator[str]:
    """Yield the abilities that a layer asks for."""
    if layer.squeeze is not msgspec.UNSET:
        yield SQUEEZE
    for relift in (layer.relift_after, *(e.relift for e in layer.exposures)):
        if relift is not msgspec.UNSET:
            yield RELIFT
            if any(isinstance(lift.squeeze, Squeeze) for lift in relift.lifts):
                yield SQUEEZE
    for e in layer.exposures:
        if e.film_lift_um is not msgspec.UNSET:
            yield FILM
        if e.flat_field_by_host is not msgspec.UNSET:
            yield FLAT_FIELD_BY_EXPOSURE
        if e.drawing is not msgspec.UNSET:
            yield DRAWN
