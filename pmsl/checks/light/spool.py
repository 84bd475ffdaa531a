"""What passes over the layers leave for the next ones: in memory while that is little, else in a file that ends with the passes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import IO, NamedTuple

import numpy as np

from pmsl.checks.light.final_light import Shown
from pmsl.checks.light.row_runs import RowRuns
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs

IN_MEMORY = 16 << 20  # bytes
OF_A_MASK = 6  # arrays


class _InFile(NamedTuple):
    """Arrays in the file: where they begin, and the type and size of each."""

    at: int
    kinds: list[tuple[str, int]]


_Arrays = tuple[np.ndarray, ...]


class LayerSpool:
    """Keeps of every layer its exposures, and which pixels are solid.

    Parameters
    ----------
    n_layers : int
    shape : (int, int)
        (rows, cols) of the grid.
    in_memory : int
        How many bytes of arrays are kept in memory; what comes after goes to a temporary file.
    """

    def __init__(self, n_layers: int, shape: tuple[int, int], in_memory: int = IN_MEMORY) -> None:
        self._shape, self._left, self._end = shape, in_memory, 0
        self._shown: list[_Arrays | _InFile] = [()] * n_layers
        self._solid: list[_Arrays | _InFile] = [()] * n_layers
        self._file: IO[bytes] | None = None

    def __enter__(self) -> LayerSpool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all layers."""
        self._shown.clear()
        self._solid.clear()
        if self._file is not None:
            self._file.close()

    def put_shown(self, k: int, shown: Shown) -> None:
        """Put the exposures of a layer aside, once.

        Parameters
        ----------
        k : int
        shown : list of (LayerMask, (256,) float64, int)
            Masks, doses of their levels [mJ/cm²], how often they are shown.
        """
        self._shown[k] = self._put([array for one in shown for array in _arrays(*one)])

    def put_solid(self, k: int, solid: RowRuns) -> None:
        """Put aside which pixels of a layer are solid, in place of those of an earlier pass.

        Parameters
        ----------
        k : int
        solid : RowRuns
        """
        before = self._solid[k]
        if not isinstance(before, _InFile):
            self._left += _size(before)
        self._solid[k] = self._put(solid)

    def shown(self, k: int) -> Shown:
        """Return the exposures of a layer.

        Parameters
        ----------
        k : int
        """
        arrays = self._get(self._shown[k])
        return [_mask(arrays[i : i + OF_A_MASK], k, self._shape) for i in range(0, len(arrays), OF_A_MASK)]

    def solid(self, k: int) -> RowRuns:
        """Return which pixels of a layer are solid.

        Parameters
        ----------
        k : int
        """
        return RowRuns(*self._get(self._solid[k]))

    def _put(self, arrays: Sequence[np.ndarray]) -> _Arrays | _InFile:
        size = _size(arrays)
        if self._left >= size:
            self._left -= size
            return tuple(arrays)
        out = _InFile(self._end, [(a.dtype.str, a.size) for a in arrays])
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `close` ends it
        self._file.seek(self._end)
        for array in arrays:
            self._end += self._file.write(np.ascontiguousarray(array).tobytes())
        return out

    def _get(self, arrays: _Arrays | _InFile) -> _Arrays:
        if not isinstance(arrays, _InFile):
            return arrays
        assert self._file is not None
        self._file.seek(arrays.at)
        kinds = [(np.dtype(name), size) for name, size in arrays.kinds]
        return tuple(np.frombuffer(bytearray(self._file.read(size * kind.itemsize)), kind) for kind, size in kinds)


def _size(arrays: Sequence[np.ndarray]) -> int:
    return sum(a.nbytes for a in arrays)


def _arrays(mask: LayerMask, dose: np.ndarray, times: int) -> tuple[np.ndarray, ...]:
    return (*mask.runs_8bit(), dose, np.array([times, *mask.window], np.int64))


def _mask(arrays: Sequence[np.ndarray], k: int, shape: tuple[int, int]) -> tuple[LayerMask, np.ndarray, int]:
    runs, (dose, facts) = Runs(*arrays[:4]), arrays[4:]
    times, *window = facts.tolist()
    return LayerMask(k, shape, Window(*window), runs, None, runs), dose, times
