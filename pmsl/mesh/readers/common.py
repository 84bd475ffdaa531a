"""What all mesh readers share: units, the thing they return, numbers from text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.triangle_soup import Soup

UNITS_UM: dict[str, float] = {"um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}

LONGEST_MESSAGE = 400
NUMBER_BYTES = b"0123456789+-.eE"


class RawMesh(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader hands to `load_solid`.

    Attributes
    ----------
    vertices_um : (V, 3) float64
        Vertex positions [µm].
    faces : (F, 3) int32
        Vertex indices, counter-clockwise seen from outside.
    unit : str
        Unit the numbers of the file were in.
    findings : tuple of Finding
        What the reader noticed.
    repairs : tuple of str
        What it had to mend.
    """

    vertices_um: np.ndarray
    faces: np.ndarray
    unit: str
    findings: tuple[Finding, ...] = ()
    repairs: tuple[str, ...] = ()


class RawSoup(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader hands over that need not turn float32 into µm; it has seen that all corners are finite, and that there are some.

    Attributes
    ----------
    soup : Soup
    unit, findings
        As of `RawMesh`.
    """

    soup: Soup
    unit: str
    findings: tuple[Finding, ...] = ()


class BadNumber(ValueError):
    """A text token that is no finite decimal number; `index` is its place among the tokens."""

    def __init__(self, index: int, token: str) -> None:
        self.index = index
        super().__init__(f"{token[:40]!r} is {_why_bad(token)}")


def _why_bad(token: str) -> str:
    low = token.lower()
    if "nan" in low or "inf" in low or low.strip("+-0123456789.e") == "":
        return "not a finite number"
    if "," in low:
        return "not a number: write decimals with a point, not a comma"
    return "not a number"


def parse_floats(tokens: Sequence[bytes]) -> np.ndarray:
    """Turn decimal text into float64.

    Parameters
    ----------
    tokens : sequence of bytes
        One number each; only digits, sign, point and exponent are allowed (no nan, inf, comma, underscore).

    Returns
    -------
    (N,) ndarray of float64

    Raises
    ------
    BadNumber
        For the first token that is no finite number.
    """
    try:
        values = np.array([float(t) for t in tokens], dtype=np.float64)
        if not b"".join(tokens).translate(None, NUMBER_BYTES) and np.isfinite(values).all():
            return values
    except ValueError:
        pass  # the loop below names the culprit
    for index, token in enumerate(tokens):
        if not _is_number(token):
            raise BadNumber(index, token.decode("utf-8", "backslashreplace"))
    raise AssertionError("unreachable: every token is a number")


def _is_number(token: bytes) -> bool:
    try:
        return not token.translate(None, NUMBER_BYTES) and bool(np.isfinite(float(token)))
    except ValueError:
        return False


def brief(error: object) -> str:
    """Return what an error says, long words of the file cut short."""
    text = str(error)
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE // 2]} … {text[-LONGEST_MESSAGE // 2 :]}"


def scale(vertices: np.ndarray, factor: float) -> np.ndarray:
    """Multiply in place; what overflows becomes infinite, which `load_solid` refuses."""
    with np.errstate(over="ignore"):
        vertices *= factor
    return vertices


def plain_text(data: bytes, name: str) -> bytes:
    r"""Return text with UTF-16 turned into UTF-8, no byte order mark, and ``\n`` line ends.

    Raises
    ------
    MeshError
        UTF-16 that cannot be decoded.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode("utf-8")
        except UnicodeError as error:
            raise MeshError(f"{name}: marked as UTF-16 text but cannot be decoded ({error}); save it as plain text") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def fan(polygons: Sequence[Sequence[int]]) -> np.ndarray:
    """Split polygons into fans of triangles around their first corner, (sum of n-2, 3) int64.

    Fans of planar polygons keep the boundary exactly, concave ones too (overlaps cancel by winding).
    """
    flat: list[int] = []
    for p in polygons:
        if len(p) == 3:
            flat += p
        else:
            first = p[0]
            for i in range(1, len(p) - 1):
                flat += (first, p[i], p[i + 1])
    return np.array(flat, dtype=np.int64).reshape(-1, 3)
