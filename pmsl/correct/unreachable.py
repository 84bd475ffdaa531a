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
from pmsl.optics.field import lit
from pmsl.optics.grayscale import FINE, WHITE
from pmsl.optics.image import Projector
from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled
from pmsl.optics.spread import spread, target_of
from pmsl.profiles.process import Unreachable

MaskOf = Callable[[int], LayerMask]
DEPTHS = 5.0  # decay lengths of layers above that are counted: e^-5 of a dose is left there
NEIGHBOUR_PX = 1.5  # pixels that touch, corners too
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
        pixels = self._alone(mask)
        if len(pixels):
            pixels = pixels[self._out_of_reach(k, mask, mask_of, pixels)]
        if len(pixels) == 0:
            return mask, ()
        finding = self._finding(k, pixels)
        if self.do == "keep":
            return mask, (finding,)
        levels = self._lifted(k, mask, mask_of, pixels) if self.do == "lift" else np.zeros(len(pixels), np.uint16)
        window = mask.window
        changed = mask.within(window, np.uint16)
        changed[pixels[:, 0] - window.row0, pixels[:, 1] - window.col0] = levels
        return LayerMask.from_window(k, mask.shape, window, changed), (finding,)

    def _alone(self, mask: LayerMask) -> np.ndarray:
        """Return row and column of gray pixels away from white: (n, 2) int64."""
        from pmsl.kernels import grays

        runs, room = mask.runs_8bit(), 64
        if "guard" not in self._known:
            self._known["guard"] = disc(_guard_px(self.projector.psf))
        while True:
            row, col, length = (np.zeros(room, np.int64) for _ in range(3))
            guard = self._known["guard"]
            n = grays.far_from_white(*runs, guard, np.empty(mask.shape[1], np.uint8), np.zeros(len(guard), np.int64), row, col, length)
            if n <= room:
                break
            room = n
        many = length[:n]
        along = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        return np.stack([np.repeat(row[:n] + mask.window.row0, many), np.repeat(col[:n], many) + along], axis=1)

    def _out_of_reach(self, k: int, mask: LayerMask, mask_of: MaskOf, pixels: np.ndarray) -> np.ndarray:
        """Tell which pixels do not reach the threshold at their own exposure plane: (n,) bool."""
        effective = np.maximum(self._dose(k, mask, pixels) - self.cure.induction_mj_cm2, 0.0)
        below = effective < self.cure.threshold_mj_cm2
        some = np.flatnonzero(below)
        if len(some):
            enough = np.full(len(some), self.cure.threshold_mj_cm2)
            if self.cure.memory == "enclosed":
                enough -= effective[some]
            above = self._from_above(k, mask_of, pixels[some], 0.0, enough)
            join: np.ufunc = np.maximum if self.cure.memory == "open" else np.add
            below[some] = join(effective[some], above) < self.cure.threshold_mj_cm2
        return below

    def _from_above(self, k: int, mask_of: MaskOf, pixels: np.ndarray, depth_um: float, enough: np.ndarray) -> np.ndarray:
        """Return the effective dose from the layers above, so far below layer k's exposure plane: (n,) float64 [mJ/cm²].

        Pixels are left alone from where on they have `enough` (n,).
        """
        total, top = np.zeros(len(pixels)), self.grid.z_edges_um[1:]
        join: np.ufunc = np.maximum if self.cure.memory == "open" else np.add
        for j in range(k + 1, self.grid.n_layers):
            apart = float(top[j] - top[k])
            some = np.flatnonzero((total < enough) & (total + self._most_from(j, k, depth_um) >= enough))
            if apart > DEPTHS * self.cure.decay.longest_um or len(some) == 0:
                break
            dose = self._dose(j, mask_of(j), pixels[some]) * self.cure.decay.fraction(apart + depth_um)
            total[some] = join(total[some], np.maximum(dose - self.cure.induction_mj_cm2, 0.0))
        return total

    def _most_from(self, j: int, k: int, depth_um: float) -> float:
        """Return the most that layers from j up can bring so far below layer k's exposure plane, if all were white [mJ/cm²]."""
        if "white" not in self._known:
            flat = self.projector.flat
            self._known["white"] = self.white_mj_cm2 * (1.0 if flat is None else float(flat.max()))
        top = self.grid.z_edges_um[1:]
        decay, most = self.cure.decay, self._known["white"]
        reach = np.searchsorted(top, top[k] + DEPTHS * decay.longest_um, side="right")
        apart = top[j:reach] - top[k] + depth_um
        left = (np.array(decay.weights) @ np.exp(-apart / np.array(decay.lengths_um)[:, None])) * most[j:reach]
        return float(left.max(initial=0.0) if self.cure.memory == "open" else left.sum())

    def _dose(self, j: int, mask: LayerMask, pixels: np.ndarray) -> np.ndarray:
        """Return the dose of layer j's own exposure in the middle of pixels, at its exposure plane: (n,) float64 [mJ/cm²]."""
        source = self._seen(pixels, mask.shape)
        if isinstance(self.projector.psf, Lorentzian):  # its light comes from everywhere
            return self._at(self.response[mask.within(source)], source, pixels) * float(self.white_mj_cm2[j])
        from pmsl.kernels import grays

        if "patch" not in self._known:
            self._known["patch"] = _patch(self.projector.psf)
        flat, out = self.projector.flat, np.zeros(len(pixels))
        runs, places = mask.runs_8bit(), (np.ascontiguousarray(pixels[:, 0]), np.ascontiguousarray(pixels[:, 1]))
        grays.light_at(
            *(runs.row_start, mask.window.row0, runs.col, runs.length, runs.value, self.response),
            *(np.zeros((0, 0)) if flat is None else flat, *places, *self._known["patch"], out),
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

    def _finding(self, k: int, pixels: np.ndarray) -> Finding:
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
