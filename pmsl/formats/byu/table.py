"""The JSON table of a print file: read, variables put in, groups called.

What the table may look like is wider than what the group's own validator lets pass; `Table.departures` has what that refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pmsl.errors import JobError
from pmsl.formats.byu.expressions import DEEPEST, Variables, put_in
from pmsl.formats.byu.print_file import WHOLE, Layer, PrintFile
from pmsl.profiles.tables.schema import build

MOST_LAYERS = 200_000
GROUPS, NAMED = "Named layer groups", ("Named position settings", "Named image settings")
OLDER = {  # what a slicer of the group wrote before the schema had it, under other names
    "Zero micron layer": "0 um layer",
    "Enable zero micron": "Enable 0 um layer",
    "Zero micron count": "Number of duplications",
}


@dataclass(slots=True)
class Table:
    """The table of a print file.

    Attributes
    ----------
    file : PrintFile
        With the values of variables in it; its groups are empty, `layers` calls them.
    plain : dict
        As it stands in the file, older names replaced.
    variables : Variables
        Of the file.
    departures : list of str
        What the group's validator refuses, one line each.
    """

    file: PrintFile
    plain: dict[str, Any]
    variables: Variables
    departures: list[str]
    where: str
    _called: dict[str, list[Layer]] = field(default_factory=dict)

    def layers(self) -> Iterator[Layer]:
        """Yield all layers, groups called and layers repeated: the same object for equal ones."""
        default = self.file.defaults.count
        for layer in self.file.layers:
            if layer.group is None:
                yield from (layer for _ in range(min(layer.count or default, MOST_LAYERS + 1)))
                continue
            entries = self._group(layer)
            for _ in range(min(layer.count or 1, MOST_LAYERS + 1)):
                for entry in entries:
                    yield from (entry for _ in range(min(entry.count or default, MOST_LAYERS + 1)))

    def _group(self, call: Layer) -> list[Layer]:
        """Return the layers of a group as it is called."""
        name = call.group or ""
        if not call.variables and name in self._called:
            return self._called[name]
        groups = self.plain.get(GROUPS)
        group = groups.get(name) if isinstance(groups, dict) else None
        if not isinstance(group, list) or not group:
            raise JobError(f"{self.where}: no group of layers is called {name[:80]!r}")
        own = self.variables if not call.variables else _variables({**(self.plain.get("Variables") or {}), **call.variables}, self.where)
        entries = _group_layers(group, own, f"{self.where}: group {name[:80]!r}")
        if not call.variables:
            self._called[name] = entries
        return entries


def load(data: bytes, where: str) -> Table:
    """Read the JSON table.

    Raises
    ------
    JobError
        Not JSON, not schema 5, an expression that has no value, or settings the schema does not have.
    """
    departures: list[str] = []
    plain = _renamed(_decoded(data, where), departures, 0, where)
    variables = _variables(plain.get("Variables", {}), where)
    filled = {k: put_in(v, variables, where) for k, v in plain.items() if k not in (GROUPS, "Variables", "Layers")}
    filled["Variables"] = plain.get("Variables", {})
    filled["Layers"] = [_filled_layer(layer, variables, where, departures) for layer in plain.get("Layers") or ()]
    for key in (*NAMED, GROUPS, "Variables"):
        if isinstance(plain.get(key), dict) and not isinstance(put_in(plain[key].get("Comment", ""), variables, where), str):
            raise JobError(f"{where}: {key}: its comment is no text; the file is damaged")
    for key in NAMED:
        if isinstance(filled.get(key), dict):
            filled[key] = {name: settings for name, settings in filled[key].items() if name != "Comment"}
    file = build(_whole(filled), PrintFile, where, JobError)
    for i, layer in enumerate(file.layers):
        _check_call(layer, f"{where}: Layers[{i}]")
    if "Layers" not in plain:
        departures.append("key 'Layers' is missing")
    return Table(file, plain, variables, departures, where)


def group_departures(table: Table) -> Iterator[str]:
    """Yield what the group's validator does not take of groups and variables: all are looked at, with the file's own variables too."""
    own = table.plain.get("Variables", {})
    for variables in (own, *({**own, **layer.variables} for layer in table.file.layers if layer.variables)):
        yield from _variables(variables, "Variables").without_value()
    groups = table.plain.get(GROUPS, {})
    if not isinstance(groups, dict):
        yield f"{GROUPS}: expected a table"
        return
    for name, group in groups.items():
        if name == "Comment":
            continue
        try:
            _group_layers(group, table.variables, f"group {name[:80]!r}")
        except JobError as err:
            yield f"{err} (whatever its calls say: the host looks at it with the file's own variables)"


def _decoded(data: bytes, where: str) -> dict[str, Any]:
    try:
        plain: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
        raise JobError(f"{where}: not valid JSON ({err}); the file is damaged") from err
    if not isinstance(plain, dict) or not isinstance(plain.get("Header"), dict):
        raise JobError(f"{where}: no Header; not a print file")
    version = plain["Header"].get("Schema version")
    if isinstance(version, str) and version.startswith("999."):
        raise JobError(f"{where}: schema version {version!r} calls functions of the group's own host; it holds no layers to read")
    if not (isinstance(version, str) and re.fullmatch(r"5\.\d\.\d", version)):
        raise JobError(f"{where}: schema version is {version!r}; this pmsl reads 5.x.x")
    if not isinstance(plain.get("Layers", []), list):
        raise JobError(f"{where}: Layers: expected a list; not a print file")
    return plain


def _variables(values: Any, where: str) -> Variables:
    if not isinstance(values, dict):
        raise JobError(f"{where}: Variables: expected a table of names and values")
    for name, value in values.items():
        if not isinstance(value, (str, bool, int, float)):
            raise JobError(f"{where}: variable {name[:80]!r} is no number, text or truth value")
    return Variables(values, where)


def _filled_layer(layer: Any, variables: Variables, where: str, departures: list[str]) -> Any:
    """Put values into a layer; the variables of a call are those of its group, and stay as they are."""
    if not isinstance(layer, dict) or "Using named layer group" not in layer:
        return put_in(layer, variables, where)
    if any(isinstance(v, str) and "${" in v for k, v in layer.items() if k != "Comment"):
        departures.append("a call of a group has an expression for its name or count; the host calls groups before it puts values in")
    return {k: v if k == "Variables" else put_in(v, variables, where) for k, v in layer.items()}


def _group_layers(group: Any, variables: Variables, where: str) -> list[Layer]:
    if not isinstance(group, list):
        raise JobError(f"{where}: expected a list of layers")
    entries = [build(_whole(put_in(entry, variables, where)), Layer, where, JobError) for entry in group]
    for entry in entries:
        if entry.group is not None or entry.variables is not None:
            raise JobError(f"{where} calls another, or has variables of its own; a group holds layers only")
    return entries


def _check_call(layer: Layer, where: str) -> None:
    """Refuse a layer that is half a call of a group."""
    own = layer.position is not None or layer.images is not None or layer.named_images is not None
    if layer.group is not None and own:
        raise JobError(f"{where} calls a group and has settings of its own; a call has a number of duplications and variables only")
    if layer.group is None and layer.variables is not None:
        raise JobError(f"{where} has variables and calls no group; put them into the file's Variables")


def _renamed(item: Any, departures: list[str], depth: int, where: str) -> Any:
    """Replace older names."""
    if depth > DEEPEST:
        raise JobError(f"{where}: tables lie more than {DEEPEST} deep; not a print file")
    if isinstance(item, list):
        return [_renamed(value, departures, depth + 1, where) for value in item]
    if not isinstance(item, dict):
        return item
    out = {}
    for key, value in item.items():
        if value is None:
            raise JobError(f"{where}: {key[:80]!r} is null, which is no value of the schema; leave the key out")
        if key in OLDER and OLDER[key] not in item:
            line = f"{key!r} is an older name for {OLDER[key]!r}"
            if line not in departures:
                departures.append(line)
            key = OLDER[key]
        out[key] = _renamed(value, departures, depth + 1, where)
    return out


def _whole(item: Any) -> Any:
    """Make floats without a fraction whole numbers where the schema wants these: to JSON Schema they are."""
    if isinstance(item, list):
        return [_whole(value) for value in item]
    if not isinstance(item, dict):
        return item
    return {k: int(v) if k in WHOLE and isinstance(v, float) and v.is_integer() else _whole(v) for k, v in item.items()}
