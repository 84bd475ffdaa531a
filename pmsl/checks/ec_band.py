"""Whether findings hold for an Ec a tenth lower and a tenth higher, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from pmsl.checks.bodies import BodyCheck
from pmsl.cure import CureModel

BAND = 0.1  # of the threshold, to either side


def confirm(checks: Sequence[object], model: CureModel, show: Callable[[CureModel, Sequence[BodyCheck]], None]) -> None:
    """Let bodies be confirmed with Ec a tenth lower and higher; nothing is done where none began in mid-air.

    Parameters
    ----------
    checks : sequence of LayerCheck
        They have seen all layers.
    model : CureModel
    show : callable
        Shows all layers to checks, as a model cures them.
    """
    asking = [check for check in checks if isinstance(check, BodyCheck) and check.bodies()]
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
