"""Sources of the package, each parsed once for all tests of a process that look through them."""

import ast
from functools import cache
from pathlib import Path

import pmsl

ROOT = Path(pmsl.__file__).parent
FILES = tuple(sorted(ROOT.rglob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file, once; nobody changes what comes back."""
    return ast.parse(path.read_bytes())
