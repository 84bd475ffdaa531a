"""What a worker does: make a block of layers of a job spec, and say so, or what was wrong, in bytes."""

from __future__ import annotations

import os
import platform
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec

from pmsl import errors
from pmsl.core.parallel import keep_to
from pmsl.errors import PmslError, TargetError, WorkerError
from pmsl.exposure import dose_map
from pmsl.formats.native.block_writer import make_block
from pmsl.formats.protocol import BlockTarget, WriteOptions
from pmsl.job.print_job import PrintJob
from pmsl.kernels._compiler import jit
from pmsl.kernels._compiler.jit import compile_watch
from pmsl.optics.grayscale import response
from pmsl.pipeline.workers import job_spec

KEPT = 2  # jobs: a mesh is read once, and memory given back
_jobs: OrderedDict[str, tuple[PrintJob, BlockTarget]] = OrderedDict()
_lock = threading.Lock()


class ErrorRecord(msgspec.Struct, frozen=True):
    """An exception as bytes can hold it: its kind, what it says, and the arguments that its kind wants besides."""

    kind: str
    text: str
    number: int = 0
    field: str = ""
    value: str = ""
    limit: str = ""


class BlockReply(msgspec.Struct, frozen=True):
    """What came of a block: what it is (`BlockDone`), or the trouble; and for how long kernels were compiled meanwhile."""

    block: bytes = b""
    trouble: ErrorRecord | None = None
    compiled_s: float = 0.0


def answer(path: str, first: int, last: int, mapped: bool = False, compiling: Callable[[], None] = lambda: None) -> bytes:
    """Make the layers [first, last) of the job spec at `path`; return an `BlockReply`. Raises nothing.

    `mapped`: meshes stay in the job spec's files. `compiling` is called when kernels have to be compiled first.
    """
    with compile_watch(compiling) as watch:
        try:
            job, place = _job(path, mapped)
            options = WriteOptions(
                response=response(job.printer), dose_of=dose_map if place.dose else None, small=place.small, facts=place.facts
            )
            block, trouble = make_block(job, first, last, place, options), None
        except Exception as err:
            block, trouble = b"", _encode_error(err)
    return msgspec.msgpack.encode(BlockReply(block, trouble, watch.seconds))


def as_one_of_many(path: str, first: int, last: int) -> bytes:
    """Return the `answer` of a worker of a cluster: each of its threads makes a block, so no block uses several."""
    keep_to(1)
    return answer(path, first, last)


def block_of(data: bytes) -> bytes:
    """Return the block of an answer, or raise its trouble as if it had happened here."""
    told = msgspec.msgpack.decode(data, type=BlockReply)
    if told.compiled_s:
        compiled(told.compiled_s)
    if told.trouble is not None:
        raise _raised(told.trouble)
    return told.block


def compiled(seconds: float = 0.0) -> None:
    """Tell whoever watches the compiler here that a worker has to wait for its own, or for how long it did; they wait at the same time."""
    jit.report_compiled(seconds)


def _job(path: str, mapped: bool) -> tuple[PrintJob, BlockTarget]:
    """Return the job of a job spec, made once; other threads that want it wait."""
    with _lock:
        if path not in _jobs:
            try:
                made = job_spec.load(Path(path), mapped)
            except FileNotFoundError as err:
                raise WorkerError(
                    f"worker on {platform.node()} (process {os.getpid()}) does not see {path}: the folder a job is written to must be on a "
                    "disk that all workers share, under the same name"
                ) from err
            while len(_jobs) >= KEPT:
                _jobs.popitem(last=False)
            _jobs[path] = made
        _jobs.move_to_end(path)
        return _jobs[path]


def _encode_error(err: Exception) -> ErrorRecord:
    if isinstance(err, TargetError):
        return ErrorRecord("TargetError", str(err), 0, err.field, str(err.value), str(err.limit))
    if isinstance(err, PmslError):
        return ErrorRecord(type(err).__name__, str(err))
    if isinstance(err, OSError) and err.errno is not None:
        return ErrorRecord("OSError", err.strerror or str(err), err.errno)
    return ErrorRecord("MemoryError" if isinstance(err, MemoryError) else "", traceback.format_exc())


def _raised(trouble: ErrorRecord) -> Exception:
    if trouble.kind == "TargetError":
        return TargetError(trouble.text, trouble.field, trouble.value, trouble.limit)
    if trouble.kind == "OSError":
        return OSError(trouble.number, trouble.text)
    if trouble.kind == "MemoryError":
        return MemoryError(trouble.text)
    kind = vars(errors).get(trouble.kind)
    return RuntimeError(f"in a worker:\n{trouble.text}") if kind is None else kind(trouble.text)
