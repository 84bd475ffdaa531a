"""Every block of README and docs runs as it stands, page by page, in a folder that holds the sample meshes.

A comment right above a block says otherwise: ``not run: WHY``, ``slow`` (with -m slow only), ``run by TEST``, ``file: NAME`` (it is saved,
not run); main and test of the README are run by .ci/run. `# … exit 4` behind a command is the code it ends with.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, blocks_of

from pmsl.cli import main

OF_CI = ("main", "test")  # .ci/run takes them from the README
PROGRAMS = str(Path(sys.executable).parent)
RUN = [page for page in PAGES if page != "benchmarks/README.md"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    os.symlink(ROOT / "sample_meshes", tmp_path / "sample_meshes", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join((PROGRAMS, os.environ["PATH"])))
    return tmp_path


def is_run(block):
    return block.lang in ("sh", "python") and block.mark in ("", "slow")


def run_page(page, slow, monkeypatch):
    """Run the blocks of a page one after the other; Python goes on where the block before ended, as in a notebook."""
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        where = f"{page}, line {block.line}"
        if block.mark.startswith("file: "):
            Path(block.mark.removeprefix("file: ")).write_text(block.code, encoding="utf-8")
        elif is_run(block) and (slow or block.mark != "slow"):
            if block.lang == "python":
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(block.code, where, "exec"), names)
                continue
            for line in block.code.splitlines():
                run_line(line, where, monkeypatch)


def run_line(line, where, monkeypatch):
    """Run a line of shell: a plain `pmsl …` in this process, which is quicker, anything else in a shell."""
    words = shlex.split(line, comments=True)
    if not words:
        return
    wanted = int(found[1]) if (found := re.search(r"#.*\bexit (\d+)", line)) else 0
    if words[0] != "pmsl" or "|" in words:
        if sys.platform == "win32":
            pytest.skip("needs a shell of POSIX")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True, timeout=300)
        code, err = done.returncode, done.stderr
    else:
        *words, into = words if words[-2:-1] == [">"] else (*words, None)
        words = [word for word in words if word != ">"]
        monkeypatch.setattr(sys, "argv", words)
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main()
        err = said.getvalue()
        if into is not None:
            Path(into).write_text(out.getvalue(), encoding="utf-8")
    assert code == wanted, f"{where}: {line}\n{err}"


@pytest.mark.parametrize("page", [page for page in RUN if any(map(is_run, blocks_of(page)))])
def test_the_blocks_of_a_page_run(page, here, monkeypatch):
    run_page(page, False, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN if any(block.mark == "slow" for block in blocks_of(page))])
def test_the_slow_blocks_of_a_page_run(page, here, monkeypatch):
    run_page(page, True, monkeypatch)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_says_why_not(page):
    for block in blocks_of(page):
        where = f"{page}, line {block.line}"
        assert block.lang in ("sh", "python", "toml", "text"), where
        if block.lang == "toml":
            tomllib.loads(block.code)
        by = re.fullmatch(r"run by (\S+\.py)", block.mark)
        assert (
            block.mark in ("", "slow", *OF_CI)
            or re.match(r"not run: \w+ .|file: \S+$", block.mark)
            or (by and (ROOT / by[1]).read_text(encoding="utf-8"))
        ), f"{where}: {block.mark}"


@pytest.mark.slow
def test_the_picture_of_the_readme_is_what_its_command_makes(here, monkeypatch):
    import numpy as np
    from PIL import Image

    run_line("pmsl slice sample_meshes/gyroid_lattice.stl -o gyroid.zip --preview gyroid.png", "picture", monkeypatch)
    with Image.open("gyroid.png") as new, Image.open(ROOT / "docs" / "gyroid.png") as shown:
        assert np.array_equal(np.asarray(new), np.asarray(shown))
    assert (ROOT / "docs" / "gyroid.png").stat().st_size < 100_000
