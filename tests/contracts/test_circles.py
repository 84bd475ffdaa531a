"""No two files of the package import each other, directly or by way of others; no two of a floor share a name, and no two classes do."""

import ast
from collections import defaultdict
from graphlib import TopologicalSorter

from sources import FILES as PATHS
from sources import ROOT, tree_of

FILES = {".".join(("pmsl", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path for path in PATHS}
OF_EVERY_FORMAT = {"read.py", "write.py"}


def imports(name: str) -> set[str]:
    """Files that a file imports, at its top, in a function or for its types; packages only where nothing inside them is meant."""
    found = set()
    for node in ast.walk(tree_of(FILES[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{name}: imports are written out"
            found |= {f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in FILES else node.module for alias in node.names}
    return {other for other in found if other in FILES} - {name}


def is_face(name: str) -> bool:
    """Whether a file is a package's, which hands on names of what lies inside it when they are asked for."""
    return FILES[name].name == "__init__.py"


def test_no_files_import_each_other_in_a_circle():
    graph = {name: {other for other in imports(name) if not is_face(other)} for name in FILES if not is_face(name)}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_a_circle_is_seen(monkeypatch):
    import pytest

    monkeypatch.setitem(FILES, "pmsl.core.grid", ROOT / "masks" / "volume_masks.py")
    with pytest.raises(Exception, match="cycle"):
        test_no_files_import_each_other_in_a_circle()


def test_names_of_files_are_unique_within_their_floor():
    places = defaultdict(list)
    for path in FILES.values():
        floor = path.relative_to(ROOT).parts[0]
        if path.name not in {"__init__.py", *OF_EVERY_FORMAT}:
            places[floor, path.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_classes_share_a_name():
    places = defaultdict(list)
    for name, path in FILES.items():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert len(places) > 200
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
