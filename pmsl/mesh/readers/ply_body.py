"""The PLY container: a header that lists elements, and their values as text or bytes.

Counts are promises. Nothing is allocated on their word: values are views of the file, and running
out of file is damage.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

TYPES: dict[str, str] = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("int64",), "i8"),
    **dict.fromkeys(("uint64",), "u8"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
LONGEST = 18  # digits of an index or a length: it fits int64
MOST_DIGITS = 40  # of a count: Python refuses thousands of them
INDEX_NAMES = ("vertex_indices", "vertex_index")
ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}

# property name to a scalar column (n,), a table (n, k) of lists of one length, or lists of several lengths
Columns = dict[str, np.ndarray | list[list[int]]]


class PlyError(ValueError):
    """What is wrong with a PLY file; `read_ply` adds the file name."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its type code, and that of the length when it is a list."""

    name: str
    code: str
    length_code: str = ""


@dataclass(slots=True)
class Element:
    """One element: how many records, of which properties."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)

    @property
    def has_lists(self) -> bool:
        """True where a row holds a list."""
        return any(p.length_code for p in self.properties)


@dataclass(slots=True)
class PlyHeader:
    """Encoding, elements in order, and where the data begin."""

    encoding: str
    elements: list[Element]
    start: int

    def summary(self) -> str:
        """Counts and names of the elements, for messages."""
        return ", ".join(f"{e.count} {e.name}" for e in self.elements)


def read_header(data: bytes) -> PlyHeader:
    """Read the header; raises Damage."""
    mark = data.find(b"end_header")
    if data[:3] != b"ply" or mark < 0:
        raise PlyError("not a PLY file: it must begin with 'ply' and have an 'end_header' line")
    # the data may begin with a byte that looks like a line end, so the header's own line end decides
    line_end = b"\r\n" if data[3:5] == b"\r\n" else data[3:4]
    end = data.find(line_end, mark)
    if line_end not in (b"\n", b"\r", b"\r\n") or end < 0:
        raise PlyError("its header lines do not end")
    header = PlyHeader("", [], end + len(line_end))
    for raw in data[3:mark].decode("utf-8", "backslashreplace").splitlines():
        _header_line(header, raw.split())
    if header.encoding not in ORDERS:
        raise PlyError(f"encoding {header.encoding!r} is not one of {', '.join(ORDERS)}")
    for element in header.elements:
        _check_element(element)
    return header


def _check_element(element: Element) -> None:
    names = [p.name for p in element.properties]
    if len(set(names)) != len(names) or not names:
        raise PlyError(f"element {element.name} has properties {names}; each needs one name")
    for p in element.properties:
        if p.length_code[:1] == "f" or (p.length_code and p.name in INDEX_NAMES and p.code[0] == "f"):
            raise PlyError(f"list {p.name} of element {element.name} counts or indexes with a fraction type")


def _header_line(header: PlyHeader, words: list[str]) -> None:
    match words:
        case ["format", encoding, _]:
            header.encoding = encoding
        case ["element", name, count] if count.isascii() and count.isdigit() and len(count) <= MOST_DIGITS:
            if any(name == e.name for e in header.elements):
                raise PlyError(f"its header lists the element {name!r} twice")
            header.elements.append(Element(name, int(count)))
        case ["property", "list", length, code, name] if header.elements and length in TYPES and code in TYPES:
            header.elements[-1].properties.append(Property(name, TYPES[code], TYPES[length]))
        case ["property", code, name] if header.elements and code in TYPES:
            header.elements[-1].properties.append(Property(name, TYPES[code]))
        case [] | ["comment" | "obj_info", *_]:
            pass
        case _:
            raise PlyError(f"header line {' '.join(words)[:80]!r} is not PLY")


def binary_columns(header: PlyHeader, data: bytes) -> tuple[dict[str, Columns], bytes]:
    """Return the columns of every element and the bytes after the last; raises Damage."""
    order = ORDERS[header.encoding]
    at = header.start
    columns: dict[str, Columns] = {}
    for element in header.elements:
        if element.count == 0:
            continue
        dtype = _record(element, _first_lengths(element, data, at, order), order)
        if at + element.count * dtype.itemsize <= len(data) or not element.has_lists:
            _have(element, (len(data) - at) // max(dtype.itemsize, 1))
            table = np.frombuffer(data, dtype=dtype, count=element.count, offset=at)
            if all((table[f"{p.name} length"] == table[p.name].shape[1]).all() for p in element.properties if p.length_code):
                columns[element.name] = {p.name: table[p.name] for p in element.properties}
                at += element.count * dtype.itemsize
                continue
        columns[element.name], at = _walk_binary(element, data, at, order)
    return columns, data[at:]


def _have(element: Element, whole: int) -> None:
    if whole < element.count:
        raise PlyError(f"the header promises {element.count} {element.name} records, only {max(whole, 0)} are there; it is cut off")


def _first_lengths(element: Element, data: bytes, at: int, order: str) -> list[int]:
    """Return the list lengths of the first record: often those of all."""
    lengths = []
    for p in element.properties:
        if p.length_code:
            dtype = np.dtype(order + p.length_code)
            if at + dtype.itemsize > len(data):
                _have(element, 0)
            lengths.append(int(np.frombuffer(data, dtype=dtype, count=1, offset=at)[0]))
            at += dtype.itemsize
            if not 0 <= lengths[-1] <= len(data):
                raise PlyError(f"{element.name} record 0 has a list of {lengths[-1]} values; that is more than the file holds")
        at += np.dtype(p.code).itemsize * (lengths[-1] if p.length_code else 1)
    return lengths


def _record(element: Element, lengths: list[int], order: str) -> np.dtype:
    left = iter(lengths)
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for p in element.properties:
        if p.length_code:
            fields += [(f"{p.name} length", order + p.length_code), (p.name, order + p.code, (next(left),))]
        else:
            fields.append((p.name, order + p.code))
    try:
        return np.dtype(fields)
    except ValueError as error:
        raise PlyError(f"element {element.name}: {error}") from error


def _walk_binary(element: Element, data: bytes, at: int, order: str) -> tuple[Columns, int]:
    """Read records of differing length one by one; only the lists are kept, scalars of such elements are not needed."""
    readers = [_structs(p, order) for p in element.properties]
    columns: Columns = {p.name: [] for p in element.properties if p.length_code}
    for record in range(element.count):
        try:
            for p, (length, code, size) in zip(element.properties, readers, strict=True):
                if not length:
                    at += size
                    continue
                (n,) = length.unpack_from(data, at)
                columns[p.name].append(list(struct.unpack_from(f"{order}{n}{code}", data, at + length.size)))  # type: ignore[union-attr]
                at += length.size + n * size
        except struct.error:
            _have(element, record)
            raise
    if at > len(data):
        _have(element, element.count - 1)
    return columns, at


def _structs(p: Property, order: str) -> tuple[struct.Struct | None, str, int]:
    char = np.dtype(p.code).char if p.code[1] != "8" or p.code[0] == "f" else {"i": "q", "u": "Q"}[p.code[0]]
    length = struct.Struct(order + np.dtype(p.length_code).char) if p.length_code else None
    return length, char, np.dtype(p.code).itemsize


def ascii_columns(header: PlyHeader, data: bytes) -> tuple[dict[str, Columns], bytes]:
    """Return the columns of every element and the text after the last; raises Damage."""
    words = data[header.start :].split()
    if b"_" in data[header.start :]:  # Python would take 1_0 for a number
        raise PlyError("its data hold an underscore, which is no part of a number")
    at = 0
    columns: dict[str, Columns] = {}
    for element in header.elements:
        rows, at = _rows(element, words, at)
        columns[element.name] = rows
    return columns, b" ".join(words[at : at + 8])


def _rows(element: Element, words: list[bytes], at: int) -> tuple[Columns, int]:
    """Read the records of one element from the stream of words."""
    if not element.has_lists:
        width = len(element.properties)
        _have(element, (len(words) - at) // max(width, 1))
        stop = at + element.count * width
        return {p.name: _values(words[at + i : stop : width], element) for i, p in enumerate(element.properties)}, stop
    columns: Columns = {p.name: [] for p in element.properties if p.length_code}
    for record in range(element.count):
        for p in element.properties:
            if at >= len(words):
                _have(element, record)
            if not p.length_code:
                at += 1
                continue
            known = words[at].isdigit() and len(words[at]) <= LONGEST
            if not known or at + 1 + int(words[at]) > len(words):
                _have(element, record if known else element.count)
                raise PlyError(f"{element.name} record {record}: {words[at][:40]!r} is no list length")
            stop = at + 1 + int(words[at])
            try:
                columns[p.name].append([_whole(w) if p.code[0] in "iu" else 0 for w in words[at + 1 : stop]])  # type: ignore[union-attr]
            except ValueError as error:
                raise PlyError(f"{element.name} record {record}: {error}") from error
            at = stop
    return columns, at


def _whole(word: bytes) -> int:
    if len(word) > LONGEST:
        raise ValueError(f"{word[:40].decode('latin-1')!r} is no index")
    return int(word)


def _values(words: list[bytes], element: Element) -> np.ndarray:
    try:
        return np.array([float(w) for w in words], dtype=np.float64)
    except ValueError as error:
        raise PlyError(f"{element.name}: {error}; numbers are written with a decimal point") from error
