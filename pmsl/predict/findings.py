"""What a prediction says → findings with place, value, limit and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.cure.model import FLUSH_SHARE
from pmsl.job.print_job import PrintJob
from pmsl.predict.measure.weighted_quantiles import CentredHistogram
from pmsl.predict.remedies import Remedies

MOST = 20  # findings of one kind; the last says how many more there are
WALL_PX = 0.25  # of a pixel: walls further off
FACE_LAYERS = 0.5  # of a layer: faces further off
LOST_SHARE = 0.01  # of the places along the walls: so many tips are rounded off anyway
MOSTLY = 0.5  # of a box of what is lost
Box = tuple[tuple[float, ...], tuple[float, ...]]


class LowDose(NamedTuple):
    """A region or a part that gets less than the ordinary dose: what it is called, its factor, its box [µm]."""

    name: str
    scale: float
    box_um: Box

    @property
    def remedy(self) -> str:
        """What would give it more."""
        has = "no dose" if self.scale == 0 else f"{self.scale:g} × the dose"
        return f"{self.name} has {has}: raise its dose_scale"


def low_doses(job: PrintJob) -> tuple[LowDose, ...]:
    """Return the regions and parts of a job that get less than the ordinary dose, those with the least first."""
    drawn = [LowDose(f"region {r.label}", 1.0 if r.dose_scale is None else r.dose_scale, r.bounds_um) for r in job.regions]
    parts = [LowDose(f"part {p.label}", p.dose_scale, p.bounds_um) for p in job.parts]
    return tuple(sorted((low for low in (*drawn, *parts) if low.scale < 1), key=lambda low: low.scale))


def of_lost(lost: list[dict[str, Any]], grid: Grid, remedies: Remedies, low: Sequence[LowDose] = ()) -> Iterator[Finding]:
    """Say what is not made: by the optics, or for want of dose where a region or a part has less."""
    pitch, layer = float(grid.pitch_um.min()), float(grid.thickness_um.min())
    for f in lost[:MOST]:
        void, flat = f["kind"] in ("gap", "hole"), f["kind"] == "membrane"
        limit = layer if flat else pitch
        what = "is filled" if void else "is not printed"
        remedy = (remedies.wide if void else remedies.thin).format(least=max(2.0 * limit, f["size_um"]))
        if not void and (weak := _weak_at(f["box_um"], low)) is not None:
            remedy = f"{weak.remedy}, or leave that place off the part"
        yield Finding(
            code="lost-feature",
            severity="warning",
            message=f"a {f['kind']} about {f['size_um']:.3g} µm {'thick' if not void else 'wide'} {what}{_at(f['box_um'])}: {remedy}",
            layers=_pair(f["layers"]),
            box_um=_box(f["box_um"]),
            value=float(f["size_um"]),
            limit=limit,
            unit="µm",
        )
    yield from _more("lost-feature", "warning", "features that are not made", lost)


def of_openings(openings: list[dict[str, Any]], grid: Grid, remedies: Remedies, flush_share: float = FLUSH_SHARE) -> Iterator[Finding]:
    """Say which channels are sealed, blocked, or cannot be flushed: filled with what has that share of the dose that cures."""
    for code, severity, what, concerned, say in _KINDS:
        some = [o for o in openings if concerned(o)]
        for o in some[:MOST]:
            message, value, limit, unit = say(o, remedies, flush_share)
            low, high = o["box_um"][0][2], o["box_um"][1][2]
            yield Finding(
                code=code,
                severity=severity,
                message=message,
                layers=(grid.layer_of(low), grid.layer_of(np.nextafter(high, low))),
                box_um=_box(o["box_um"]),
                value=value,
                limit=limit,
                unit=unit,
            )
        yield from _more(code, severity, what, some)


def _trap(o: dict[str, Any], remedies: Remedies, flush_share: float) -> tuple[str, float, float, str]:
    sealed = "is closed on all sides" if o["ports"] == 0 else "has no way out of the print"
    volume = o["trapped_um3"]
    return (
        f"{volume * 1e-9:.4g} mm³ of resin stay inside a void that {sealed}{_at(o['box_um'])}: give it two openings wide enough to print",
        float(volume),
        0.0,
        "µm³",
    )


def _blocked(o: dict[str, Any], remedies: Remedies, flush_share: float) -> tuple[str, float, float, str]:
    x, y = o["at_um"]
    return (
        f"a channel designed {_size(o['design_um'])} µm is filled at x {x:.6g}, y {y:.6g} µm: make it higher or wider{remedies.filled}",
        float(min(o["printed_um"].values())),
        float(min(o["design_um"].values())),
        "µm",
    )


def _clogged(o: dict[str, Any], remedies: Remedies, flush_share: float) -> tuple[str, float, float, str]:
    return (
        f"a channel designed {_size(o['design_um'])} µm is open but gelled (above {_share(flush_share)} of Ec) all through at its narrowest"
        f"{_at(o['box_um'])}: make it larger{remedies.gelled}",
        float(min(o["flushable_um"].values())),
        float(min(o["printed_um"].values())),
        "µm",
    )


def _share(flush_share: float) -> str:
    return "half" if flush_share == FLUSH_SHARE else f"{flush_share:g}"


def _on_plate(o: dict[str, Any], remedies: Remedies, flush_share: float) -> tuple[str, float, float, str]:
    return f"a void is open only toward the plate{_at(o['box_um'])}: it drains when the part is taken off", 0.0, 1.0, "openings"


def _dead_end(o: dict[str, Any], remedies: Remedies, flush_share: float) -> tuple[str, float, float, str]:
    return (
        f"a channel has one opening only{_at(o['box_um'])}: it cannot be flushed; give it a second one",
        float(o["ports"]),
        2.0,
        "openings",
    )


_KINDS: tuple[tuple[Any, ...], ...] = (
    ("resin-trap", "warning", "voids that keep resin", lambda o: o["trapped_um3"] > 0 and not _drains(o), _trap),
    ("blocked-channel", "warning", "blocked channels", lambda o: o["blocked"] and not o["state"].startswith("sealed"), _blocked),
    (
        "clogged-channel",
        "warning",
        "channels that do not flush",
        lambda o: o["flush_blocked"] and not o["blocked"] and o["ports"] > 0,
        _clogged,
    ),
    ("sealed-on-plate", "info", "voids open only toward the plate", lambda o: _drains(o), _on_plate),
    ("dead-end", "info", "channels with one opening", lambda o: o["ports"] == 1 and not o["on_plate"], _dead_end),
)


def _drains(o: dict[str, Any]) -> bool:
    return bool(o["state"] == "sealed by the plate")


def of_errors(
    walls: dict[str, Any],
    faces: dict[str, dict[str, Any]],
    tallies: dict[str, CentredHistogram],
    pitch_um: float,
    layer_um: float,
    box: Box,
    layers: tuple[int, int],
    remedies: Remedies,
    low: Sequence[LowDose] = (),
) -> Iterator[Finding]:
    """Say where walls and faces land too far out or in: more than a quarter of a pixel, half a layer; which of the two most of them do.

    Parameters
    ----------
    walls, faces : dict
        `Prediction.epe_um`, `Prediction.z_error_um`.
    tallies : dict of str to CentredHistogram
        Of ``"wall"``, and of faces that look ``"down"`` and ``"up"``: their errors.
    pitch_um, layer_um : float
    box : ((x, y, z), (x, y, z))
        Of the design [µm].
    layers : (int, int)
    remedies : Remedies
    low : sequence of LowDose
    """
    yield from _walls_lost(walls, box, layers, low)
    rows = [("wall", "walls", walls, tallies["wall"], WALL_PX * pitch_um, 1.0, remedies.wall)]
    rows += [
        ("face", f"faces looking {side}", faces[name], tallies[name], FACE_LAYERS * layer_um, sign, remedy)
        for name, side, sign, remedy in (
            ("down", "at the plate", -1.0, remedies.down),
            ("up", "at the light", 1.0, remedies.up),
        )
    ]
    for short, name, found, tally, limit, sign, remedy in rows:
        if found["median"] is None or found["p95_abs"] <= limit:
            continue
        over = sign * tally.lean(limit) >= 0
        advice = f"{low[0].remedy}, or {remedy}" if low and not over else remedy
        yield Finding(
            code=f"{short}-{'overcure' if over else 'undercure'}",
            severity="warning",
            message=f"{name} stand {found['median']:+.3g} µm off in the median, 95 % within {found['p95_abs']:.3g} µm, "
            f"{'too much' if over else 'too little'} is cured: {advice}",
            layers=layers,
            box_um=box,
            value=float(found["p95_abs"]),
            limit=limit,
            unit="µm",
        )


def _walls_lost(walls: dict[str, Any], box: Box, layers: tuple[int, int], low: Sequence[LowDose]) -> Iterator[Finding]:
    """Say that nothing solid is printed near places along the walls."""
    if walls["lost"] <= LOST_SHARE * walls["probes"]:
        return
    remedy = f"{low[0].remedy}, or make them thicker" if low else "make them thicker, or give them more light"
    yield Finding(
        code="walls-lost",
        severity="warning",
        message=f"of {walls['probes']} places along the walls {walls['lost']} have nothing solid near them, and no part in the errors of "
        f"walls: {remedy}",
        layers=layers,
        box_um=box,
        value=float(walls["lost"]),
        limit=LOST_SHARE * walls["probes"],
        unit="places",
    )


def _weak_at(box_um: Any, low: Sequence[LowDose]) -> LowDose | None:
    """Return what gets less dose in most of a box, that with the least; None where nothing does."""
    corners = np.asarray(box_um, dtype=np.float64)
    size = float(np.prod(corners[1] - corners[0]))
    for weak in low:
        own = np.asarray(weak.box_um, dtype=np.float64)
        common = np.minimum(corners[1], own[1]) - np.maximum(corners[0], own[0])
        if (common > 0).all() and float(np.prod(common)) >= MOSTLY * size:
            return weak
    return None


def _more(code: str, severity: Any, what: str, items: list[dict[str, Any]]) -> Iterator[Finding]:
    """Say how many more there are than `MOST`, and between what corners."""
    rest = items[MOST:]
    if rest:
        corners = np.array([item["box_um"] for item in rest])
        box = corners[:, 0].min(axis=0).tolist(), corners[:, 1].max(axis=0).tolist()
        message = f"{len(rest)} more {what}, smaller than these; --json lists all of them"
        yield Finding(code=code, severity=severity, message=message, box_um=_box(box), value=float(len(rest)), limit=0.0, unit="features")


def _box(corners: Any) -> Box:
    low, high = corners
    return tuple(map(float, low)), tuple(map(float, high))


def _pair(layers: list[int]) -> tuple[int, int]:
    return layers[0], layers[1]


def _size(sizes: dict[str, float]) -> str:
    return f"{sizes['height']:.4g} × {sizes['width']:.4g}"


def _at(corners: Any) -> str:
    """Write the middle of a box."""
    x, y, z = (0.5 * (a + b) for a, b in zip(*corners, strict=True))
    return f" at x {x:.6g}, y {y:.6g}, z {z:.6g} µm"
