"""The order in which the fields of a layer are shown: the shortest way of the stage that is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.fields.tiles import Tile

MOST_SWAPS = 4000
SHORTER_UM = 1e-6


def way_um(tiles: Sequence[Tile]) -> float:
    """Return how long the way from the first field to the last one is [µm].

    Parameters
    ----------
    tiles : sequence of Tile
        In their order.
    """
    corners = np.array([tile.corner_um for tile in tiles]).reshape(-1, 2)
    return float(np.hypot(*np.diff(corners, axis=0).T).sum())


def ordered(tiles: Sequence[Tile], order: str, layer: int) -> list[Tile]:
    """Return the fields of a layer in the order they are shown.

    Parameters
    ----------
    tiles : sequence of Tile
        Those that have light.
    order : {"travel", "rows"}
        Along the shorter of the ways there and back along rows and along columns, made shorter by turning parts of it round, and the
        other way round in every other layer; or in rows.
    layer : int
    """
    rows = sorted(tiles, key=lambda t: (t.row, t.col))
    if order == "rows" or len(rows) < 2:
        return rows
    along_rows = sorted(rows, key=lambda t: (t.row, t.col if t.row % 2 == 0 else -t.col))
    along_cols = sorted(rows, key=lambda t: (t.col, t.row if t.col % 2 == 0 else -t.row))
    best = _turned(min((along_rows, along_cols), key=lambda way: round(way_um(way), 6)))
    return best if layer % 2 == 0 else best[::-1]


def _turned(way: list[Tile]) -> list[Tile]:
    """Turn parts of a way round while that makes it shorter."""
    xy = np.array([tile.corner_um for tile in way])
    order = np.arange(len(way))
    for _ in range(MOST_SWAPS):
        at = xy[order]
        links = np.hypot(*np.diff(at, axis=0).T)
        gap = np.hypot(at[:, None, 0] - at[None, :, 0], at[:, None, 1] - at[None, :, 1])
        before = np.concatenate([[0.0], links])  # of the link to the field before; none before the first
        after = np.concatenate([links, [0.0]])
        to_first = np.vstack([np.zeros(len(at)), gap[:-1]])  # [i, j]: from the field before i to j
        to_last = np.hstack([gap[:, 1:], np.zeros((len(at), 1))])  # [i, j]: from i to the field after j
        gain = np.triu(before[:, None] + after[None, :] - to_first - to_last, 1)
        i, j = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[i, j] <= SHORTER_UM:
            break
        order[i : j + 1] = order[i : j + 1][::-1]
    return [way[n] for n in order]
