"""All commands together, and the exit codes."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import errno
import gc
import io
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from pmsl.cli.terminal import flush_output, occupy_closed_streams, say, say_lines
from pmsl.errors import PmslError
from pmsl.version import __version__

LATER_S = 0.02  # until an interrupt that came during an import is tried again
NO_MEMORY = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")  # what loaders say of it
# in the order of work
COMMANDS = (
    "slice",
    "info",
    "check",
    "verify",
    "play",
    "simulate",
    "report",
    "view",
    "diff",
    "convert",
    "batch",
    "calibrate",
    "profiles",
    "findings",
    "warmup",
)


class _Commands(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names; click would list them from A to Z."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None where there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(import_module(f"pmsl.cli.commands.{cmd_name}"), f"{cmd_name}_command")
        return found


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="pmsl turns meshes into light: exact gray masks, exposure times and dose maps "
    "for projection micro-stereolithography and DLP printers.",
)
@click.version_option(__version__, prog_name="pmsl", message="%(prog)s %(version)s", help="Print the version.")
def app() -> None:
    """Hold the commands."""


def main() -> int:
    """Run the command line; return the exit code.

    0 done, 1 a bug, 2 wrong usage, 3 input refused or damaged, 4 findings at or above --fail-on, 130 cancelled.
    """
    _prepare()
    out = sys.stdout
    if out is None:
        say("error: standard output is closed; give it somewhere to go: a terminal, > FILE or > /dev/null")
        return 3
    try:
        code = app(standalone_mode=False)
        if sys.stdout is not None:  # a library may have taken it away
            flush_output()  # what cannot be written is told here, not by Python when it ends
    except PmslError as err:
        say(f"error: {err}")
        return err.exit_code
    except click.ClickException as err:
        _say_usage(err)
        return 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        sys.stdout = None
        return 0
    except SystemExit:  # click has completed a word for a shell; or a reader left, and click put a stream of its own there
        if sys.stdout is out:
            raise
        return 0
    except Exception as err:
        if (reason := _of_the_machine(err)) is not None:
            say(f"error: {reason}")
            return 3
        say_lines(traceback.format_exc())
        say("error: this is a bug in pmsl; please report it with the lines above")
        return 1
    if code == 130 and sys.argv[1:2] != ["play"]:  # which says more
        say("cancelled; nothing half-written is left")
    return code if isinstance(code, int) else 0


def _of_the_machine(err: Exception) -> str | None:
    """Return what the machine did not give: memory, threads, files; None for anything else."""
    if any(_lacks_memory(one) for one in _with_causes(err)):
        return "not enough memory; choose a smaller --field or fewer --threads, or allow more (ulimit -v)"
    if isinstance(err, RuntimeError) and "start new thread" in str(err):
        return "the system gives no more threads, or no memory for them; choose fewer --threads, or allow more (ulimit -u, ulimit -v)"
    if isinstance(err, OSError):  # files of jobs have errors of their own
        if any(frame.f_code is click.echo.__code__ for frame, _ in traceback.walk_tb(err.__traceback__)):  # help, which click prints
            return f"cannot write to standard output ({err.strerror or err})"
        return f"{err.filename}: {err.strerror}" if err.filename is not None else f"the system refused ({err.strerror or err})"
    return None


def _lacks_memory(err: BaseException) -> bool:
    if isinstance(err, MemoryError) or (isinstance(err, OSError) and err.errno == errno.ENOMEM):
        return True
    return isinstance(err, (ImportError, OSError)) and any(words in str(err) for words in NO_MEMORY)


def _with_causes(err: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of: loaders of libraries give their own reason for it."""
    seen: set[int] = set()
    while err is not None and id(err) not in seen:
        seen.add(id(err))
        yield err
        err = err.__cause__ or err.__context__


def _say_usage(err: click.ClickException) -> None:
    """Say what click has to say: usage in its lines, what was typed in one."""
    if isinstance(err, click.UsageError) and err.ctx is not None:
        say_lines(err.ctx.get_usage())
        say(f"Try '{err.ctx.command_path} {err.ctx.help_option_names[0]}' for help.")
        say("")
    say(f"Error: {err.format_message()}")


def console() -> NoReturn:
    """Run the command line and end the process, with what `main` returns.

    The interpreter is not taken apart first: that takes 50 ms and more, as long as many layers, and the system does it anyway.
    """
    _print_words_of_libraries()
    code = main()
    if threading.active_count() == 1 and sys.getprofile() is None and sys.gettrace() is None:  # nobody has more to do
        _ended_with.append(code)
    raise SystemExit(code)


_ended_with: list[int] = []  # the code of a command line that is done, and is to end the process


@atexit.register  # before anything else, so that it is called last
def _end() -> None:
    if not _ended_with:
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody is left to be told
            if stream is not None:
                stream.flush()
    os._exit(_ended_with[0])


def _prepare() -> None:
    """Make the streams take any letter and a polite kill clean up like Ctrl-C; set what numpy reads from the environment."""
    occupy_closed_streams()
    gc.set_threshold(100_000, 10, 10)  # imports make many objects and no garbage: looking took 4 % of a small slice, 2 % with 20 000
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads spin beside ours
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")  # huge pages gain nothing; to find 2 MiB in a row took a third of some runs
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # µ and × must not stop a command on a terminal that cannot show them
            stream.reconfigure(errors="replace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as in scripts' background
            signal.signal(signal.SIGINT, _interrupt)


def _print_words_of_libraries() -> None:
    """Let warnings and log lines of libraries, which name files and what is in them, go the way of all that is printed."""
    import logging

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(f"{record.levelname.lower()}: {self.format(record)}")

    logging.lastResort = Said(logging.WARNING)
    warnings.showwarning = lambda message, category, name, line, *_: say(f"{name}:{line}: {category.__name__}: {message}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; a little later while a module is loaded: there Python may lose it, or die of the signal in the end."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            again = threading.Timer(LATER_S, _thread.interrupt_main, (number,))
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt
