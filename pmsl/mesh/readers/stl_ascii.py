"""ASCII STL. Checking has to read every word, so the check is the parse.

A facet is always 21 words::

    facet normal i j k  outer loop  vertex x y z  vertex x y z  vertex x y z  endloop endfacet

so a block of facets is a table of words with 21 columns, checked column by column. Only when a
block fails is it walked word by word, to say where and why. Normals are not used and not read.
"""

from __future__ import annotations

import re

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, BadNumber, RawMesh, parse_floats, scale

FACET = b"facet normal * * * outer loop vertex # # # vertex # # # vertex # # # endloop endfacet".split()
KEYWORDS = [(i, word) for i, word in enumerate(FACET) if word not in (b"*", b"#")]
NUMBERS = [i for i, word in enumerate(FACET) if word == b"#"]
BLOCK = 1 << 21  # bytes of text split into words at a time: bounds the memory
NAME_LINE = re.compile(rb"^[ \t]*(endsolid|solid)(?![^ \t\n])[^\n]*", re.MULTILINE | re.IGNORECASE)
FACET_END = re.compile(rb"\bendfacet\b")


def read_ascii(text: bytes, name: str, unit: str) -> RawMesh:
    r"""Read an ASCII STL; several solids of one file become one mesh.

    Parameters
    ----------
    text : bytes
        The whole file, ``\n`` line ends, no byte order mark.
    name, unit : str

    Returns
    -------
    RawMesh
        A soup: ``vertices_um`` is (3F, 3), ``faces`` counts up.

    Raises
    ------
    MeshError
        A facet that is not three vertices in a loop, a number that is not one, a cut-off file, no facet.
    """
    marks = [m.group(1).lower() for m in NAME_LINE.finditer(text)]
    # names may hold any text, so they go first; newlines stay, so line numbers stay
    facets = NAME_LINE.sub(b"", text).lower()
    blocks = []
    start = 0
    while start < len(facets):
        end = FACET_END.search(facets, start + BLOCK)
        stop = end.end() if end else len(facets)
        blocks.append(_block(facets, start, stop, name))
        start = stop
    vertices = np.concatenate(blocks) if blocks else np.empty((0, 3))
    if len(vertices) == 0:
        raise MeshError(f"{name}: an ASCII STL without a facet; nothing to slice; export it again")
    faces = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    return RawMesh(vertices_um=scale(vertices, UNITS_UM[unit]), faces=faces, unit=unit, findings=_unclosed(marks, len(faces), name))


def _block(facets: bytes, start: int, stop: int, name: str) -> np.ndarray:
    """Return the vertices of whole facets, (3n, 3) float64 in file units."""
    words = facets[start:stop].split()
    width = len(FACET)
    if len(words) % width or any(set(words[i::width]) - {word} for i, word in KEYWORDS):
        _explain(facets, start, name)
    n = len(words) // width
    values = np.empty((n, len(NUMBERS)))
    for column, i in enumerate(NUMBERS):
        try:
            values[:, column] = parse_floats(words[i::width])
        except BadNumber:
            _explain(facets, start, name)
    return values.reshape(3 * n, 3)


def _explain(facets: bytes, start: int, name: str) -> None:
    """Walk the words of a bad block up to the first wrong one and raise."""
    column = 0
    for found in re.finditer(rb"\S+", facets[start:]):
        reason = _wrong(FACET[column], found.group())
        if reason:
            line = facets.count(b"\n", 0, start + found.start()) + 1
            raise MeshError(f"{name}: line {line}: {reason}; the file is damaged or no ASCII STL; export it again")
        column = (column + 1) % len(FACET)
    line = facets.rstrip().count(b"\n") + 1
    raise MeshError(f"{name}: line {line}: the file ends inside a facet; it is cut off; export or copy it again")


def _wrong(expected: bytes, word: bytes) -> str:
    """Say what is wrong with `word` in a place where `expected` belongs; empty when nothing is."""
    shown = word[:40].decode("utf-8", "backslashreplace")
    if expected == b"#":
        try:
            parse_floats([word])
        except BadNumber as error:
            return f"vertex coordinate {error}"
        return ""
    if expected == b"*":
        return f"'{shown}' where three numbers of the facet normal belong" if word in FACET else ""
    if expected == word:
        return ""
    if expected == b"endloop" and word == b"vertex":
        return "a facet with more than three vertices; an STL facet is a triangle"
    return f"'{shown}' where '{expected.decode()}' belongs"


def _unclosed(marks: list[bytes], facets: int, name: str) -> tuple[Finding, ...]:
    """Find a solid without its endsolid: a cut between two facets looks just like that."""
    missing = marks.count(b"solid") - marks.count(b"endsolid")
    if missing <= 0:
        return ()
    message = (
        f"{name}: {missing} of {marks.count(b'solid')} solids have no 'endsolid' line; {facets} whole facets were read; "
        "if the part looks incomplete the file was cut off: export it again"
    )
    return (Finding(code="no-endsolid", severity="warning", message=message, value=float(missing), limit=0.0, unit="solids"),)
