"""Machine code of kernels: compiled by numba, kept on disk, called through an entry of our own.

Neither numba nor its argument unpacking is needed to call a kernel (`_shim`); ctypes releases the interpreter's lock meanwhile.
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
from typing import TYPE_CHECKING, Any

from pmsl.kernels._jit import OPTIONS, Entry
from pmsl.kernels._shim import HEAD, ROOM, shim

if TYPE_CHECKING:
    from pmsl.kernels._jit import Kernel

ONE = ctypes.c_char_p, ctypes.c_void_p
PROTOTYPE, HELD = ctypes.CFUNCTYPE(ctypes.c_int, *ONE), ctypes.PYFUNCTYPE(ctypes.c_int, *ONE)
MANY = ctypes.CFUNCTYPE(ctypes.c_int, *ONE, ctypes.c_int64)
KNOWN = re.compile(r"llvm\.|mem(set|cpy|move)$|(floor|ceil|rint|log2?|exp2?|pow|sqrt|fabs|sin|cos|erf|erfc)f?$")
_calls: dict[str, Entry] = {}  # of kernels that could not be kept


def load(kernel: Kernel, kinds: tuple) -> Entry | None:
    """Return the entry of a kernel for arguments of these kinds, or None where it is not in the cache."""
    try:
        kept = _path(kernel, kinds).read_bytes()
    except OSError:
        return _calls.get(_name(kernel, kinds))
    digest, _, rest = kept.partition(b"\n")
    if digest != hashlib.sha256(rest).hexdigest().encode():  # cut off or damaged: LLVM would not survive it
        return None
    head, _, code = rest.partition(b"\n")
    return _entry(code, json.loads(head), kinds)


def unkept(kernel: Kernel) -> Entry:
    """Let numba call the kernel itself: its machine code could not be had."""
    import numba

    dispatcher = numba.njit(**OPTIONS)(kernel.py_func)
    return Entry(lambda args: dispatcher(*args), lambda args: dispatcher(*args), lambda calls: [dispatcher(*args) for args in calls])


def compile_and_keep(kernel: Kernel, kinds: tuple) -> bool:
    """Compile a kernel and store its machine code; False where that is not possible."""
    built = _compiled(kernel, kinds)
    if built is None:
        return False
    code, facts = built
    rest = json.dumps(facts).encode() + b"\n" + code
    try:
        _keep(_path(kernel, kinds), hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
        return True
    except OSError:  # no room, or no right to write: use it in this process
        _calls[_name(kernel, kinds)] = _entry(code, facts, kinds)
        return False


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


def _compiled(kernel: Kernel, kinds: tuple) -> tuple[bytes, dict[str, Any]] | None:
    """Return machine code and what is to be known about it; None where numba's output is not what this file knows."""
    import numba
    from llvmlite import binding
    from numba.core import types
    from numba.core.registry import cpu_target

    signature = tuple(_numba_type(kind) for kind in kinds)
    njit: Any = numba.njit
    dispatcher = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(kernel.py_func)
    dispatcher.compile(signature)
    (result,) = dispatcher.overloads.values()
    returned: Any = result.fndesc.restype
    several = isinstance(returned, types.BaseTuple)
    parts = [] if returned is types.none else list(getattr(returned, "types", [returned]))
    letters = "".join({types.int64: "q", types.float64: "d"}.get(part, "?") for part in parts)
    text = result.library.get_llvm_str()
    foreign = [name for name in re.findall(r'^declare [^@]*@"?([^"(]+)', text, re.M) if not KNOWN.match(name)]
    if "?" in letters or len(letters) > ROOM or foreign:
        return None
    shape = cpu_target.target_context.call_conv.get_function_type(returned, result.fndesc.argtypes)
    symbol = "pmsl_" + hashlib.sha256(_name(kernel, kinds).encode()).hexdigest()[:24]
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


def _name(kernel: Kernel, kinds: tuple) -> str:
    kinds_text = ",".join(f"{k[0].str}{k[1]}{'C' if k[2] else 'A'}" if isinstance(k, tuple) else k.__name__ for k in kinds)
    return f"{kernel.__module__}.{kernel.__name__}({kinds_text})"


def _path(kernel: Kernel, kinds: tuple) -> Path:
    """Return where the machine code is kept; its name holds all that it depends on."""
    key = hashlib.sha256(f"{_name(kernel, kinds)} {_world()}".encode()).hexdigest()[:32]
    return _folder() / f"{kernel.__module__.rpartition('.')[2]}.{kernel.__name__}-{key}.pmslk"


@cache
def _world() -> str:
    """Hash of this folder's sources, the processor, Python and the compiler; OSError where there are no sources to read."""
    from llvmlite import binding

    sources = sorted(Path(__file__).parent.glob("*.py"))
    if not sources:
        raise OSError("imported from an archive: nothing says whether kept code is still right")
    found = hashlib.sha256(f"{HEAD} {_triple()} {binding.get_host_cpu_name()} {_features()}".encode())
    for path in sources:
        found.update(path.name.encode() + path.read_bytes())
    spec = importlib.util.find_spec("numba")
    if spec is not None and spec.origin:
        about = Path(spec.origin).with_name("_version.py")
        found.update(about.read_bytes() if about.exists() else b"")
    return found.hexdigest()


@cache
def _folder() -> Path:
    """Return the first writable one of: NUMBA_CACHE_DIR, or else beside the sources, the user's cache folder; OSError where none is."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    for choose in (lambda: Path(str(named)),) if named else (lambda: Path(__file__).parent / "__pycache__", _of_user):
        try:
            folder = choose()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except (OSError, RuntimeError):  # RuntimeError: there is no home
            continue
    raise OSError("no folder to keep kernels in is writable")


def _of_user() -> Path:
    home = {"win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"), "darwin": "~/Library/Caches"}
    return Path(home.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or "~/.cache")).expanduser() / "pmsl"
