"""Lists of the kernels that commands need: `python tests/kernel_names.py` writes them where the compiler reads them.

The first process compiles in the order of need, the others in the order of the list: what is needed late by size (the time to compile
is about proportional to it), so that nobody ends on a long one alone, then what is needed early from its end, so that all meet.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTS = ROOT / "pmsl" / "kernels" / "_compiler"
CODE = """
import json, sys
from pmsl.kernels._compiler import disk_cache
load, names = disk_cache.load, []
disk_cache.load = lambda kernel, kinds: names.append(disk_cache.name_of(kernel, kinds)) or load(kernel, kinds)
from pmsl.cli.app import app
app(sys.argv[1:], standalone_mode=False)
print(json.dumps(list(dict.fromkeys(names))))
"""
SIZE = """
import sys
from pmsl.kernels._compiler import ahead, disk_cache
for name in sys.stdin.read().split():
    print(disk_cache._path(*ahead._parsed(name)).stat().st_size)
"""


def asked_for(*words):
    """Return the names of the kernels that a command asks for, in the order in which it does."""
    out = subprocess.run([sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True, timeout=600).stdout
    return json.loads(out.strip().splitlines()[-1])


def of_a_slice(samples, folder):
    return asked_for("slice", str(samples / "microfluidic_chip.stl"), "-o", str(folder / "job"))


def ahead_of(names):
    """Return the names in the order in which others than the first process compile them."""
    out = subprocess.run([sys.executable, "-c", SIZE], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    size = dict(zip(names, map(int, out.split()), strict=True))
    total = list(itertools.accumulate(size.values()))
    early = [name for name, so_far in zip(names, total, strict=True) if so_far <= total[-1] / 2]
    return sorted(names[len(early) :], key=lambda name: -size[name]) + early[::-1]


def write(command, names):
    names = ahead_of(names)
    place = LISTS / f"{command}_kernels.txt"
    place.write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    print(f"{len(names)} kernels in {os.path.relpath(place)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write("warmup", asked_for("warmup"))
        write("slice", of_a_slice(ROOT / "sample_meshes", Path(folder)))
