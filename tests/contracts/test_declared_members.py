"""Nothing is asked for that is not declared: no `getattr` with a default, no `hasattr`, no private member of another class.

What another object may have or lack stands in its type, so that a reader and mypy see it. `ruff` (SLF001) looks for private members.
"""

import ast
import subprocess
import sys

import pytest
from sources import FILES, ROOT, tree_of

PLATFORM = "the standard library has it on some systems only"
LIBRARY = "depends on the version of a library"
TRIMESH = "what `Solid.from_trimesh` is given may be of any kind: a mesh, a scene, a cloud of points, something else"
ALLOWED = {
    "O_NONBLOCK": PLATFORM,
    "CREATE_NEW_PROCESS_GROUP": PLATFORM,
    "pthread_sigmask": PLATFORM,
    "uname": PLATFORM,
    "sched_getaffinity": PLATFORM,
    "orient_polygons": LIBRARY,
    "types": "types of numba: a tuple has them, another has not",
    "py_func": "a dispatcher of numba, or the function it was made of",
    "function": "a person names it on the command line: it may not be there",
    "name": "names that a type declares, one after the other: fields of structs, methods of a protocol, signals of a system",
    "word": "a format of another package is asked for every member of the protocol",
    "key": "names of kernels in a module, which the compiler replaces",
    "inner or name": "names that a package gives on first use",
    "item_type": "types of msgspec: those of lists have it, others have not",
    "key.name": "a key of a table, which may be a table of another kind",
    "SINCE": "tables of profiles have it, physical values have not",
    "schema": "tables of the outermost level have it",
    "graph": TRIMESH,
    "vertices": TRIMESH,
    "faces": TRIMESH,
    "units": TRIMESH,
}


def loose(tree):
    """Yield the line and the name of every attribute that may be missing."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1):
            continue
        name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ast.unparse(node.args[1])
        literal = isinstance(node.args[1], ast.Constant)
        if node.func.id in ("hasattr", "setattr") or (node.func.id == "getattr" and (literal or len(node.args) == 3)):
            yield node.lineno, name


def test_the_look_sees_what_it_is_for():
    seen = "getattr(job.plan_layer, 'bare', None); hasattr(a, 'b'); getattr(a, 'c'); setattr(a, n, 1); getattr(a, n); vars(a)['d']"
    assert [name for _, name in loose(ast.parse(seen))] == ["bare", "b", "c", "n"]


def test_no_attribute_is_asked_for_that_its_type_does_not_declare():
    wrong = [f"{path.relative_to(ROOT)}:{line}: {name}" for path in FILES for line, name in loose(tree_of(path)) if name not in ALLOWED]
    assert not wrong, wrong


def test_no_private_member_of_another_class_is_used(tmp_path):
    look = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "SLF001", str(ROOT)]
    pytest.importorskip("ruff")
    found = subprocess.run(look, capture_output=True, text=True, cwd=ROOT.parent, timeout=60)
    assert found.returncode == 0, found.stdout
    (tmp_path / "one.py").write_text("def f(solid: object) -> None:\n    solid._cache['shells'] = 1\n")
    assert "SLF001" in subprocess.run([*look[:-1], str(tmp_path)], capture_output=True, text=True, cwd=ROOT.parent, timeout=60).stdout


def test_no_private_name_is_imported_from_another_file():
    """Kernels aside: helpers of theirs become one piece of machine code with who calls them."""
    wrong = []
    for path in FILES:
        for node in ast.walk(tree_of(path)) if "kernels" not in path.parts else ():
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("pmsl") and "kernels" not in module:
                private = [alias.name for alias in node.names if alias.name.startswith("_") and alias.name != "__version__"]
                wrong += [f"{path.relative_to(ROOT)}: {name}" for name in private]
    assert not wrong, wrong
