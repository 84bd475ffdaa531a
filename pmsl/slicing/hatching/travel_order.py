"""What is drawn next: the nearest of what is left."""

from __future__ import annotations

from typing import Any

import numpy as np

NEAREST = 8  # entries that are looked at first


def nearest_first(entries_um: np.ndarray, exits_um: np.ndarray, item: np.ndarray, start_um: np.ndarray) -> np.ndarray:
    """Choose where each item is begun so that the way from the end of the one before is the shortest there is.

    Parameters
    ----------
    entries_um, exits_um : (m, 2) float64
        Where an item can be begun, and where it then ends [µm].
    item : (m,) int64
        Which item that is; every number up to the largest has one entry or more.
    start_um : (2,) float64
        Where the first way begins.

    Returns
    -------
    (items,) int64
        The entries that are used, in order; of equally near ones the first.
    """
    n_items = int(item.max(initial=-1)) + 1
    chosen = np.empty(n_items, np.int64)
    left = np.ones(n_items, bool)
    nearest = _Nearest(entries_um, item, left)
    at = start_um
    for i in range(n_items):
        chosen[i] = nearest.entry(at, n_items - i)
        left[item[chosen[i]]] = False
        at = exits_um[chosen[i]]
    return chosen


class _Nearest:
    """Finds the nearest entry of an item that is left; its tree is made anew when half of what is in it is gone."""

    def __init__(self, entries_um: np.ndarray, item: np.ndarray, left: np.ndarray) -> None:
        self._entries_um, self._item, self._left = entries_um, item, left
        self._in_tree = np.zeros(0, np.int64)
        self._items = 0
        self._tree: Any = None

    def entry(self, at_um: np.ndarray, n_left: int) -> int:
        """Return the nearest entry to a point; of equally near ones the first."""
        if self._tree is None or 2 * n_left < self._items:
            from scipy.spatial import cKDTree

            self._in_tree, self._items = np.flatnonzero(self._left[self._item]), n_left
            self._tree = cKDTree(self._entries_um[self._in_tree])
        many = min(NEAREST, len(self._in_tree))
        while True:
            far, place = (np.atleast_1d(found) for found in self._tree.query(at_um, many))
            there = self._in_tree[place]
            free = self._left[self._item[there]]
            least = far[free].min(initial=np.inf)
            if least < far[-1] or many == len(self._in_tree):  # all that are as near have been seen
                return int(there[free & (far == least)].min())
            many = min(4 * many, len(self._in_tree))
