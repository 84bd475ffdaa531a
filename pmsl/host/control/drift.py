"""Is the light what was asked for: its time, and its power where the engine reports what its own sensor sees?"""

from __future__ import annotations

from pmsl.core.finding import Finding
from pmsl.errors import HostError
from pmsl.host.machine.capabilities import sensed_power
from pmsl.host.machine.compatibility import number_of
from pmsl.host.protocol import LightEngine

SLACK_S, SLACK_SHARE = 0.005, 0.01  # what a delivered time may differ from the asked one, s and share: timers of devices count frames
DRIFT, MOST_DRIFT = 0.02, 0.1  # share of the asked power: from where on it is a finding, and beyond which the print ends


def whole(delivered_s: float, asked_s: float) -> bool:
    """Tell whether a delivered time is the asked one, as far as a device's timer can tell."""
    return abs(delivered_s - asked_s) <= SLACK_S + SLACK_SHARE * asked_s


def reports_power(engine: LightEngine) -> bool:
    """Tell whether an engine reports its power at all."""
    try:
        return sensed_power(engine) is not None
    except Exception:  # it has a sensor, which does not answer now
        return True


def measured_power(engine: LightEngine, where: str) -> float | None:
    """Return the light setting that an engine's sensor saw during its last exposure; None where it has none.

    Raises
    ------
    HostError
        It cannot be asked for, or is no finite number.
    """
    try:
        value = sensed_power(engine)
    except Exception as err:
        raise HostError(f"{where}: the engine does not say how bright it was ({type(err).__name__}: {err})") from err
    return None if value is None else number_of(value, f"{where}: measured_power of the engine")


def drift(measured: float, asked: float) -> float:
    """Return how far a measured power is from the asked one, as a share of it; negative where it is weaker."""
    return measured / asked - 1.0


def drift_finding(k: int, share: float) -> Finding:
    """Return the finding of a layer whose light was off by `share` at most."""
    text = (
        f"the lamp gave {100 * (1 + share):.1f} % of the light it was asked for, and so the layer of its dose (a print ends beyond "
        f"{100 * MOST_DRIFT:g} % of drift); let it warm up, calibrate or replace it"
    )
    return Finding(code="lamp-drift", severity="warning", message=text, layers=(k, k), value=abs(share), limit=DRIFT)
