"""What the texts of the code refer to is there: no name of a file or of a function that was called otherwise once."""

import importlib
import re
from pathlib import Path

import pmsl

ROOT = Path(pmsl.__file__).parent
FLOORS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"job", "host", "files", "report"}  # words of their own, too


def references(text: str) -> list[str]:
    """Return the dotted names between backticks that begin with the package or one of its floors."""
    found = re.findall(r"`+([A-Za-z_]\w*(?:\.\w+)+)(?:\(\))?`+", text)
    return [name for name in found if name.split(".")[0] in {"pmsl", *FLOORS}]


def there(name: str) -> bool:
    """Whether a dotted name leads from the package to a file, or to something in one."""
    parts = name.removeprefix("pmsl.").split(".")
    for many in range(len(parts), -1, -1):
        path = ROOT.joinpath(*parts[:many])
        if path.is_dir() or path.with_suffix(".py").is_file():
            found = importlib.import_module(".".join(["pmsl", *parts[:many]]))
            for part in parts[many:]:
                if part in getattr(found, "__annotations__", {}):
                    return True
                found = getattr(found, part, None)
            return found is not None
    return False


def test_names_of_files_and_functions_in_texts_are_there():
    said = [(path, name) for path in ROOT.rglob("*.py") for name in references(path.read_text("utf-8"))]
    assert len(said) > 80
    assert [(str(path.relative_to(ROOT)), name) for path, name in said if not there(name)] == []


def test_names_that_are_gone_are_seen():
    text = "`pmsl.kernels.recall` ``kernels.printed.compare`` `correct.flatfield` `pmsl.place` `job.grid` `pmsl.core.grid.Grid.layer_of`"
    names = references(text)
    assert [name for name in names if there(name)] == ["pmsl.place", "pmsl.core.grid.Grid.layer_of"] and len(names) == 5
