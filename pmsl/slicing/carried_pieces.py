"""Pieces of a section, and which of them lie over any of the section below: what hangs on none is an island, not a ledge."""

from __future__ import annotations

import numpy as np

from pmsl.slicing.contours import link
from pmsl.slicing.polygons import solid_region

LATTICE_UM = 1e-6  # on which sides are one that parts share, to the rounding of their corners
TOUCH_UM2 = 1e-2  # what shares less only touches
AT_ONCE = 16  # layers whose pieces are kept: two neighbours ask for those of one


class SectionPieces:
    """Makes the pieces of sections; asked from any thread."""

    def __init__(self) -> None:
        self._made: dict[int, np.ndarray] = {}

    def of(self, k: int, segments_um: np.ndarray) -> np.ndarray:
        """Return the pieces of layer k, kept from an earlier time or made now: (n,) shapely polygons.

        Parameters
        ----------
        k : int
        segments_um : (S, 4) float64
            Its boundary: x0, y0, x1, y1 with solid on the left [µm]; MeshError where it does not close.
        """
        import shapely

        pieces = self._made.get(k)
        if pieces is None:
            pieces = self._made[k] = shapely.get_parts(solid_region(link(segments_um, k), LATTICE_UM))
            for old in list(self._made)[:-AT_ONCE]:
                self._made.pop(old, None)
        return pieces


class CarriedPieces:
    """The pieces of a section, and whether they are carried.

    Parameters
    ----------
    pieces, below : (n,) and (m,) object
        Polygons of the section, and of the one below.
    """

    def __init__(self, pieces: np.ndarray, below: np.ndarray) -> None:
        import shapely

        self._pieces, self._below, self._tree = pieces, below, shapely.STRtree(below)
        self._known: dict[int, bool] = {}

    def at(self, x_um: float, y_um: float) -> bool:
        """Tell whether the piece that a point lies in, or is nearest to, is carried.

        Parameters
        ----------
        x_um, y_um : float
        """
        import shapely

        return self._is_carried(int(np.argmin(shapely.distance(self._pieces, shapely.Point(x_um, y_um)))))

    def at_many(self, points_um: np.ndarray) -> np.ndarray:
        """Tell it of many points: (n,) bool.

        Parameters
        ----------
        points_um : (n, 2) float64
        """
        import shapely

        nearest = shapely.STRtree(self._pieces).nearest(shapely.points(points_um))
        return np.array([self._is_carried(i) for i in nearest.tolist()], bool)

    def _is_carried(self, i: int) -> bool:
        import shapely

        if i not in self._known:
            near, shared_um2 = self._below[self._tree.query(self._pieces[i])], 0.0
            for other in near.tolist():  # of many one is enough
                shared_um2 += float(shapely.area(shapely.intersection(self._pieces[i], other)))
                if shared_um2 > TOUCH_UM2:
                    break
            self._known[i] = shared_um2 > TOUCH_UM2
        return self._known[i]
