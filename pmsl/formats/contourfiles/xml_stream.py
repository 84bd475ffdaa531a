"""XML of files that nobody here wrote: read without a tree, as UTF-8 whatever it claims, no entities; rings go into `Contours`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.parsers import expat

import numpy as np

from pmsl.core.contours import Contours
from pmsl.errors import JobError

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


def parse(xml: bytes, start: Start, end: End, where: str) -> None:
    """Call `start` and `end` for every element, names without their name space.

    Raises
    ------
    JobError
        Not XML, XML with a document type, or what the callbacks raise as `ValueError`.
    """
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(" ")[2], attributes)
    parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type or entities")

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # points that are not finite are refused with their ring
            parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError, OverflowError) as err:
        raise JobError(
            f"{where}: its contours cannot be read ({err or type(err).__name__}); the file is damaged, copy or write it again"
        ) from err


class Collector:
    """Collects rings, layer after layer."""

    def __init__(self) -> None:
        self._rings: list[np.ndarray] = []
        self._layer_start = [0]
        self.tops_um: list[float] = []

    def layer(self, rings: Iterable[np.ndarray], top_um: float) -> None:
        """Close a layer, of rings (n, 2) [µm]."""
        for ring in rings:
            if not np.isfinite(ring).all() or len(ring) < 3:
                raise ValueError(f"a ring of layer {len(self.tops_um)} has {len(ring)} points, or points that are not finite")
            self._rings.append(ring)
        self._layer_start.append(len(self._rings))
        below = self.tops_um[-1] if self.tops_um else 0.0
        if not (np.isfinite(top_um) and top_um > below):
            raise ValueError(f"the top of layer {len(self.tops_um)} is {top_um:g} µm, below it {below:g} µm")
        self.tops_um.append(top_um)

    def contours(self, where: str) -> Contours:
        """Return all layers."""
        if not self.tops_um:
            raise JobError(f"{where}: holds no slices")
        edges = np.array([0.0, *self.tops_um])
        ring_start = np.cumsum([0, *(len(r) for r in self._rings)]).astype(np.int64)
        xy = np.concatenate(self._rings) if self._rings else np.zeros((0, 2))
        return Contours(xy, ring_start, np.array(self._layer_start, np.int64), edges[:-1] + 0.5 * np.diff(edges))
