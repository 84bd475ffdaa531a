"""What a pass over the layers leaves for the next one: in memory while that is little, else in a file that ends with the passes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import IO

import numpy as np

from pmsl.checks.final_light import Shown
from pmsl.checks.row_runs import RowRuns
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs

IN_MEMORY = 16 << 20  # bytes
OF_RUNS, OF_A_MASK = 3, 6  # arrays
Layer = tuple[RowRuns, Shown]


class LayerSpool:
    """Keeps of every layer what is solid in the end, and its exposures.

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
        self._layers: list[Layer | tuple[int, list[tuple[str, int]]]] = [(0, [])] * n_layers
        self._file: IO[bytes] | None = None

    def __enter__(self) -> LayerSpool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all layers."""
        self._layers.clear()
        if self._file is not None:
            self._file.close()

    def put(self, k: int, final: RowRuns, shown: Shown) -> None:
        """Put a layer aside.

        Parameters
        ----------
        k : int
        final : RowRuns
        shown : list of (LayerMask, (256,) float64, int)
            Masks, doses of their levels [mJ/cm²], how often they are shown.
        """
        arrays = [*final, *(array for one in shown for array in _arrays(*one))]
        size = sum(a.nbytes for a in arrays)
        if self._left >= size:
            self._left -= size
            runs = [(LayerMask(k, self._shape, m.window, m.runs_8bit(), None, m.runs_8bit()), dose, n) for m, dose, n in shown]
            self._layers[k] = final, runs
            return
        self._layers[k] = self._end, [(a.dtype.str, a.size) for a in arrays]
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `close` ends it
        self._file.seek(self._end)
        for array in arrays:
            self._end += self._file.write(np.ascontiguousarray(array).tobytes())

    def get(self, k: int, keep: bool = False) -> Layer:
        """Return a layer.

        Parameters
        ----------
        k : int
        keep : bool
            Whether it will be asked for again; else its memory is free.
        """
        layer = self._layers[k]
        if not keep:
            self._layers[k] = 0, []
            if isinstance(layer[0], RowRuns):
                self._left += _size(layer)
        if isinstance(layer[0], RowRuns):
            return layer
        assert self._file is not None
        self._file.seek(layer[0])
        arrays = []
        for name, size in layer[1]:
            kind = np.dtype(name)
            arrays.append(np.frombuffer(bytearray(self._file.read(size * kind.itemsize)), kind))
        masks = range(OF_RUNS, len(arrays), OF_A_MASK)
        return RowRuns(*arrays[:OF_RUNS]), [_mask(arrays[i : i + OF_A_MASK], k, self._shape) for i in masks]


def _size(layer: Layer) -> int:
    return sum(a.nbytes for a in [*layer[0], *(array for one in layer[1] for array in _arrays(*one))])


def _arrays(mask: LayerMask, dose: np.ndarray, times: int) -> tuple[np.ndarray, ...]:
    return (*mask.runs_8bit(), dose, np.array([times, *mask.window], np.int64))


def _mask(arrays: Sequence[np.ndarray], k: int, shape: tuple[int, int]) -> tuple[LayerMask, np.ndarray, int]:
    runs, (dose, facts) = Runs(*arrays[:4]), arrays[4:]
    times, *window = facts.tolist()
    return LayerMask(k, shape, Window(*window), runs, None, runs), dose, times
