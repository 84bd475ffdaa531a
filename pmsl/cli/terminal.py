"""The one way to the terminal: what is printed here comes from files, names and drivers too, and must not steer it.

Everything of the command line is printed by these functions (a test holds all other modules to that). JSON is what a program reads: it
stays as it is, in the escapes of JSON itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import msgspec

from pmsl.errors import OutputError


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
    _print_bytes(msgspec.json.format(_json(item), indent=1))


def print_json_line(item: Any) -> None:
    """Print an event as one line of JSON, at once; raises as `print_line`."""
    _print_bytes(_json(item))


def flush_output() -> None:
    """Write what standard output still holds; raises as `print_line`."""
    with _refusal_named() as out:
        out.flush()


def _print_bytes(data: bytes) -> None:
    with _refusal_named() as out:
        out.flush()
        out.buffer.write(data + b"\n")  # type: ignore[attr-defined]
        out.flush()


def _json(item: Any) -> bytes:
    try:
        return msgspec.json.encode(item)
    except UnicodeEncodeError:  # names of files may hold bytes that are no text: these are spelled out
        return msgspec.json.encode(_encodable(msgspec.to_builtins(item)))


def _encodable(item: Any) -> Any:
    if isinstance(item, str):
        return item.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(item, dict):
        return {_encodable(key): _encodable(value) for key, value in item.items()}
    return [_encodable(value) for value in item] if isinstance(item, (list, tuple)) else item


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
