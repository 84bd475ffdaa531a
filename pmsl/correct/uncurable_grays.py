"""Grays that cure nothing: pixels away from white that never receive the critical dose, with all light of the layers above."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.correct.morphology import disc
from pmsl.correct.solver.pixel_light import NOTHING, MaskLevels, PixelLight
from pmsl.correct.solver.psf_footprint import guard_px
from pmsl.cure import CureModel
from pmsl.masks.mask_source import RecentMasks
from pmsl.optics.grayscale import FINE, WHITE
from pmsl.optics.image_formation import Projector
from pmsl.optics.psf import Lorentzian
from pmsl.profiles.process import Unreachable

Image = tuple[LayerMask, float]
MaskOf = Callable[[int], LayerMask]
DEPTHS = 5.0  # decay lengths of layers above that are counted: e^-5 of a dose is left there
TILE = 4  # pixels a side at least, of the map of how high the part is
MANY = 256  # pixels from which on that map pays
STEPS = 60
CLOSE = 1e-9

SAID: dict[str, str] = {
    "keep": "gray pixels away from white do not reach the critical dose, with the blur and all light of the layers above: nothing cures "
    "there; 'lift' or 'drop' them (unreachable), or make the feature wider",
    "lift": "gray pixels away from white would not reach the critical dose: raised to the least level that cures them through their layer",
    "drop": "gray pixels away from white would not reach the critical dose: made black",
}


class GraysOfLayer(NamedTuple):
    """A layer's mask, painted or not, and its gray pixels (n, 2) that its own light does not cure, with their effective doses (n,)."""

    mask: LayerMask
    painted: MaskLevels
    pixels: np.ndarray
    own: np.ndarray


class RegionLight(Protocol):
    """What layers are given where doses differ inside them."""

    def exposures(self, k: int) -> Sequence[Image]:
        """Return the masks of layer k, each with the dose of its white [mJ/cm²]: one event each."""

    def white_mj_cm2(self, k: int, pixels: np.ndarray) -> np.ndarray:
        """Return the dose of white in the regions of pixels, (n, 2) row and column: (n,) float64 [mJ/cm²]."""


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
        Of doses of white exposures as the job gives them (`CureModel.at_irradiance`).
    white_mj_cm2 : (L,) float64
        White dose of every layer; where regions have doses of their own the largest that any pixel gets.
    given : RegionLight, optional
        What pixels are given where regions or parts have doses of their own; without it all get `white_mj_cm2` times their gray.

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
    given: RegionLight | None = None
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
        finding = self.finding(k, len(pixels), pixels.min(axis=0), pixels.max(axis=0))
        if self.do == "keep":
            return mask, (finding,)
        levels = self._lifted(k, mask, mask_of, pixels) if self.do == "lift" else np.zeros(len(pixels), np.uint16)
        window = mask.window
        changed = mask.within(window, np.uint16)
        changed[pixels[:, 0] - window.row0, pixels[:, 1] - window.col0] = levels
        return LayerMask.from_window(k, mask.shape, window, changed), (finding,)

    def look(self, k: int, mask: LayerMask) -> GraysOfLayer:
        """Look at the grays of layer k by themselves, from any thread; `light.done` takes what is painted back."""
        pixels = self.alone(mask)
        painted = self.light.paint(mask, len(pixels)) if self.plain else NOTHING
        found = self.below(k, mask, pixels, painted if self.plain else None)
        return GraysOfLayer(mask, self.light.retained(painted), *found)

    def doubtful(self, k: int, mask: LayerMask) -> tuple[np.ndarray, np.ndarray]:
        """Return the gray pixels away from white that their own layer's light does not cure, and their effective dose of it.

        Returns
        -------
        pixels : (n, 2) int64
            Row and column.
        effective : (n,) float64 [mJ/cm²]
            At the layer's exposure plane, less the induction dose.
        """
        return self.below(k, mask, self.alone(mask))

    def below(self, k: int, mask: LayerMask, pixels: np.ndarray, painted: MaskLevels | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return those of some gray pixels that their own layer's light does not cure, as `doubtful` does."""
        effective = self.effective(self.doses(k, mask, pixels, painted)) if len(pixels) else np.zeros(0)
        below = effective < self.cure.threshold_mj_cm2
        return pixels[below], effective[below]

    def effective(self, doses: np.ndarray) -> np.ndarray:
        """Return what remains of the doses of a layer's events, (events, n), each less the induction dose: (n,)."""
        return np.asarray(np.maximum(doses - self.cure.induction_mj_cm2, 0.0).sum(axis=0))

    @property
    def join(self) -> np.ufunc:
        """How the effective doses of two exposures make one."""
        return np.maximum if self.cure.memory == "open" else np.add

    def lacking(self, own: np.ndarray) -> np.ndarray:
        """Return the effective dose that has to come from above where a layer's own is `own`, all (n,) float64 [mJ/cm²]."""
        enough = np.full(len(own), self.cure.threshold_mj_cm2)
        return enough - own if self.cure.memory == "enclosed" else enough

    def alone(self, mask: LayerMask) -> np.ndarray:
        """Return row and column of gray pixels away from white: (n, 2) int64."""
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.solve import faint_grays

        runs, known = mask.runs_8bit(), self._known
        if "guard" not in known:
            known["guard"] = disc(guard_px(self.projector.psf))
        guard = known["guard"]
        words = (mask.window.cols + 63) // 64 + 2
        room = [np.empty((n, words), np.uint64) for n in (len(guard), len(guard), 2)]
        while True:
            pixels = np.empty((known.get("many", 64), 2), np.int64)
            n = call(faint_grays.far_from_white, len(runs.col), *runs, mask.window.row0, mask.window.col0, guard, *room, pixels)
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
            doses = self.doses(j, mask_of(j), pixels[some]) * left[j - k - 1]
            total[some] = self.join(total[some], self.effective(doses))
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

    def doses(self, j: int, mask: LayerMask, pixels: np.ndarray, painted: MaskLevels | None = None) -> np.ndarray:
        """Return the doses of layer j's own exposures in the middle of pixels, at its exposure plane: (events, n) float64 [mJ/cm²].

        `mask` is the layer's, `painted` or not; where regions have doses of their own it is not looked at.
        """
        if self.given is None:
            return self._counts(self.light.at(mask, pixels, painted))[None] * float(self.white_mj_cm2[j])
        given = self.given.exposures(j)
        return np.array([self._counts(self.light.at(each, pixels)) * white for each, white in given]).reshape(len(given), len(pixels))

    def _counts(self, light: np.ndarray) -> np.ndarray:
        """Return by how much light counts beside white."""
        p = self.cure.reciprocity
        return light if p == 1 else np.maximum(light, 0.0) ** p

    @property
    def light(self) -> PixelLight:
        """What gives the light of a mask in the middles of pixels."""
        if "light" not in self._known:
            self._known.setdefault("light", PixelLight.of(self.projector, self.response))  # one for all threads
        light: PixelLight = self._known["light"]
        return light

    @property
    def plain(self) -> bool:
        """Whether a layer is one event, the same for all pixels, of light that comes from near by and counts by its share of white."""
        return self.given is None and self.light.near and self.cure.reciprocity == 1

    def _lifted(self, k: int, mask: LayerMask, mask_of: MaskOf, pixels: np.ndarray) -> np.ndarray:
        """Return the least levels with which pixels cure through their layer, or white: (n,) uint16.

        Light is added where it lacks, as if all neighbours were raised alike, until none lacks: from below, so it is the least.
        """
        height = float(self.grid.thickness_um[k])
        above = self._from_above(k, mask_of, pixels, height, np.full(len(pixels), self.cure.threshold_mj_cm2))
        own = self.cure.ec_mj_cm2 - (0.0 if self.cure.memory == "open" else above)  # dose, of this layer, that has to arrive there
        wanted = np.where(above >= self.cure.threshold_mj_cm2, 0.0, own) / self.cure.decay.fraction(height)
        source = self.light.seen(pixels, mask.shape)
        at = pixels[:, 0] - source.row0, pixels[:, 1] - source.col0
        relative = self.response[mask.within(source)][at]
        white = np.full(len(pixels), self.white_mj_cm2[k]) if self.given is None else self.given.white_mj_cm2(k, pixels)
        light = self._light(k, mask, source)
        most, begun = light[at] + (1.0 - relative) * white, light[at]
        for _ in range(STEPS):
            lack = wanted - self.light.of_window(light, source, pixels)
            raised = np.minimum(light[at] + np.maximum(lack, 0.0), most)
            if (raised - light[at]).max() <= CLOSE * float(self.white_mj_cm2[k]):
                break
            light[at] = raised
        relative = relative + np.divide(light[at] - begun, white, out=np.zeros(len(pixels)), where=white > 0)
        level = np.minimum(np.searchsorted(self.response, relative - CLOSE), WHITE)
        return np.asarray((level * FINE).astype(np.uint16))

    def _light(self, k: int, mask: LayerMask, window: Window) -> np.ndarray:
        """Return the dose of layer k's exposures together at the mirrors of a window [mJ/cm²]."""
        given = [(mask, float(self.white_mj_cm2[k]))] if self.given is None else self.given.exposures(k)
        return np.asarray(sum((self.response[each.within(window)] * white for each, white in given), np.zeros((window.rows, window.cols))))

    def finding(self, k: int, many: int, first: np.ndarray, last: np.ndarray) -> Finding:
        """Say what is found of a layer: so many pixels, from row and column `first` to `last`."""
        pitch, z = self.grid.pitch_um, self.grid.z_edges_um
        low, high = first[::-1] * pitch + self.grid.origin_um, (last[::-1] + 1) * pitch + self.grid.origin_um
        return Finding(
            code="unreachable-gray",
            severity="warning" if self.do == "keep" else "info",
            message=SAID[self.do],
            layers=(k, k),
            box_um=((*low.tolist(), float(z[k])), (*high.tolist(), float(z[k + 1]))),
            value=float(many),
            limit=0.0,
            unit="px",
        )
