"""A request enters few files on its way from the command line to a frame, and few calls go up from a floor to one above."""

import json
import os
import subprocess
import sys
from pathlib import Path

FILES, CLIMBS = 20, 3
WALK = """
import json, sys, tomllib
from pathlib import Path

import pmsl

ROOT = Path(pmsl.__file__).parent
contracts = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
layers = next(c["layers"] for c in contracts if c["type"] == "layers")
FLOOR = {name.strip().removeprefix("pmsl."): i for i, line in enumerate(reversed(layers)) for name in line.split("|")}
kernels, files, climbs = set(), {}, set()


def floor(file):
    return FLOOR.get(Path(file).parts[0], -1)


def look(frame, event, arg):
    # the call of a kernel is where the stack enters its folder; what is on it before is the way there
    if event != "call" or frame.f_code.co_name not in ("__call__", "call", "many") or "kernels" not in frame.f_code.co_filename:
        return
    stack, above = [], frame.f_back
    while above is not None:
        if above.f_code.co_filename.startswith(str(ROOT)):
            stack.append((str(Path(above.f_code.co_filename).relative_to(ROOT)), above.f_code.co_name))
        above = above.f_back
    if any(file.startswith("kernels") or name == "<module>" for file, name in stack):
        return
    kernels.add(frame.f_back.f_lineno)
    stack.reverse()
    for file, name in stack:
        files.setdefault(Path(file).as_posix(), name)
    climbs.update((a, b, name) for (a, _), (b, name) in zip(stack, stack[1:]) if floor(b) > floor(a) >= 0)


from pmsl.cli.app import app

sys.setprofile(look)
app(sys.argv[1:], standalone_mode=False)
sys.setprofile(None)
sys.__stderr__.write("\\n" + json.dumps([len(kernels), list(files), sorted(climbs)]))
"""


def test_a_request_enters_few_files_and_climbs_little(samples, tmp_path):
    """Without the checks, which look on from the side."""
    words = ["slice", str(samples / "grating.stl"), "-o", str(tmp_path / "job"), "--threads", "1", "--no-checks"]
    ran = subprocess.run([sys.executable, "-c", WALK, *words], capture_output=True, text=True, check=True, env={**os.environ})
    kernels, files, climbs = json.loads(ran.stderr.splitlines()[-1])
    assert kernels > 10 and "cli/commands/slice.py" in files and "formats/frames/png_write.py" in files
    assert len(files) <= FILES, files
    assert len(climbs) <= CLIMBS, climbs
    said = Path(__file__).parents[2].joinpath("docs", "map.md").read_text("utf-8")
    assert f": {len(files)}, with {len(climbs)} calls from a file of a lower floor" in said
