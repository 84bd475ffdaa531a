"""The tables of an .sl1, as Prusa's firmware reads them: config.ini, config.json beside it, and which of their keys change light."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import JobError
from pmsl.formats.container.containers import ZipSource
from pmsl.formats.sl1.exposure_fade import FEWEST, MOST
from pmsl.formats.sl1.panels import Sl1Panel

Table = dict[str, str]
INI, JSON, SLICER = "config.ini", "config.json", "prusaslicer.ini"
SHOWN = ("jobDir", "expTime", "expTimeFirst", "layerHeight", "layerHeightFirst", "numFade", "printerModel")  # what `read` goes by
CALIBRATION = ("calibrateRegions", "calibrateTime", "calibrateTimeExact", "calibrateCompact", "calibratePenetration")
LABELS = ("calibrateTextSize", "calibrateTextThickness", "calibratePadSpacing", "calibratePadThickness", "calibrateInfoLayers")
MOTION = ("expUserProfile", "exposure_profile")  # how the printer tilts and waits
WITHOUT_LIGHT = (
    *("action", "calibrateBBox", "fileCreationTimestamp", "firstLayerBBox", "hollow", "materialName", "noteInfo", "numFast", "numSlow"),
    *(
        "printProfile",
        "printTime",
        "printerProfile",
        "printerVariant",
        "prusaSlicerVersion",
        "stepNum",
        "stepnum",
        "usedMaterial",
        "version",
    ),
)
KNOWN = frozenset((*SHOWN, *CALIBRATION, *LABELS, *MOTION, *WITHOUT_LIGHT))
LOWER = {key.lower(): key for key in sorted(KNOWN)}


def config_of(source: ZipSource, where: str) -> tuple[Table, list[Finding]]:
    """Return config.ini, and what is to be said of it.

    Raises
    ------
    JobError
        A key says what changes the light and this reader does not show so; config.json, which the printer reads first, says
        other than config.ini, which other hosts read.
    """
    ini = table_of(source.text(INI), f"{where}/{INI}", _canonical)
    found = list(_not_shown(ini, f"{where}/{INI}"))
    if JSON in source.names():
        other = _json(source.text(JSON), f"{where}/{JSON}")
        found += [f for f in _not_shown(other, f"{where}/{JSON}") if f not in found]
        for key in SHOWN:
            if key in other and not _same(other[key], ini.get(key)):
                own = f"{INI} says {ini[key][:40]}" if key in ini else f"{INI} does not say it"
                raise JobError(f"{where}: {key} is {other[key][:40]} in {JSON}, which the printer reads first; {own}: slice it again")
    return ini, found


def table_of(data: bytes, where: str, canonical: Callable[[str], str] = str) -> Table:
    """Read lines of ``key = value``, keys as `canonical` has them; raises `JobError` where it is no text, or a key has two values."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise JobError(f"{where}: not text ({err}); the file is damaged") from err
    table: Table = {}
    for line in text.splitlines():
        key, mark, value = (part.strip() for part in line.partition("="))
        if not mark or key.startswith(("#", ";")):
            continue
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        key = canonical(key)
        if table.setdefault(key, value) != value:
            raise JobError(f"{where}: {key} is {table[key][:40]!r} and also {value[:40]!r}; the file is damaged, slice it again")
    return table


def number(table: Table, key: str, where: str, low: float, high: float) -> float:
    """Return a number of a table; raises `JobError` where it is missing, none, or not between `low` and `high`."""
    try:
        value = float(table[key])
    except KeyError:
        raise JobError(f"{where}: {key} is missing; the file is damaged") from None
    except ValueError:
        raise JobError(f"{where}: {key} is {table[key][:40]!r}; expected a number") from None
    if not (math.isfinite(value) and low <= value <= high):
        raise JobError(f"{where}: {key} is {value:g}; expected {low:g} to {high:g}")
    return value


def whole(table: Table, key: str, where: str, low: int, high: int) -> int:
    """Return a whole number of a table; raises `JobError` as `number` does."""
    value = number(table, key, where, low, high)
    if value != int(value):
        raise JobError(f"{where}: {key} is {value:g}; expected a whole number")
    return int(value)


def changed_by_printer(config: Table, panel: Sl1Panel | None) -> list[str]:
    """Say which values the printer changes when it loads the file: it does not show what they say."""
    wrong = []
    layers = config.get("numFade", "")
    if not (layers.isdecimal() and FEWEST <= int(layers) <= MOST):
        wrong.append(f"config.ini: numFade is {layers}; printers take {FEWEST} to {MOST}")
    if panel is None:
        return wrong
    low, high, high_first = panel.bounds_s
    for key, most in (("expTime", high), ("expTimeFirst", high_first)):
        if not low <= number(config, key, INI, 0.0, math.inf) <= most:
            wrong.append(
                f"config.ini: {key} is {config[key][:40]}; printer {panel.model} takes {low:g} to {most:g} s and shows others so long"
            )
    return wrong


def _canonical(key: str) -> str:
    """Return a key as it is documented: the firmware takes it in small letters too."""
    return key if key in KNOWN else LOWER.get(key, key) if key.islower() else key


def _not_shown(table: Table, where: str) -> list[Finding]:
    """Refuse a calibration print; say which keys are not read."""
    regions = whole(table, "calibrateRegions", where, 0, 1 << 31) if table.get("calibrateRegions") else 0
    exact = table.get("calibrateTimeExact", "").strip("[] ")
    if regions or exact:
        said = ", ".join(f"{key} is {table[key][:40]}" for key in CALIBRATION if key in table)
        raise JobError(
            f"{where}: {said}: the printer shows the part in {regions or 'several'} regions, each with a time and a label of its own, "
            "which the frames do not hold; pmsl reads no such calibration print: take the keys out, or slice one part for each time"
        )
    idle = [key for key in (*CALIBRATION, *LABELS) if key in table and key != "calibrateRegions"]
    words = [f"{', '.join(idle)} without calibrateRegions, which the printer then does not use"] if idle else []
    slow = [key for key in MOTION if table.get(key, "0") not in ("0", "")]
    words += [f"{', '.join(slow)}, which choose how the printer moves and waits"] if slow else []
    other = sorted(set(table) - KNOWN)
    words += [f"{', '.join(key[:40] for key in other[:8])}{' …' if len(other) > 8 else ''}, which pmsl does not know"] if other else []
    return [Finding(code="not-read", severity="warning", message=f"{where}: not read: {text}") for text in words]


def _json(data: bytes, where: str) -> Table:
    """Read config.json: the keys of config.ini as JSON."""
    try:
        table: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
        raise JobError(f"{where}: not valid JSON ({err}); the file is damaged") from err
    if not isinstance(table, dict):
        raise JobError(f"{where}: holds no table; the file is damaged")
    return {_canonical(key): value if isinstance(value, str) else msgspec.json.encode(value).decode() for key, value in table.items()}


def _same(a: str, b: str | None) -> bool:
    if b is None:
        return False
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b
