"""What a person may call says all it takes: `help` is enough to use it, and mypy can check who does."""

import inspect
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import pmsl

ROOT = Path(pmsl.__file__).parent
ROOMS = sorted(name for name in dir(pmsl) if inspect.ismodule(getattr(pmsl, name)))


def offered():
    """Yield every public name of pmsl and its rooms, each object once, with what it is."""
    seen = set()
    for home in (pmsl, *(getattr(pmsl, room) for room in ROOMS)):
        for name in getattr(home, "__all__", ()):
            item = getattr(home, name)
            if (inspect.isclass(item) or inspect.isfunction(item)) and id(item) not in seen:
                seen.add(id(item))
                yield f"{home.__name__}.{name}", item


def called():
    """Yield every function, and every method of the classes that `pmsl` itself, its hosts and its pipeline offer."""
    for name, item in offered():
        if inspect.isfunction(item):
            yield name, item
        elif name.count(".") == 1 or name.startswith(("pmsl.host.", "pmsl.pipeline.")):
            for word, member in vars(item).items():
                function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
                if inspect.isfunction(function) and not word.startswith("_"):
                    yield f"{name}.{word}", function


def methods():
    """Yield every method of every class that is offered."""
    for name, item in offered():
        for word, member in vars(item).items() if inspect.isclass(item) else ():
            function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
            if inspect.isfunction(function) and not word.startswith("_"):
                yield f"{name}.{word}", function


def documented(text, heads):
    """Return the names that the sections `heads` of a docstring have, those of lines like ``a, b : int`` or ``a, b``."""
    lines, names, inside = inspect.cleandoc(text or "").split("\n"), set(), False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if below and set(below) == {"-"}:
            inside = line in heads
        elif inside and line and not line.startswith((" ", "-")):
            names |= {word.strip("* ") for word in line.partition(":")[0].split(",")}
    return names


FUNCTIONS = dict(called())
METHODS = {name: function for name, function in methods() if name not in FUNCTIONS}
CLASSES = {name: item for name, item in offered() if inspect.isclass(item)}


def test_there_are_some():
    assert (
        len(FUNCTIONS) > 100
        and len(METHODS) > 50
        and len(CLASSES) > 50
        and {"pmsl.place", "pmsl.host.play", "pmsl.Grid.layer_of"} <= set(FUNCTIONS)
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_of_a_function_is_written_out_and_documented(name):
    taken = [p for p in inspect.signature(FUNCTIONS[name]).parameters.values() if p.name not in ("self", "cls")]
    assert not [p.name for p in taken if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    assert {p.name for p in taken} <= documented(FUNCTIONS[name].__doc__, ("Parameters",))


@pytest.mark.parametrize("name", METHODS)
def test_every_parameter_of_a_method_is_documented(name):
    asked = {p.name for p in inspect.signature(METHODS[name]).parameters.values()} - {"self", "cls"}
    assert asked <= documented(METHODS[name].__doc__, ("Parameters",))


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_says_what_it_is_made_of(name):
    """Those of one attribute say it in a sentence; protocols and errors are not made by callers."""
    item = CLASSES[name]
    if issubclass(item, Exception) or getattr(item, "_is_protocol", False):
        return
    taken = [p.name for p in inspect.signature(item).parameters.values() if not p.name.startswith("_")]
    assert set(taken) <= documented(item.__doc__, ("Parameters", "Attributes"))


def test_units_stand_with_the_names_that_have_none():
    """A parameter called like a length, a time, a dose has its unit in its name or in its text."""
    unit = re.compile(r"_(um|px|s|deg|mm|mj_cm2|mw_cm2|um_s|um_s2|nm)$")
    for name in ("pmsl.place", "pmsl.place_copies", "pmsl.pack", "pmsl.prepare", "pmsl.host.play"):
        taken = inspect.signature(FUNCTIONS[name]).parameters
        assert all(unit.search(word) for word in taken if word.startswith(("at", "rotate", "spacing", "weld", "clearance")))


PROGRAM = '''
"""Slice, look, write, read and play with public names only."""

from collections.abc import Sequence

import numpy as np

import pmsl
import pmsl.host
import pmsl.pipeline


class Projector:
    """An engine of somebody else."""

    shape = (1600, 2560)
    wavelength_nm = 385.0
    levels = 256
    max_exposure_s = 60.0
    max_power = 1.0
    real = True

    def load(self, frame: np.ndarray) -> None:
        """Take a frame."""

    def expose(self, time_s: float, power: float) -> float:
        """Show it."""
        return time_s

    def dark(self) -> None:
        """Put it out."""


class Axis:
    """A stage of somebody else."""

    travel_um = 50_000.0
    step_um = 0.1
    homed = True
    position_um = 0.0

    def move(self, distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
        """Go there."""
        return distance_um

    def stop(self) -> None:
        """Stay."""


def sliced(paths: Sequence[str]) -> pmsl.PrintJob:
    """Place meshes, or copies of them, and prepare a job."""
    printer, resin, process = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405"), pmsl.find_process("default")
    solids = [pmsl.load_solid(path, unit="mm") for path in paths]
    placed = pmsl.place(solids, printer, resin, at_um=(100.0, 100.0), rotate_deg=(0.0, 0.0, 90.0))
    pmsl.place_copies(solids, printer, resin, (2, 3), spacing_um=(200.0, 200.0))
    plates = pmsl.pack(solids, printer, resin, 200.0, plates=2, copies=3)
    assert len(plates) >= 1
    return pmsl.prepare(placed, printer, resin, process)


def played(job: pmsl.PrintJob) -> pmsl.host.Status:
    """Play it, simulated first."""
    machine = pmsl.host.Simulation(job)
    pmsl.host.play(job, machine.engines, machine.stage, clock=machine.clock, prefetch=2)
    return pmsl.host.play(job, Projector(), Axis(), record="played.jsonl", accept_uncalibrated=True)


def looked_at(job: pmsl.PrintJob) -> float:
    """Ask for layers, masks, doses, findings."""
    grid = pmsl.Grid(origin_um=[0, 0], pitch_um=7.6, shape=[10, 20], z_edges_um=np.arange(4) * 10.0)
    solid = pmsl.Solid.from_arrays([[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 30]], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    masks = list(pmsl.layer_masks([solid], grid))
    light = sum(float(e.mask.dense().sum()) * e.time_s for e in job[0].exposures)
    findings: tuple[pmsl.Finding, ...] = job.findings
    return light + masks[0].sum_px() + len(findings) + float(pmsl.dose_map(job, job[0]).dense().max())


def main() -> None:
    """Do all of it."""
    job = sliced(["part.stl"])
    pmsl.write(job, "job", lossy=False)
    problems: list[str] = pmsl.verify("job")
    request = pmsl.pipeline.SliceRequest(meshes=["part.stl"], out="other", at="100,100")
    again = pmsl.pipeline.slice_job(request)
    print(looked_at(pmsl.read("job")), problems, again.out, played(job).state)


if __name__ == "__main__":
    main()
'''


def typed(program, folder, name="program.py"):
    """Run mypy over a program, strictly; return what it says."""
    (folder / name).write_text(textwrap.dedent(program).lstrip())
    words = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--ignore-missing-imports"]
    own = {**os.environ, "MYPYPATH": str(ROOT.parent), "MYPY_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run([*words, name], cwd=folder, env=own, capture_output=True, text=True, timeout=900)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_program_of_public_names_passes_mypy_and_a_wrong_one_does_not(tmp_path):
    pytest.importorskip("mypy")
    assert "Success" in typed(PROGRAM, tmp_path), typed(PROGRAM, tmp_path)
    for right, wrong, named in (
        ("at_um=(100.0, 100.0)", "at_px=(100.0, 100.0)", "at_px"),
        ("def expose(self, time_s: float, power: float)", "def expose(self, time_s: float)", "expose"),
        ("    homed = True\n", "", "homed"),
        ("pitch_um=7.6", "pitch_um=np", "pitch_um"),
    ):
        assert right in PROGRAM
        assert named in typed(PROGRAM.replace(right, wrong), tmp_path, "wrong.py"), named
