"""Machine code of kernels: compiled by numba, kept on disk, called through an entry of our own.

Neither numba nor its argument unpacking is needed to call a kernel (`llvm_entry`); ctypes releases the interpreter's lock meanwhile.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import re
import struct
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pmsl.kernels._compiler.cache_folder import cache_folder
from pmsl.kernels._compiler.llvm_entry import HEAD, ROOM, shim
from pmsl.kernels._compiler.options import OPTIONS, Entry, Source

ONE = ctypes.c_char_p, ctypes.c_void_p
PROTOTYPE, HELD = ctypes.CFUNCTYPE(ctypes.c_int, *ONE), ctypes.PYFUNCTYPE(ctypes.c_int, *ONE)
MANY = ctypes.CFUNCTYPE(ctypes.c_int, *ONE, ctypes.c_int64)
KNOWN = re.compile(r"llvm\.|mem(set|cpy|move)$|(floor|ceil|rint|log2?|exp2?|pow|sqrt|fabs|sin|cos|erf|erfc)f?$")
_calls: dict[str, Entry] = {}  # of kernels that could not be kept


class _UnknownCodeError(Exception):
    """What numba or LLVM made of a kernel is not what this file knows: numba is to call the kernel itself."""


def load(kernel: Source, kinds: tuple) -> Entry | None:
    """Return the entry of a kernel for arguments of these kinds, or None where the cache has none that is right."""
    try:
        path = _path(kernel, kinds)
        kept = path.read_bytes()
    except OSError:
        return _calls.get(name_of(kernel, kinds))
    digest, _, rest = kept.partition(b"\n")
    if digest != _digest(path, rest):  # cut off, damaged, or of another kernel: LLVM, or the caller, would not survive it
        return None
    head, _, code = rest.partition(b"\n")
    try:
        return _entry(code, json.loads(head), kinds)
    except (ValueError, KeyError, RuntimeError):  # written by something else, or not what this llvmlite reads
        return None


def _digest(path: Path, rest: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\n" + rest).hexdigest().encode()


def unkept(kernel: Source) -> Entry:
    """Let numba call the kernel itself: its machine code could not be had."""
    import numba

    dispatcher = numba.njit(**OPTIONS)(kernel.py_func)
    return Entry(lambda args: dispatcher(*args), lambda args: dispatcher(*args), lambda calls: [dispatcher(*args) for args in calls])


def compile_and_keep(kernel: Source, kinds: tuple) -> str:
    """Compile a kernel and store its machine code; return why the next process cannot load it, or nothing where it can."""
    try:
        code, facts = _compiled(kernel, kinds)
    except _UnknownCodeError as err:
        return str(err)
    rest = json.dumps(facts).encode() + b"\n" + code
    try:
        path = _path(kernel, kinds)
        _keep(path, _digest(path, rest) + b"\n" + rest)
        return ""
    except OSError as err:  # no room, or no right to write: use it in this process
        _calls[name_of(kernel, kinds)] = _entry(code, facts, kinds)
        return f"{err.strerror}: {err.filename}" if err.strerror else str(err)


def _keep(path: Path, data: bytes) -> None:
    """Write a file whole, or raise OSError and leave nothing."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as draft:
        try:
            draft.write(data)
            draft.close()
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, path)
        except OSError:
            Path(draft.name).unlink(missing_ok=True)
            raise


def _compiled(kernel: Source, kinds: tuple) -> tuple[bytes, dict[str, Any]]:
    """Return machine code and what is to be known about it; raises `_UnknownCodeError`."""
    import llvmlite
    import numba

    signature = tuple(_numba_type(kind) for kind in kinds)
    njit: Any = numba.njit
    dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(kernel.py_func)
    dispatcher.compile(signature)
    (result,) = dispatcher.overloads.values()
    try:
        return _with_entry(result, name_of(kernel, kinds), kinds)
    except _UnknownCodeError:
        raise
    except Exception as err:  # whatever another version of numba or LLVM does not know: numba's own way in is slower to start, and right
        reason = str(err).strip().splitlines()
        text = f"{type(err).__name__}: {reason[0]}" if reason else type(err).__name__
        versions = f"numba {numba.__version__} with llvmlite {llvmlite.__version__}"
        raise _UnknownCodeError(f"{versions} makes code of another kind ({text})") from err


def _with_entry(result: Any, name: str, kinds: tuple) -> tuple[bytes, dict[str, Any]]:
    """Put our entry beside what numba compiled; return the machine code of both and its facts."""
    from llvmlite import binding
    from numba.core import types
    from numba.core.registry import cpu_target

    returned: Any = result.fndesc.restype
    several = isinstance(returned, types.BaseTuple)
    parts = [] if returned is types.none else list(getattr(returned, "types", [returned]))
    letters = "".join({types.int64: "q", types.float64: "d"}.get(part, "?") for part in parts)
    text = result.library.get_llvm_str()
    foreign = [called for called in re.findall(r'^declare [^@]*@"?([^"(]+)', text, re.M) if not KNOWN.match(called)]
    if "?" in letters or len(letters) > ROOM or foreign:
        raise _UnknownCodeError(f"{name} returns or calls what has no entry ({', '.join(foreign) or returned})")
    shape = cpu_target.target_context.call_conv.get_function_type(returned, result.fndesc.argtypes)
    symbol = "pmsl_" + hashlib.sha256(name.encode()).hexdigest()[:24]
    module = binding.parse_assembly(text + shim(symbol, result.fndesc.llvm_func_name, [str(a) for a in shape.args], kinds))
    for function in module.functions:  # names of helpers must not meet those of another kernel in the engine
        if not function.is_declaration and function.name not in (symbol, symbol + "_many"):
            function.linkage = "internal"
    module.verify()
    return _machine().emit_object(module), {"symbol": symbol, "returns": letters, "tuple": several}


def _numba_type(kind: Any) -> Any:
    from numba import from_dtype
    from numba.core import types

    if isinstance(kind, tuple):
        dtype, ndim, contiguous = kind
        return types.Array(from_dtype(dtype), ndim, "C" if contiguous else "A")
    return types.float64 if kind is float else types.int64


def _entry(code: bytes, facts: dict[str, Any], kinds: tuple) -> Entry:
    """Make loaded machine code callable."""
    from llvmlite import binding

    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(facts["symbol"])
    if not address:
        raise RuntimeError(f"no {facts['symbol']} in this machine code")
    call, held, several = PROTOTYPE(address), HELD(address), MANY(engine.get_function_address(facts["symbol"] + "_many"))
    pack = struct.Struct("".join("d" if kind is float else "q" for kind in kinds)).pack
    unpack = struct.Struct(facts["returns"]).unpack_from
    arrays = [isinstance(kind, tuple) for kind in kinds]
    single = bool(facts["returns"]) and not facts["tuple"]

    def slots(args: tuple) -> bytes:
        return pack(*[id(a) if is_array else a for a, is_array in zip(args, arrays, strict=True)])

    def returned(out: bytearray, at: int = 0) -> Any:
        values = unpack(out, at)
        return values[0] if single else values or None

    def run(args: tuple, call: Any = call) -> Any:
        out = bytearray(8 * ROOM)
        if call(slots(args), ctypes.addressof(ctypes.c_char.from_buffer(out))):
            raise RuntimeError(f"kernel {facts['symbol']} failed")
        return returned(out)

    def many(calls: Sequence[tuple]) -> list[Any]:
        out = bytearray(8 * ROOM * len(calls))
        if several(b"".join(map(slots, calls)), ctypes.addressof(ctypes.c_char.from_buffer(out)), len(calls)):
            raise RuntimeError(f"kernel {facts['symbol']} failed")
        return [returned(out, 8 * ROOM * i) for i in range(len(calls))]

    return Entry(run, lambda args: run(args, held), many)


def _machine() -> Any:
    """Return LLVM's view of this processor; an engine takes one over."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(_triple())
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=_features(), opt=3, codemodel="jitdefault", jit=True)


def _features() -> str:
    from llvmlite import binding

    try:
        return str(binding.get_host_cpu_features().flatten())
    except RuntimeError:  # LLVM cannot tell on every system
        return ""


@cache
def _engine() -> Any:
    """Return what holds the machine code of all kernels."""
    from llvmlite import binding

    module = binding.parse_assembly("")
    module.triple = _triple()
    return binding.create_mcjit_compiler(module, _machine())


def _triple() -> str:
    from llvmlite import binding

    triple: str = binding.get_process_triple()
    return triple + "-elf" if sys.platform == "win32" and "-elf" not in triple else triple


def name_of(kernel: Source, kinds: tuple) -> str:
    """Return the name of a kernel for arguments of these kinds."""
    kinds_text = ",".join(f"{k[0].str}{k[1]}{'C' if k[2] else 'A'}" if isinstance(k, tuple) else k.__name__ for k in kinds)
    return f"{kernel.__module__}.{kernel.__name__}({kinds_text})"


def _path(kernel: Source, kinds: tuple) -> Path:
    """Return where the machine code is kept; its name holds all that it depends on."""
    key = hashlib.sha256(f"{name_of(kernel, kinds)} {_world()}".encode()).hexdigest()[:32]
    return cache_folder() / f"{kernel.__module__.rpartition('.')[2]}.{kernel.__name__}-{key}.pmslk"


@cache
def _world() -> str:
    """Hash of the sources of all kernels, the processor, Python and the compiler; OSError where there are no sources to read."""
    from llvmlite import binding

    root = Path(__file__).parents[1]
    sources = sorted([*root.glob("*.py"), *root.glob("*/*.py")])
    if not sources:
        raise OSError("imported from an archive: nothing says whether kept code is still right")
    found = hashlib.sha256(f"{HEAD} {_triple()} {binding.get_host_cpu_name()} {_features()}".encode())
    for path in sources:
        found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    spec = importlib.util.find_spec("numba")
    if spec is not None and spec.origin:
        about = Path(spec.origin).with_name("_version.py")
        found.update(about.read_bytes() if about.exists() else b"")
    return found.hexdigest()
