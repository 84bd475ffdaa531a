"""STL, binary and ASCII. Which of the two is decided by content, never by the word "solid".

The binary reader never believes the triangle count: it must agree with the size of the file.
"""

from __future__ import annotations

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.parallel import in_blocks
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, RawMesh, RawSoup, plain_text
from pmsl.mesh.triangle_soup import Soup

HEAD = 84  # 80 bytes of anything, then the count as uint32
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", 9), ("attribute", "<u2")])
BLOCK = 1 << 14  # triangles copied and checked at a time: stays in the cache


def read_stl(data: bytes, name: str, unit: str) -> RawMesh | RawSoup:
    """Read an STL file, binary or ASCII.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name used in messages.
    unit : str
        Key of `UNITS_UM`.

    Returns
    -------
    RawSoup
        Of a binary file: its float32 corners as they are.
    RawMesh
        Of an ASCII file: ``vertices_um`` is (3F, 3), ``faces`` counts up.

    Raises
    ------
    MeshError
        Neither kind of STL, cut off, a count that does not fit, no triangle, a coordinate that is not finite.
    """
    count = int.from_bytes(data[80:HEAD], "little") if len(data) >= HEAD else -1
    if count >= 0 and len(data) == HEAD + RECORD.itemsize * count:
        return _binary(data, count, name, unit, ())
    text = _ascii_text(data, name)
    if text is not None:
        from pmsl.mesh.readers.stl_ascii import read_ascii

        return read_ascii(text, name, unit)
    if count < 0:
        raise MeshError(
            f"{name}: neither an ASCII nor a binary STL: {len(data)} bytes, a binary STL has at least {HEAD} and an ASCII STL "
            "begins with 'solid' and has facets; export it again"
        )
    return _binary(data, count, name, unit, _trailing(data, count, name))


def _ascii_text(data: bytes, name: str) -> bytes | None:
    """Return the text of an ASCII STL, None where the content is not one."""
    head = data[:4096]
    utf16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not utf16 and (b"\0" in head or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:5].lower() != b"solid"):
        return None
    try:
        text = plain_text(data, name)
    except MeshError:
        return None  # two odd bytes at the start of a binary file
    low = text.lower()
    return text if low.lstrip().startswith(b"solid") and (b"facet" in low or b"endsolid" in low) else None


def _trailing(data: bytes, count: int, name: str) -> tuple[Finding, ...]:
    """Judge a size that does not fit the count: a short harmless tail is a finding, the rest is refused."""
    promised = HEAD + RECORD.itemsize * count
    extra = len(data) - promised
    if extra < 0:
        whole = (len(data) - HEAD) // RECORD.itemsize
        raise MeshError(
            f"{name}: neither an ASCII STL nor a whole binary STL: the count says {count} triangles = {promised} bytes, the file has "
            f"{len(data)} bytes = {whole} whole triangles of {count}; it is cut off or its count is wrong; export or copy it again"
        )
    tail = data[promised:]
    if extra >= RECORD.itemsize and tail.count(0) != extra:
        raise MeshError(
            f"{name}: the count says {count} triangles = {promised} bytes, but {extra} more bytes follow (room for "
            f"{extra // RECORD.itemsize} more triangles, not all zero); the count is wrong; export it again"
        )
    message = f"{name}: {extra} bytes follow the last of {count} triangles and were not read; harmless if the part is complete"
    return (Finding(code="trailing-bytes", severity="warning", message=message, value=float(extra), limit=0.0, unit="bytes"),)


def _binary(data: bytes, count: int, name: str, unit: str, findings: tuple[Finding, ...]) -> RawSoup:
    if count == 0:
        raise MeshError(f"{name}: a binary STL with 0 triangles; nothing to slice; export it again")
    corners = np.frombuffer(data, dtype=RECORD, count=count, offset=HEAD)["corners"]
    out = np.empty((count, 9), dtype=np.float32)

    def copy(some: slice) -> None:
        for start in range(some.start, some.stop, BLOCK):
            block = out[start : min(start + BLOCK, some.stop)]
            block[:] = corners[start : start + len(block)]
            if not np.isfinite(block).all():
                _refuse_not_finite(block, start, count, name)

    in_blocks(copy, count)
    return RawSoup(soup=Soup(out.reshape(3 * count, 3), UNITS_UM[unit]), unit=unit, findings=findings)


def _refuse_not_finite(block: np.ndarray, start: int, count: int, name: str) -> None:
    row = int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
    values = [[float(v) for v in corner] for corner in block[row].reshape(3, 3)]
    raise MeshError(
        f"{name}: triangle {start + row} (counted from 0, of {count}) has a coordinate that is not finite: {values}; export the mesh again"
    )
