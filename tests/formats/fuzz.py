"""Mutated real files for every reader: bytes changed anywhere, and tables, numbers and frames changed inside a zip that stays whole.

A format that is a folder has its files in a zip here, until `put` lays them out.

Used by the tests, a few inputs of each format, and by ``benchmarks/fuzz_readers.py``, as many as one likes.
"""

import io
import random
import shutil
import signal
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from formats.conformance import RESIN, degenerate_frames, f_frame, job_of, printer_of

import pmsl
from pmsl.errors import JobError
from pmsl.formats import registry

SHAPE = (19, 27)
TABLES = (".json", ".ini", ".model")
PATIENCE_S = 20  # for one input of a few kB
EXTREMES = ["0", "-1", "1e308", "1e-308", "4294967295", "18446744073709551616", "NaN", "Infinity", "null", '""', "[]", "{}", "true", "2.5"]
SPLICES = [b"\0", b"\xff" * 4, b"PK\3\4", b"PK\1\2", b"PK\5\6", b"IDAT", b"../", b'"', b"{", b"[" * 40, b"\xff\xff\xff\x7f", b"\0\0\0\x80"]


def seeds(folder: Path) -> dict[str, bytes]:
    """One small real file of every shipped reader, by name."""
    found = {}
    for shipped in registry.SHIPPED:
        made = registry.find(shipped.name)
        capability = made.capability
        if capability.exact_size is not None:
            continue  # read by the same reader as its sibling
        path = folder / f"{shipped.name}{'.zip' if shipped.name in ('native', 'byu') else (*made.suffixes, '')[0]}"
        if hasattr(made, "contours"):
            pmsl.write(_prism_job(), path, format=shipped.name)
        else:
            printer = printer_of(SHAPE, capability.exact_pitch_um or (7.6, 7.6))
            frames = [f_frame(SHAPE), None, *degenerate_frames(SHAPE)[-3:]]
            pmsl.write(job_of(frames, printer), path, format=shipped.name, lossy=True, design=False, threads=1)
        found[shipped.name] = _packed(path) if path.is_dir() else path.read_bytes()
    assert RESIN.name and len(found) == len(registry.SHIPPED) - 2  # the panels of two printers
    return found


def _prism_job():
    """A job whose parts have contours: a wedge with a hole."""
    corners = np.array([[0, 0], [150, 0], [150, 90], [0, 90], [30, 20], [30, 60], [90, 60], [90, 20]], np.float64)
    vertices = np.vstack([np.column_stack([corners, np.full(8, z)]) for z in (0.0, 60.0)])
    walls = [(first + i, first + (i + 1) % 4) for first in (0, 4) for i in range(4)]
    sides = [f for a, b in walls for f in ([a, b, b + 8], [a, b + 8, a + 8])]
    ring = [(i, 4 + (4 - i) % 4) for i in range(4)]  # outer corner, and the inner one beside it
    lids = [f for (a, c), (b, d) in zip(ring, ring[1:] + ring[:1], strict=True) for f in ([a, b, c], [b, d, c])]
    faces = np.array([*sides, *([a + 8, b + 8, c + 8] for a, b, c in lids), *([b, a, c] for a, b, c in lids)])
    printer = printer_of(SHAPE)
    return pmsl.prepare(pmsl.place([pmsl.Solid.from_arrays(vertices, faces)], printer, RESIN), printer, RESIN)


def _packed(folder: Path) -> bytes:
    """Put the files of a folder into a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            z.write(path, path.relative_to(folder).as_posix())
    return out.getvalue()


def is_folder(name: str) -> bool:
    """Tell whether files of a format are folders."""
    return name == "ome-zarr"


def put(path: Path, name: str, data: bytes) -> None:
    """Write an input where it is to be read; of a folder's files those that stay inside it."""
    if path.is_dir():
        shutil.rmtree(path)
    if not is_folder(name):
        path.write_bytes(data)
        return
    path.unlink(missing_ok=True)
    path.mkdir()
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        for member in z.namelist():
            place = path / member
            if ".." in member or member.startswith("/") or place.exists() or any(p.is_file() for p in place.parents):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(z.read(member))


def mutated(seed: bytes, rng: random.Random, folder: bool = False) -> bytes:
    """One mutation of a file, or several; of a `folder`, of files in it."""
    data = seed
    if folder:
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            data = _inside(data, rng)
        return data
    if data[:2] == b"PK" and rng.random() < 0.65:
        data = _inside(data, rng)
    elif data[:5] == b"<?xml" and rng.random() < 0.65:
        data = _text(data, rng)
    if data is seed or rng.random() < 0.15:
        for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
            data = _bytes(data, rng)
    return data


def _bytes(data: bytes, rng: random.Random) -> bytes:
    """Change bytes anywhere."""
    n = len(data)
    if not n:
        return rng.choice(SPLICES)
    at, size = rng.randrange(n), rng.choice((1, 2, 4, 8, 64, 1000))
    how = rng.randrange(8)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + data[at + size :]
    if how == 2:
        return data[:at] + rng.choice(SPLICES) + data[at:]
    if how == 3:
        return data[:at] + data[at : at + size] * 2 + data[at + size :]
    if how == 4:
        value = rng.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, n, n - 1, rng.getrandbits(32)))
        return data[:at] + struct.pack(rng.choice("<>") + "I", value) + data[at + 4 :]
    if how == 5:
        return data[:at] + rng.randbytes(size) + data[at + size :]
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _inside(data: bytes, rng: random.Random) -> bytes:
    """Change one member of a zip; its check sum fits."""
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        members = {name: z.read(name) for name in z.namelist()}
    name = rng.choice(list(members))
    tables = [n for n in members if n.endswith(TABLES)]
    if rng.random() < 0.6 and tables:
        name = rng.choice(tables)
    how = rng.randrange(12)
    if how == 0:
        del members[name]
    elif how == 1:
        members[rng.choice((name + "x", "../" + name, "/" + name, name.upper(), "job.json", "plate.json", "config.ini"))] = members.pop(
            name
        )
    elif name.endswith(".png") and how < 8:
        members[name] = _png(rng)
    elif name.endswith(TABLES):
        members[name] = _text(members[name], rng)
    else:
        members[name] = _bytes(members[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as z:
        for member, content in members.items():
            z.writestr(member, content)
    return out.getvalue()


def _text(data: bytes, rng: random.Random) -> bytes:
    """Change a number, a word or a bracket of a table."""
    text = data.decode("latin-1")
    spots = [i for i, c in enumerate(text) if c.isdigit() and not text[i - 1].isdigit()]
    if spots and rng.random() < 0.7:
        begin = rng.choice(spots)
        end = begin
        while end < len(text) and text[end] in "0123456789.eE+-":
            end += 1
        return (text[:begin] + rng.choice(EXTREMES) + text[end:]).encode("latin-1")
    lines = text.splitlines(keepends=True)
    i = rng.randrange(len(lines)) if lines else 0
    how = rng.randrange(4)
    if how == 0 and lines:
        lines.pop(i)
    elif how == 1 and lines:
        lines.insert(i, lines[i])
    elif how == 2:
        lines.insert(i, rng.choice(("[" * 3000, '{"a":' * 2000, "<g>" * 2000, "<!DOCTYPE a>", "\ud7ff", "x" * 5000 + "\n", "\0\n")))
    else:
        return _bytes(data, rng)
    return "".join(lines).encode("utf-8", "replace")


def _png(rng: random.Random) -> bytes:
    """A whole PNG of a header that may lie, whose data may be another size: far more, none, or noise."""
    cols, rows = rng.choice(((27, 19), (19, 27), (1, 1), (27, 0), (2**31 - 1, 2**31 - 1), (27, 20), (60000, 60000)))
    raw = rng.choice((bytes((cols + 1) * rows) if cols * rows < 1 << 20 else b"\0" * 100, bytes(1 << 22), b"", rng.randbytes(28 * 19)))
    depth, colour = rng.choice(((8, 0), (8, 0), (8, 0), (16, 0), (8, 2), (1, 0), (8, 3)))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", cols, rows, depth, colour, 0, 0, rng.choice((0, 0, 0, 1)))
    body = zlib.compress(raw, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", body[: rng.choice((len(body), len(body) // 2))])
        + chunk(b"IEND", b"")
    )


@contextmanager
def patience(seconds: int = PATIENCE_S):
    """Stop what takes longer; nothing on systems without alarms."""

    def late(*_):
        raise TimeoutError(f"took more than {seconds} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def try_to_read(path: Path, name: str) -> bool:
    """Recognise, verify and read a file; True where it could be read. Anything but a JobError is a failure."""
    read = False
    made = registry.find(name)
    with patience():
        if hasattr(made, "contours"):
            try:
                found = made.contours(path)
                assert all(np.isfinite(ring).all() for k in range(found.n_layers) for ring in found.rings(k))
                read = True
            except JobError:
                read = False
        for attempt in (lambda: pmsl.read(path), lambda: pmsl.read(path, name)):
            try:
                job = attempt()
                for k in range(min(job.n_layers, 50)):
                    for e in job[k].exposures:
                        assert e.time_s > 0 and np.isfinite(e.time_s)
                        if e.mask.shape[0] * e.mask.shape[1] < 1 << 20:
                            e.mask.dense(np.uint8)
                read = True
            except JobError:
                continue
    return read
