"""What does the model predict of published prints, with published values, what does each optional term change, and where does it not fit?

Every row is a published figure beside a prediction of `pmsl`, by simulated jobs where it is a print; docs/validation.md holds these tables
(``python benchmarks/validation.py`` writes them there) and the sources. No value is fitted to the figure that it stands beside.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from validation_parts import LIGHT, block_printed, channel_of, fewest_layers, ramp_printed, resin_of

import pmsl
from pmsl.calibrate import fit_working_curve
from pmsl.cure import CureModel, cure_depth_um

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
CURVES, HELD_OUT, ABSORBER, SMALLEST, RAMP = "working curves", "held-out tiles", "absorber", "smallest channel", "gray ramp"
LEAK, NARROW, IRRADIANCE, TERMS = "leaking light", "narrow channels", "irradiance", "terms"
# OpenSLAice, exp_calibration.ipynb (MIT): seconds and µm of seven tiles, and of three that were printed to check
TILES = {
    "Elegoo ABS-like": (
        {8.2: 112.7625, 7.6: 105.7425, 7.0: 92.115, 6.4: 79.9275, 5.8: 69.535, 5.2: 56.385, 4.6: 32.49},
        {6.0: 73.25, 5.6: 60.29, 4.8: 44.22},
    ),
    "Anycubic clear": (
        {3.3: 121.3925, 3.0: 113.165, 2.7: 101.695, 2.4: 95.6025, 2.1: 83.4825, 1.8: 69.4775, 1.5: 57.1925},
        {2.2: 86.01, 2.0: 79.53, 1.6: 63.15},
    ),
}
# BYU, 3d-printing-resin-spectral-analysis: µm of PEGDA with 1 % Irgacure 819 and so much NPS at 385 nm
SERIES = dict(
    zip(
        (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0),
        (37.55, 32.38, 28.47, 25.41, 22.96, 20.94, 19.25, 17.82, 16.59, 15.52, 14.58, 13.74, 13.00, 12.34, 11.74, 11.19),
        strict=True,
    )
)
CLAY = ((76.2, 14.3), (113.1, 55.0), (85.9, 23.3))  # Colombo group 2025: Dp, Ec of one slurry at three irradiance settings


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield what is predicted beside what is published."""
    yield from _curves()
    yield from _held_out()
    yield from _absorber(quick)
    yield from _smallest(quick)
    yield from _ramp()
    yield from _leak(quick)
    yield from _narrow(quick)
    yield from _irradiance()
    yield from _terms(quick)


def _curves() -> Iterator[dict[str, Any]]:
    for name, source in (("pr48-405", "NIST interlaboratory study"), ("pr48-bennett-405", "Bennett 2017")):
        material = pmsl.find_resin(name).resin
        dp, ec = material.dp_um.value, material.ec_mj_cm2.value
        depth = cure_depth_um(50.0, dp, ec)
        yield {"table": CURVES, "values of": source, "Dp [µm]": dp, "Ec [mJ/cm²]": ec, "cured by 50 mJ/cm² [µm]": f"{depth:.1f}"}


def _held_out() -> Iterator[dict[str, Any]]:
    for name, (tiles, checks) in TILES.items():
        with tempfile.TemporaryDirectory() as folder:
            sheet = Path(folder) / "tiles.csv"
            sheet.write_text("time_s,thickness_um\n" + "".join(f"{t},{um}\n" for t, um in tiles.items()), encoding="utf-8")
            fit = fit_working_curve(str(sheet)).parameters
        off = []
        for time_s, um in checks.items():
            depth = cure_depth_um(time_s, fit["dp_um"].value, fit["tc_s"].value)
            off.append(depth - um)
            yield {"table": HELD_OUT, "resin, exposure": f"{name}, {time_s} s", "printed [µm]": um, "predicted [µm]": f"{depth:.1f}"}
        rms = math.sqrt(sum(d * d for d in off) / len(off))
        yield {"table": HELD_OUT, "resin, exposure": f"{name}, root mean square", "printed [µm]": "", "predicted [µm]": f"off by {rms:.2f}"}


def _absorber(quick: bool) -> Iterator[dict[str, Any]]:
    """The line through two of the series, as any two batches would give it, against all others."""
    (a, dp_a), (b, dp_b) = ((c, SERIES[c]) for c in (0.5, 2.0))
    slope = (1 / dp_b - 1 / dp_a) / (b - a)
    found = {c: 1 / (1 / dp_a + slope * (c - a)) for c in SERIES}
    for c in (0.8, 1.0, 1.5) if not quick else (1.0,):
        yield {"table": ABSORBER, "NPS, 385 nm": f"{c:g} %", "published Dp [µm]": SERIES[c], "predicted [µm]": f"{found[c]:.2f}"}
    worst = max(abs(found[c] - SERIES[c]) for c in SERIES)
    yield {"table": ABSORBER, "NPS, 385 nm": "all 16, largest error", "published Dp [µm]": "", "predicted [µm]": f"{worst:.2f}"}
    yield {
        "table": ABSORBER,
        "NPS, 385 nm": "3 % from 2 %, 365 nm, absorber alone",
        "published Dp [µm]": 6.5,
        "predicted [µm]": f"{9.5 * 2 / 3:.2f}",
    }


def _smallest(quick: bool) -> Iterator[dict[str, Any]]:
    """Channels under many layers, by whole layers: the lowest that flushes, over Dp."""
    dp, ec = 11.19, 10.0
    for far_face in (1.5, 5.0):
        for share in (0.5, 0.2, 0.1):
            found = {}
            for ratio in (0.5, 1.0) if quick else (0.3, 0.5, 0.7, 1.0):
                first = (math.log(far_face / share) - math.log(-math.expm1(-ratio))) / ratio
                how = {"exposure_s": far_face * ec * math.exp(ratio) / LIGHT}
                material = resin_of(dp, ec, flush_share=share)
                found[ratio] = fewest_layers(material, ratio * dp, math.ceil(first - 0.05), math.ceil(7.0 / ratio), **how) * ratio
            yield {
                "table": SMALLEST,
                "dose at the far face": f"{far_face:g} Ec",
                "flush_share": share,
                **{f"layers of {ratio:g} Dp": f"{found[ratio]:.1f}" if ratio in found else None for ratio in (0.3, 0.5, 0.7, 1.0)},
            }


def _ramp() -> Iterator[dict[str, Any]]:
    names = ("angle [°]", "wall off by [µm]", "steps [µm]")
    wanted = math.degrees(math.atan(50 / 800))
    yield {"table": RAMP, "Ember": "design, and as published", **dict(zip(names, (f"{wanted:.3f}", "0", f"{50 / 32:.4f}"), strict=True))}
    for name, corrections in (("plain area gray", ()), ("corrected (edges)", ("edges",))):
        angle, off, least, most = ramp_printed(corrections)
        yield {"table": RAMP, "Ember": name, **dict(zip(names, (f"{angle:.3f}", f"{off:+.2f}", f"{least:.2f} to {most:.2f}"), strict=True))}


def _leak(quick: bool) -> Iterator[dict[str, Any]]:
    """A channel under so many layers, 5 Ec each, and 1.7 % of the light that nothing absorbs."""
    for tail in (0.0, 0.017):
        material = resin_of(9.5, 10.0, **({"tail": tail} if tail else {}))
        for roof in (11, 12) if quick else (5, 11, 12, 40):
            found = channel_of(material, 10.0, 8, roof, exposure_s=5 * 10.0 / LIGHT)
            state = "shut" if found["blocked"] else "does not flush" if found["flush_blocked"] else "open"
            yield {"table": LEAK, "light that leaks": f"{100 * tail:g} %", "layers lit above the channel": roof, "channel": state}


def _narrow(quick: bool) -> Iterator[dict[str, Any]]:
    for far_face in (1.5, 5.0):
        for wide in (1, 2) if quick else (1, 2, 3, 4):
            how = {"exposure_s": far_face * 10.0 * math.exp(0.5) / LIGHT}
            found = channel_of(resin_of(20.0, 10.0), 10.0, 16, 8, wide, **how)
            left = f"{found['printed_um']['width'] / 10:.2f}"
            state = "shut" if found["blocked"] else "does not flush" if found["flush_blocked"] else "open"
            yield {
                "table": NARROW,
                "dose at the far face": f"{far_face:g} Ec",
                "designed width [px]": wide,
                "left [px]": left,
                "channel": state,
            }


def _irradiance() -> Iterator[dict[str, Any]]:
    depth = {p: CureModel.of(resin_of(20.0, 10.0, reciprocity=p, reciprocity_mw_cm2=20.0)) for p in (1.0, 0.8, 0.5)}
    for p, model in depth.items():
        at = [cure_depth_um(model.effective_mj_cm2(50.0, 50.0 / light), 20.0, 10.0) for light in (2.0, 20.0, 200.0)]
        yield {
            "table": IRRADIANCE,
            "model": f"I^p t, p = {p:g}, Dp 20 µm",
            "cured by one dose at 1, 10, 100 × the irradiance [µm]": _joined(at),
        }
    doses = [ec * math.exp(200.0 / dp) for dp, ec in CLAY]
    name = "slurry of Colombo group 2025, three settings: Dp, Ec as published"
    yield {"table": IRRADIANCE, "model": name, "cured by one dose at 1, 10, 100 × the irradiance [µm]": f"200 by {_joined(doses)} mJ/cm²"}


def _joined(values: Iterable[float]) -> str:
    return ", ".join(f"{v:.1f}" for v in values)


def _terms(quick: bool) -> Iterator[dict[str, Any]]:
    """One part, one value changed: a block with a channel of 12 px, 100 µm high, under eight layers; Dp 20 µm, 1.5 Ec at the far face."""
    cases: dict[str, dict[str, Any]] = {
        "none": {},
        "reciprocity 0.8, measured at this irradiance": {"reciprocity": 0.8, "reciprocity_mw_cm2": LIGHT},
        "reciprocity 0.5": {"reciprocity": 0.5, "reciprocity_mw_cm2": LIGHT},
        "bleach_share 0.5, bleach_cm2_mj 0.01": {"bleach_share": 0.5, "bleach_cm2_mj": 0.01},
        "bleach_share 0.9, bleach_cm2_mj 0.05": {"bleach_share": 0.9, "bleach_cm2_mj": 0.05},
        "extra_decays: 20 % in 60 µm": {"extra_decays": ((0.2, 60.0),)},
        "tail 0.01": {"tail": 0.01},
        "scatter_um 0.1": {"scatter_um": 0.1},
        "induction 2 of 10 mJ/cm²": {"induction_mj_cm2": 2.0},
        "flush_share 0.2": {"flush_share": 0.2},
        "memory open": {"memory": "open"},
        "memory contact, renewal 1, reach 200 µm": {"memory": "contact", "renewal": 1.0, "reach_um": 200.0},
    }
    kept = list(cases)[:1] + list(cases)[3:4] if quick else list(cases)
    for name in kept:
        wall, roof, flushes = block_printed(resin_of(20.0, 10.0, **cases[name]))
        yield {
            "table": TERMS,
            "term": name,
            "walls [px]": f"{wall:+.2f}",
            "roof [µm]": f"{roof:+.1f}",
            "flushes [µm of 100]": f"{flushes:.1f}",
        }


def line_of(row: dict[str, Any]) -> str:
    """Return a row as a line of a table in Markdown."""
    return (
        "| "
        + " | ".join("" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in row.values())
        + " |"
    )


def blocks(found: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the tables in Markdown, by name."""
    lines: dict[str, list[str]] = {}
    for row in found:
        cells = {name: value for name, value in row.items() if name != "table"}
        head = lines.setdefault(row["table"], ["| " + " | ".join(cells) + " |", "|" + "---|" * len(cells)])
        head.append(line_of(cells))
    return {name: "\n".join(all_of) for name, all_of in lines.items()}


def main() -> None:
    """Write the tables into the page."""
    text, made = PAGE.read_text(encoding="utf-8"), blocks(rows(quick=False))
    for name, table in made.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        if begin not in text:
            sys.exit(f"{PAGE}: no place for the table {name!r}")
        text = re.sub(
            re.escape(begin) + r".*?" + re.escape(end), lambda _, b=begin, t=table, e=end: b + t + "\n" + e, text, count=1, flags=re.S
        )
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
