"""Grays that cure nothing: pixels away from white that never receive the critical dose, with all light of the layers above."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.correct.shapes import disc
from pmsl.cure import CureModel
from pmsl.masks.recent import RecentMasks
from pmsl.optics.field import lit
from pmsl.optics.grayscale import FINE, WHITE
from pmsl.optics.image import Projector
from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled
from pmsl.optics.spread import spread, target_of
from pmsl.profiles.process import Unreachable

MaskOf = Callable[[int], LayerMask]
DEPTHS = 5.0  # decay lengths of layers above that are counted: e^-5 of a dose is left there
NEIGHBOUR_PX = 1.5  # pixels that touch, corners too
TILE = 4  # pixels a side at least, of the map of how high the part is
MANY = 256  # pixels from which on that map pays
STEPS = 60
CLOSE = 1e-9
FAINT = 1e-9  # of white: what is left out of single pixels' light

SAID: dict[str, str] = {
    "keep": "gray pixels away from white do not reach the critical dose, with the blur and all light of the layers above: nothing cures "
    "there; 'lift' or 'drop' them (unreachable), or make the feature wider",
    "lift": "gray pixels away from white would not reach the critical dose: raised to the least level that cures them through their layer",
    "drop": "gray pixels away from white would not reach the critical dose: made black",
}


@dataclass(frozen=True, slots=True, eq=False)
class GrayCheck:
    """Finds grays that cure nothing and does with them what the process says; prepared once for a job.

    Attributes
    ----------
    do : {"keep", "lift", "drop"}
    grid : Grid
    projector : Projector
        Flat field and point spread.
    response : (256,) float64
        Irradiance of every gray level relative to white.
    cure : CureModel
    white_mj_cm2 : (L,) float64
        White dose of every layer.

    Notes
    -----
    Only grays further from every white pixel than 3 σ of the optics (and not touching one) are looked at: a gray beside white places
    an edge, whatever its own dose. The dose is that in the middle of the pixel, where a lone pixel is brightest: of the layer itself
    and of those above within `DEPTHS` decay lengths, as their masks are before corrections. Scatter is left out.
    """

    do: Unreachable
    grid: Grid
    projector: Projector
    response: np.ndarray
    cure: CureModel
    white_mj_cm2: np.ndarray
    _known: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def layers_above(self) -> int:
        """How many layers above one are looked at, at most."""
        return math.ceil(DEPTHS * self.cure.decay.longest_um / float(self.grid.thickness_um.min()))

    def apply(self, k: int, mask: LayerMask, mask_of: MaskOf) -> tuple[LayerMask, tuple[Finding, ...]]:
        """Look at the grays of layer k.

        Parameters
        ----------
        k : int
        mask : LayerMask
            Of layer k.
        mask_of : callable
            Mask of any layer above; asked for only where there are grays away from white.

        Returns
        -------
        mask : LayerMask
            The same object where nothing is changed.
        findings : tuple of Finding
        """
        pixels, own = self.doubtful(k, mask)
        if len(pixels):
            above = self._from_above(k, mask_of, pixels, 0.0, self.lacking(own))
            pixels = pixels[self.join(own, above) < self.cure.threshold_mj_cm2]
        if len(pixels) == 0:
            return mask, ()
        finding = self.finding(k, pixels)
        if self.do == "keep":
            return mask, (finding,)
        levels = self._lifted(k, mask, mask_of, pixels) if self.do == "lift" else np.zeros(len(pixels), np.uint16)
        window = mask.window
        changed = mask.within(window, np.uint16)
        changed[pixels[:, 0] - window.row0, pixels[:, 1] - window.col0] = levels
        return LayerMask.from_window(k, mask.shape, window, changed), (finding,)

    def doubtful(self, k: int, mask: LayerMask) -> tuple[np.ndarray, np.ndarray]:
        """Return the gray pixels away from white that their own layer's light does not cure, and their effective dose of it.

        Returns
        -------
        pixels : (n, 2) int64
            Row and column.
        effective : (n,) float64 [mJ/cm²]
            At the layer's exposure plane, less the induction dose.
        """
        pixels = self._alone(mask)
        effective = self.effective(self.dose(k, mask, pixels)) if len(pixels) else np.zeros(0)
        below = effective < self.cure.threshold_mj_cm2
        return pixels[below], effective[below]

    def effective(self, dose: np.ndarray) -> np.ndarray:
        """Return what of doses remains above the induction dose."""
        return np.maximum(dose - self.cure.induction_mj_cm2, 0.0)

    @property
    def join(self) -> np.ufunc:
        """How the effective doses of two exposures make one."""
        return np.maximum if self.cure.memory == "open" else np.add

    def lacking(self, own: np.ndarray) -> np.ndarray:
        """Return the effective dose that has to come from above where a layer's own is `own`, all (n,) float64 [mJ/cm²]."""
        enough = np.full(len(own), self.cure.threshold_mj_cm2)
        return enough - own if self.cure.memory == "enclosed" else enough

    def _alone(self, mask: LayerMask) -> np.ndarray:
        """Return row and column of gray pixels away from white: (n, 2) int64."""
        from pmsl.kernels import grays

        runs, known = mask.runs_8bit(), self._known
        if "guard" not in known:
            known["guard"] = disc(_guard_px(self.projector.psf))
        guard = known["guard"]
        words = (mask.window.cols + 63) // 64 + 2
        room = [np.empty((n, words), np.uint64) for n in (len(guard), len(guard), 2)]
        while True:
            pixels = np.empty((known.get("many", 64), 2), np.int64)
            n = grays.far_from_white(*runs, mask.window.row0, mask.window.col0, guard, *room, pixels)
            if n <= len(pixels):
                return pixels[:n]
            known["many"] = n + n // 2  # layers are alike: the next one fits

    def _from_above(self, k: int, mask_of: MaskOf, pixels: np.ndarray, depth_um: float, enough: np.ndarray) -> np.ndarray:
        """Return the effective dose from the layers above, so far below layer k's exposure plane: (n,) float64 [mJ/cm²].

        Pixels are left alone from where on they have `enough` (n,).
        """
        total = np.zeros(len(pixels))
        left, still = self.left(k, depth_um)
        ends = self._ends(mask_of, pixels)
        for j in range(k + 1, k + 1 + len(left)):
            some = np.flatnonzero((total < enough) & (total + still[j - k - 1] >= enough) & (ends > j))
            if len(some) == 0:
                break
            dose = self.dose(j, mask_of(j), pixels[some]) * left[j - k - 1]
            total[some] = self.join(total[some], self.effective(dose))
        return total

    def left(self, k: int, depth_um: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return what is left of the dose of each layer above k so far below layer k's exposure plane, and the most that it and those
        above it can bring there [mJ/cm²], if all were white: (n,) float64 each, of the layers that are near enough to count.
        """
        top, decay, flat = self.grid.z_edges_um[1:], self.cure.decay, self.projector.flat
        if "brightest" not in self._known:
            self._known["brightest"] = 1.0 if flat is None else float(flat.max())
        reach = int(np.searchsorted(top, top[k] + DEPTHS * decay.longest_um, side="right"))
        apart = top[k + 1 : reach] - top[k] + depth_um
        left = np.array(decay.weights) @ np.exp(-apart / np.array(decay.lengths_um)[:, None])
        most = left * self.white_mj_cm2[k + 1 : reach] * self._known["brightest"]
        sums = np.maximum.accumulate if self.cure.memory == "open" else np.cumsum
        return left, np.asarray(sums(most[::-1])[::-1]) * (1 + CLOSE)

    def _ends(self, mask_of: MaskOf, pixels: np.ndarray) -> np.ndarray:
        """Return the first layer from which on nothing that could light a pixel is drawn, where that is known: (n,) int64."""
        if len(pixels) < MANY or not isinstance(mask_of, RecentMasks) or isinstance(self.projector.psf, Lorentzian):
            return np.full(len(pixels), self.grid.n_layers)
        tile = max(TILE, *self.projector.psf.reach_px)
        if "ends" not in self._known:
            tops = mask_of.tops_um(tile)
            around = np.pad(tops, 1, constant_values=-np.inf)
            highest = np.max([around[i : i + tops.shape[0], j : j + tops.shape[1]] for i in range(3) for j in range(3)], axis=0)
            self._known["ends"] = np.searchsorted(self.grid.mid_planes_um, highest, side="right")
        return np.asarray(self._known["ends"][pixels[:, 0] // tile, pixels[:, 1] // tile])

    def dose(self, j: int, mask: LayerMask, pixels: np.ndarray) -> np.ndarray:
        """Return the dose of layer j's own exposure in the middle of pixels, at its exposure plane: (n,) float64 [mJ/cm²]."""
        if isinstance(self.projector.psf, Lorentzian):  # its light comes from everywhere
            source = self._seen(pixels, mask.shape)
            return self._at(self.response[mask.within(source)], source, pixels) * float(self.white_mj_cm2[j])
        from pmsl.kernels import grays

        if "patch" not in self._known:
            self._known["patch"] = _patch(self.projector.psf)
        flat, out, runs = self.projector.flat, np.zeros(len(pixels)), mask.runs_8bit()
        grays.light_at(
            *(runs.row_start, mask.window.row0, runs.col, runs.length, runs.value, self.response),
            *(np.zeros((0, 0)) if flat is None else flat, pixels, *self._known["patch"], out),
        )
        return out * float(self.white_mj_cm2[j])

    def _at(self, light: np.ndarray, source: Window, pixels: np.ndarray) -> np.ndarray:
        """Return the relative irradiance in the middle of pixels, of the light in a window: (n,) float64."""
        box = _box(pixels)
        seen = spread(lit(light, source, self.projector.flat), source, box, self.projector.psf, (0.0, 0.0))
        return np.asarray(seen[pixels[:, 0] - box.row0, pixels[:, 1] - box.col0])

    def _seen(self, pixels: np.ndarray, shape: tuple[int, int]) -> Window:
        """Return the window whose light reaches pixels."""
        return target_of(_box(pixels), shape, self.projector.psf)

    def _lifted(self, k: int, mask: LayerMask, mask_of: MaskOf, pixels: np.ndarray) -> np.ndarray:
        """Return the least levels with which pixels cure through their layer, or white: (n,) uint16.

        Light is added where it lacks, as if all neighbours were raised alike, until none lacks: from below, so it is the least.
        """
        height = float(self.grid.thickness_um[k])
        above = self._from_above(k, mask_of, pixels, height, np.full(len(pixels), self.cure.threshold_mj_cm2))
        own = self.cure.ec_mj_cm2 - (0.0 if self.cure.memory == "open" else above)  # dose, of this layer, that has to arrive there
        wanted = np.where(above >= self.cure.threshold_mj_cm2, 0.0, own) / (float(self.white_mj_cm2[k]) * self.cure.decay.fraction(height))
        source = self._seen(pixels, mask.shape)
        relative = self.response[mask.within(source)]
        at = pixels[:, 0] - source.row0, pixels[:, 1] - source.col0
        for _ in range(STEPS):
            lack = wanted - self._at(relative, source, pixels)
            raised = np.minimum(relative[at] + np.maximum(lack, 0.0), 1.0)
            if (raised - relative[at]).max() <= CLOSE:
                break
            relative[at] = raised
        level = np.minimum(np.searchsorted(self.response, relative[at] - CLOSE), WHITE)
        return np.asarray((level * FINE).astype(np.uint16))

    def finding(self, k: int, pixels: np.ndarray) -> Finding:
        """Say what is found of a layer's pixels (n, 2)."""
        pitch, z = self.grid.pitch_um, self.grid.z_edges_um
        low, high = (pixels.min(axis=0)[::-1] * pitch + self.grid.origin_um), ((pixels.max(axis=0)[::-1] + 1) * pitch + self.grid.origin_um)
        return Finding(
            code="unreachable-gray",
            severity="warning" if self.do == "keep" else "info",
            message=SAID[self.do],
            layers=(k, k),
            box_um=((*low.tolist(), float(z[k])), (*high.tolist(), float(z[k + 1]))),
            value=float(len(pixels)),
            limit=0.0,
            unit="px",
        )


def _patch(psf: Gaussian | Sampled) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of pixels' light that get into the middle of one: first offset (row, column), and (A, B) float64."""
    down, across = (np.arange(-reach, reach + 1) for reach in psf.reach_px)
    if isinstance(psf, Gaussian):
        share = np.outer(psf.line(down, 0, False), psf.line(across, 1, False))
    else:
        share = psf.kernel(-down, -across, False)
    rows, cols = (np.flatnonzero((share > FAINT).any(axis=axis)) for axis in (1, 0))
    kept = share[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return np.array([down[rows[0]], across[cols[0]]], np.int64), np.ascontiguousarray(kept)


def _guard_px(psf: Psf) -> tuple[float, float]:
    """Return how far from white (along y, along x) grays are left alone: 3 σ, at least what touches."""
    if isinstance(psf, Gaussian):
        sigma = psf.sigma_px
    elif isinstance(psf, Lorentzian):
        sigma = psf.gamma_px
    else:
        cells = [(np.arange(n) - n // 2) * step for n, step in zip(psf.samples.shape, psf.step_px, strict=True)]
        y, x = (float(psf.samples.sum(axis=1 - axis) @ cells[axis] ** 2) ** 0.5 for axis in (0, 1))
        sigma = (y, x)
    return max(NEIGHBOUR_PX, 3 * sigma[0]), max(NEIGHBOUR_PX, 3 * sigma[1])


def _box(pixels: np.ndarray) -> Window:
    (row0, col0), (row1, col1) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return Window(row0, col0, row1 - row0 + 1, col1 - col0 + 1)
