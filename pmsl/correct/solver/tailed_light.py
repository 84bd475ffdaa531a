"""What a spot that lights the whole field brings from afar: the light of a layer's other pixels, and of layers that come after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmsl.core.mask import LayerMask, Window, around, in_field
from pmsl.correct.solver.accumulated_dose import Above, Depth
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels
from pmsl.correct.solver.solver_setup import SolverSetup
from pmsl.correct.solver.target_surfaces import levels_at
from pmsl.correct.solver.wide_spots import TailedSpot

ON_PLANE = 1e-6  # of a layer: so near to its far face a face lies on it
AT_PLANE = 0.25  # of a layer whose exposure plane a face lies on: half, for it is there below the face and not above; and its walls are dim


class TailedLight:
    """Follows the far light of a block's `layers`; `flat` (P,) is the light of a white pixel relative to the white dose."""

    def __init__(
        self, setup: SolverSetup, spot: TailedSpot, pixels: Pixels, flat: np.ndarray, mask: Callable[[int], LayerMask], layers: range
    ) -> None:
        self._setup, self._spot, self._pixels, self._flat, self._mask = setup, spot, pixels, flat, mask
        self._later: dict[int, np.ndarray] = {}
        self._lit = around([in_field(pixels.window, setup.grid.shape), *(mask(k).window for k in layers)])  # one for all: so is its kernel

    @classmethod
    def of(
        cls, setup: SolverSetup, pixels: Pixels, flat: np.ndarray, mask: Callable[[int], LayerMask], layers: range
    ) -> TailedLight | None:
        """Make it for a spot that lights the whole field; None for others."""
        return cls(setup, setup.spot, pixels, flat, mask, layers) if isinstance(setup.spot, TailedSpot) else None

    def far(self, k: int, own: np.ndarray, above: Above, before: np.ndarray | None) -> np.ndarray:
        """Return what pixels see of the far light of layer k, itself `own` (P + 1,); it is put to that of the layers above.

        There it stands in place of `before`, which was put there first.
        """
        far = self._spot.far(*self._field(k, own[:-1]), self._pixels)
        above.add(np.append(np.zeros(len(own)), far if before is None else far - before))
        return far

    def foreseen(self, k: int, z_um: np.ndarray, above: Above, highest_faces: Callable[[int], np.ndarray]) -> Above:
        """Return `above` with what layers below `k` will bring to faces at `z_um` (P + 1,), -inf where there is none.

        They are taken as the design has them, and dark over all faces that they reach (`highest_faces`).
        """
        law: Law = self._setup.law
        coming, number = np.zeros(len(z_um)), np.flatnonzero(z_um > -np.inf)
        slack = ON_PLANE * float(law.z_edges_um[k + 1] - law.z_edges_um[k])
        slab = np.searchsorted(law.z_edges_um, z_um[number] + slack, side="right") - 1
        on_plane = z_um[number] <= law.z_edges_um[slab] + slack
        for j in range(k - 1, max(int(slab.min(initial=k)) - 2, -1), -1):
            below = on_plane & (slab == j + 1)
            mine, share = number[(slab <= j) | below], np.where(below, AT_PLANE, 1.0)[(slab <= j) | below]
            if not len(mine):
                continue
            if j not in self._later:
                base = levels_at(self._mask(j), self._pixels.row, self._pixels.col)
                shown = np.where(highest_faces(j)[:-1] > -np.inf, 0.0, base) * law.white_mj_cm2[j] * self._flat
                self._later[j] = np.append(self._spot.all_light(*self._field(j, shown), self._pixels), 0.0)
            coming[mine] += share * self._later[j][mine] * law.left_at(np.maximum(law.z_edges_um[j + 1] - z_um[mine], 0.0))
        return Foreseen(above, coming)

    def _field(self, k: int, own: np.ndarray) -> tuple[np.ndarray, Window]:
        """Return the light of all of layer k, `own` (P,) in the numbered pixels, and the window it lies in."""
        setup, pixels, source = self._setup, self._pixels, self._lit
        light = self._mask(k).within(source, np.uint16) * (float(setup.law.white_mj_cm2[k]) / 65535)
        if setup.flat is not None:
            light = light * setup.flat[source.row0 : source.row0 + source.rows, source.col0 : source.col0 + source.cols]
        light[pixels.row - source.row0, pixels.col - source.col0] = own
        return light, source


class Foreseen:
    """Light of the layers above, and `coming` (P + 1,) of those below, to what a pixel has of a face."""

    def __init__(self, above: Above, coming: np.ndarray) -> None:
        self._above, self._coming = above, coming

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        self._above.fall(um)

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        self._above.add(own)

    def maps(self) -> list[np.ndarray]:
        """Return those of the layers above."""
        return self._above.maps()

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return the dose of both."""
        assert cells is not None
        return np.asarray(self._above.dose(seen, depth_um, cells) + self._coming[cells.pixel])

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return None."""
        return None
