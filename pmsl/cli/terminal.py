"""The one way to the terminal: what is printed here comes from files, names and drivers too, and must not steer it.

Everything of the command line is printed by these functions (a test holds all other modules to that). JSON is what a program reads: it
stays as it is, in the escapes of JSON itself. Below that stands what a person sees: progress on a terminal or in a log file, silent in a
pipe; findings with their places; the compiler's notice.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import msgspec

from pmsl.core.measure_text import clock
from pmsl.errors import OutputError
from pmsl.files.encodable import json_bytes

if TYPE_CHECKING:
    from pmsl.core.finding import Finding

BAR_S = 1.0  # work that takes less shows no bar
LOG_S, LOG_MOST_S = 1.0, 60.0  # between lines of progress in a log file


def printable(text: str) -> str:
    r"""Return text of one line, with all that a terminal might obey or hide spelled out as Python's `repr` does.

    These are the control characters (ESC is ``\x1b``, a line end ``\n``, CSI ``\x9b``), marks of direction, separators, spaces but the
    plain one, bytes of names that are no text, and what Unicode has not given a meaning.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_line(text: str = "") -> None:
    """Print one line to standard output.

    Raises
    ------
    OutputError
        It cannot be written, or is closed.
    BrokenPipeError
        Whoever read it left.
    """
    with _refusal_named() as out:
        print(printable(text), file=out)


def print_lines(text: str) -> None:
    """Print text of pmsl's own, of several lines, to standard output; raises as `print_line`."""
    for line in text.removesuffix("\n").split("\n"):
        print_line(line)


def say(text: str) -> None:
    """Print one line to standard error, where it does not disturb what is piped; one that cannot be written is lost."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed since
            print(printable(text), file=sys.stderr, flush=True)


def say_lines(text: str) -> None:
    """Print text of several lines to standard error: the way through the program, usage."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def print_json(item: Any) -> None:
    """Print a result as JSON, always UTF-8, to standard output; raises as `print_line`."""
    _print_bytes(msgspec.json.format(json_bytes(item), indent=1))


def print_json_line(item: Any) -> None:
    """Print an event as one line of JSON, at once; raises as `print_line`."""
    _print_bytes(json_bytes(item))


def flush_output() -> None:
    """Write what standard output still holds; raises as `print_line`."""
    with _refusal_named() as out:
        out.flush()


def _print_bytes(data: bytes) -> None:
    with _refusal_named() as out:
        out.flush()
        out.buffer.write(data + b"\n")  # type: ignore[attr-defined]
        out.flush()


@contextlib.contextmanager
def _refusal_named() -> Iterator[IO[str]]:
    """Give standard output; what it refuses is an error with its name."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        yield sys.stdout
    except BrokenPipeError:
        raise
    except OSError as err:
        sys.stdout = None  # nor can what it still holds be written
        raise OutputError(f"cannot write to standard output ({err.strerror or err})") from err


def occupy_closed_streams() -> None:
    """Let nothing that is opened later get the number of a closed standard stream: who writes to it would write into a job."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            taken = os.open(os.devnull, os.O_RDWR)
            if taken != number:  # a lower one was closed by somebody else meanwhile
                os.dup2(taken, number)
                os.close(taken)


def say_findings(findings: Iterable[Finding], most: int | None = None) -> None:
    """Print each finding in a line, to standard error: what it is, in which layers, what to do, and where that is.

    With `most`, of what checks by dose find only the so many with the largest values of each code, and how many more there are.
    """
    listed = list(findings)
    more = {} if most is None else _beyond(listed, most)
    for f in listed:
        if not any(f is other for others in more.values() for other in others):
            say(f"{f.severity}: {f.code}{_in_layers(f)}: {f.message}{_at_place(f)}")
    for code, others in more.items():
        say(f"{others[0].severity}: {code}: {len(others)} more, which stand in the job; pmsl check lists all of them")


def _beyond(findings: list[Finding], most: int) -> dict[str, list[Finding]]:
    """Return the findings of checks by dose beyond those with the largest values of each code."""
    from pmsl.core.finding_codes import BY_DOSE

    of_code: dict[str, list[Finding]] = {}
    for f in findings:
        if f.code in BY_DOSE:
            of_code.setdefault(f.code, []).append(f)
    ranked = {code: sorted(of, key=lambda f: -(f.value or 0.0))[most:] for code, of in of_code.items()}
    return {code: rest for code, rest in ranked.items() if rest}


def _in_layers(f: Finding) -> str:
    if f.layers is None:
        return ""
    first, last = f.layers
    return f" (layer {first})" if first == last else f" (layers {first}..{last})"


def _at_place(f: Finding) -> str:
    """Say where a finding is, and by how much where the message has no number of it."""
    if f.box_um is None:
        return ""
    spans = (
        f"{axis} {low:.6g}..{high:.6g}" if high > low else f"{axis} {low:.6g}" for axis, low, high in zip("xyz", *f.box_um, strict=False)
    )
    return f" [{', '.join(spans)} µm]"


@contextmanager
def layer_progress(label: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a progress callable: a bar with layers, layers/s and time left on a terminal, lines in a log file, None in a pipe."""
    if quiet or sys.stderr is None or not (sys.stderr.isatty() or is_log(sys.stderr)):
        yield None
        return
    if not sys.stderr.isatty():
        yield LogProgress(label)
        return
    with _LateBar(label) as bar:
        yield bar


class _LateBar:
    """A bar that comes where work is not done soon: short work does not wait for what draws it, a seventh of its time."""

    def __init__(self, label: str) -> None:
        self._label, self._begun = label, time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> _LateBar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Take how many layers are done, of how many."""
        if self._bar is None:
            if time.monotonic() - self._begun < BAR_S:
                return
            self._start()
        task = self._bar.tasks[self._task]
        rate = task.finished_speed or task.speed
        self._bar.update(self._task, completed=done, total=total, speed=f"{rate:.0f}/s" if rate else "")

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        speed = TextColumn("{task.fields[speed]}")
        name = TextColumn("{task.description}", markup=False)  # a file's name is no format
        columns: tuple[Any, ...] = (name, BarColumn(), MofNCompleteColumn(), TextColumn("layers"), speed, TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._bar.start()
        self._task = self._bar.add_task(printable(self._label), total=None, speed="")


def is_log(stream: Any) -> bool:
    """Tell whether a stream goes to an ordinary file, where somebody may read how far it is; not a pipe, a socket or a device."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):
        return False


class LogProgress:
    """Says in a log file how far work is: after each tenth of it but not more often than every `LOG_S`, after `LOG_MOST_S`, at the end."""

    def __init__(self, label: str) -> None:
        self._label, self._begun, self._tenths = label, time.monotonic(), 0
        self._last = self._begun

    def __call__(self, done: int, total: int) -> None:
        """Take how many layers are done, of how many."""
        now, tenths = time.monotonic(), 10 * done // max(total, 1)
        waited = now - self._last
        if not (done == total or (tenths > self._tenths and waited >= LOG_S) or waited >= LOG_MOST_S):
            return
        self._last, self._tenths, spent = now, tenths, now - self._begun
        end = (
            f"in {spent:.1f} s"
            if done == total
            else f"{done / max(spent, 1e-9):.3g}/s, about {clock(spent / max(done, 1) * (total - done))} left"
        )
        say(f"{self._label}: {done}/{total} layers, {100 * done // max(total, 1)} %, {end}")


@contextmanager
def compiler_notice(frames: bool = False, everything: bool = False) -> Iterator[None]:
    """Say when kernels have to be compiled, and for how long it took; say when they cannot be kept.

    Where `frames` will be written, or `everything` compiled, another process compiles part of it meanwhile.
    """
    from pmsl.kernels._compiler.jit import compile_watch, uncached

    def started() -> None:
        say("compiling kernels for this machine, once; this takes some 10 seconds …")
        if frames or everything:
            from pmsl.kernels._compiler import ahead

            ahead.start(everything)

    with compile_watch(started) as watch:
        yield
    if watch.seconds > 0:
        say(f"compiled kernels in {watch.seconds:.1f} s" + ("" if uncached else "; the next run loads them"))
    if uncached:
        say(f"{uncached[0]}: kernels are compiled in every run; set NUMBA_CACHE_DIR to a folder of your own, or install other versions")
