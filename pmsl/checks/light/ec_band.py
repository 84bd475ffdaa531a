"""Whether findings hold for an Ec a tenth lower and a tenth higher, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from pmsl.cure import CureModel

BAND = 0.1  # of the threshold, to either side


@runtime_checkable
class EcBandCheck(Protocol):
    """A check by dose whose findings have to hold for other Ec, too."""

    def add(self, layer: Any) -> None:
        """Look at the next layer from the plate up."""

    def findings(self) -> list[Any]:
        """Return what was found."""

    def doubtful(self) -> bool:
        """Tell whether it matters what another Ec makes of it."""

    def again(self) -> EcBandCheck:
        """Return a check like this one that has seen no layer."""

    def confirm(self, others: Sequence[Any]) -> None:
        """Leave out what checks do not find that have seen all layers with a lower Ec and with a higher one."""


def confirm(checks: Sequence[object], model: CureModel, show: Callable[[CureModel, Sequence[EcBandCheck]], None]) -> None:
    """Let findings be confirmed with Ec a tenth lower and higher; nothing is done where none is doubtful.

    Parameters
    ----------
    checks : sequence of LayerCheck
        They have seen all layers.
    model : CureModel
    show : callable
        Shows all layers to checks, as a model cures them.
    """
    asking = [check for check in checks if isinstance(check, EcBandCheck) and check.doubtful()]
    if not asking:
        return
    bands = []
    for share in (1.0 - BAND, 1.0 + BAND):
        ec = model.ec_mj_cm2 + (share - 1.0) * model.threshold_mj_cm2
        again = [check.again() for check in asking]
        show(msgspec.structs.replace(model, ec_mj_cm2=ec), again)
        bands.append(again)
    for i, check in enumerate(asking):
        check.confirm([again[i] for again in bands])
