"""How frames lie: which way their rows and columns grow, and in what lattice the mirrors stand."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pmsl.profiles.tables.strict_struct import Strict

Axis = Literal["+x", "-x", "+y", "-y"]


class Orientation(Strict, frozen=True, kw_only=True):
    """Which way frame rows and columns grow, seen from the light side looking toward the plate.

    Attributes
    ----------
    row : {"+x", "-x", "+y", "-y"}
        Where the next row lies.
    col : {"+x", "-x", "+y", "-y"}
        Where the next column lies; along the other axis.
    """

    row: Axis = "-y"
    col: Axis = "+x"

    def __post_init__(self) -> None:
        if self.row[1] == self.col[1]:
            raise ValueError(f"row {self.row} and col {self.col} lie along the same axis")

    @property
    def mirrored(self) -> bool:
        """True where the frame seen in a viewer is the mirror image of the part seen from the light side."""
        vectors = {"+x": (1, 0), "-x": (-1, 0), "+y": (0, 1), "-y": (0, -1)}
        right, down = vectors[self.col], vectors[self.row]
        return right[0] * -down[1] + right[1] * down[0] < 0

    lattice: ClassVar[str] = "orthogonal"

    @property
    def plain(self) -> Orientation:
        """The turn alone, for pictures of the field."""
        return self


class Diamond(Orientation, frozen=True, kw_only=True):
    """How frames of a diamond lattice lie: `frame` is their (rows, cols), and odd rows are shifted by half a pixel to the right.

    Mirrors that stand on their corners are the cells of a square grid at 45° to the frame: the field of such a device. Its x
    lies between the x and the y that `Orientation` speaks of, its y between y and -x. So a frame holds the field's pixels in
    another order, and none is computed anew. The field's corners have no mirrors.
    """

    frame: tuple[int, int]
    lattice: ClassVar[str] = "diamond"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.row[1] != "y":
            raise ValueError(f"row is {self.row}; rows of a diamond lattice run along x, so it must be +y or -y")

    @property
    def plain(self) -> Orientation:
        """The turn alone, for pictures of the field."""
        return Orientation(row=self.row, col=self.col)

    @property
    def field(self) -> tuple[int, int]:
        """(rows, cols) of the smallest grid that has a cell for every mirror."""
        across, along = self._ends()
        return (across[1] - across[0]) // 2 + 1, (along[1] - along[0]) // 2 + 1

    def cell(self, i: Any, j: Any) -> tuple[Any, Any]:
        """Return (row, col) of the field's pixel that frame row `i`, column `j` shows; of integers, or arrays of them."""
        across, along = self._ends()
        y, x = self._half_diagonals(i, j)
        return (y - x - across[0]) // 2, (y + x - along[0]) // 2

    def _ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the smallest and the largest of y - x and of y + x: they are in the frame's outer rows and columns."""
        rows, cols = self.frame
        outer = [self._half_diagonals(i, j) for i in (0, min(1, rows - 1), max(0, rows - 2), rows - 1) for j in (0, cols - 1)]
        across, along = [y - x for y, x in outer], [y + x for y, x in outer]
        return (min(across), max(across)), (min(along), max(along))

    def _half_diagonals(self, i: Any, j: Any) -> tuple[Any, Any]:
        """Return y and x of mirrors, in halves of a mirror's diagonal."""
        rows, cols = self.frame
        right = 2 * j + i % 2
        return (i if self.row[0] == "+" else rows - 1 - i), (right if self.col[0] == "+" else 2 * cols - 1 - right)
