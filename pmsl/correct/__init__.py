"""Window of layers → what each layer is to receive: side walls and faces that land, doses of regions, an even field.

`Corrector` solves side walls and faces together, once; `regions` and `unreachable` look at doses and grays, `flatfield` comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsl.correct.corrector import CORRECTIONS, Corrector
    from pmsl.correct.predicted import Prediction

__all__ = ["CORRECTIONS", "Corrector", "Prediction"]


def __getattr__(name: str) -> Any:
    if name in ("CORRECTIONS", "Corrector"):
        from pmsl.correct import corrector

        return getattr(corrector, name)
    if name == "Prediction":
        from pmsl.correct.predicted import Prediction

        return Prediction
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
