"""Names of functions, methods and classes are the field's: no verbs of a story, no figures of speech."""

import ast
import re

from sources import FILES, ROOT, tree_of

VERBS = {"take", "takes", "taken", "tell", "tells", "teller", "told", "heard", "kept", "found", "given", "ours", "made"}
FIGURES = {"crew", "room", "rooms", "door", "doors", "labour", "wish", "wishes", "recipe", "lamp", "carriage", "shelf", "parting"}
PHRASES = "carry_out", "put_on_disk"


def words(name: str) -> list[str]:
    """Return the words of a name, written small_with_lines or LikeThis."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def wrong(name: str) -> bool:
    """Whether a name begins with a verb of a story, or has a figure of speech in it."""
    said = words(name)
    return bool(said) and (said[0] in VERBS or not FIGURES.isdisjoint(said) or any(phrase in name for phrase in PHRASES))


def test_names_are_the_fields():
    names = [
        (str(path.relative_to(ROOT)), node.name)
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert len(names) > 2000
    assert [(file, name) for file, name in names if wrong(name)] == []


def test_names_that_are_not_are_seen():
    assert [name for name in ("_told", "take", "kept_front", "_Crew", "Lamp", "carry_out", "_room", "KeptMasks") if not wrong(name)] == []
    assert [name for name in ("headroom_um", "mistake", "undertake", "retained", "Lambertian", "makes") if wrong(name)] == []
