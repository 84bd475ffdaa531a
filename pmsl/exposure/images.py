"""What a layer is to receive, as masks with relative doses → the fewest images that give it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from pmsl.core.mask import LayerMask, around
from pmsl.cure import scaled_dose_mj_cm2
from pmsl.optics.grayscale import FINE, WHITE, fine_levels_of, light_of_levels

Image = tuple[LayerMask, float]
SLACK = 1e-6  # of half a level
BAND = 1 << 16  # pixels worked on at a time


class Merger(msgspec.Struct, frozen=True, eq=False):
    """Puts the images of a layer together.

    A mask with factor m asks for m times the *effective* dose of an ordinary white pixel, ``(E - E_ind) m + E_ind``; a gray
    pixel for its share of that. Where masks overlap they add up: ``(E - E_ind) Σ s_i m_i + E_ind max s_i``, for which
    the induction dose is paid once. Where they share pixels out among them instead (`shared`), as regions do, it is paid for
    what they cover together: ``E_ind min(Σ s_i, 1)``.

    Attributes
    ----------
    response : (256,) float64
        Irradiance of every gray level relative to white.
    light : (65536,) float64
        Of every 16-bit level.
    induction_mj_cm2 : float
        E_ind.
    grays_count_by_light : bool
        Whether a gray level counts by its share of white light; where reciprocity fails it does not, and images stay apart.
    """

    response: np.ndarray
    light: np.ndarray
    induction_mj_cm2: float
    grays_count_by_light: bool = True

    @classmethod
    def of(cls, response: np.ndarray, induction_mj_cm2: float, grays_count_by_light: bool = True) -> Merger:
        """Prepare the merging of a printer's images."""
        return cls(response, light_of_levels(response), induction_mj_cm2, grays_count_by_light)

    def white_mj_cm2(self, white_mj_cm2: float, factor: float) -> float:
        """Return the white dose of an image whose effective dose is `factor` times that of `white_mj_cm2`."""
        return white_mj_cm2 if factor == 1.0 else scaled_dose_mj_cm2(white_mj_cm2, factor, self.induction_mj_cm2)

    def images(self, wanted: Sequence[Image], white_mj_cm2: float, shared: bool = False) -> list[Image]:
        """Return masks with white doses [mJ/cm²] that give what is wanted.

        Parameters
        ----------
        wanted : sequence of (LayerMask, float)
            Of one layer, each with its dose factor.
        white_mj_cm2 : float
            White dose of factor 1, E.
        shared : bool
            The masks share pixels out among them.

        Returns
        -------
        list of (LayerMask, float)
            One image where its levels give every dose to half a level of a linear response, or as well as the masks one by one
            would; else one image for each mask. Masks without dose are left out.
        """
        doses = [self.white_mj_cm2(white_mj_cm2, factor) for _, factor in wanted]
        lit = [(mask, dose) for (mask, _), dose in zip(wanted, doses, strict=True) if dose > 0 and not mask.black_at_8_bit]
        dim = [mask for (mask, _), dose in zip(wanted, doses, strict=True) if dose > 0 and mask.black_at_8_bit and not mask.empty]
        faint = shared and len(wanted) > 1 and bool(dim)
        if len(lit) < 2 and not faint:  # what is too faint by itself may show beside another share
            return lit
        one = self._one(wanted, white_mj_cm2, shared) if self.grays_count_by_light else None
        if one is not None and one[0].black_at_8_bit:
            return []
        return lit if one is None else [one]

    def _one(self, wanted: Sequence[Image], white_mj_cm2: float, shared: bool) -> Image | None:
        """Put all in one gray image; None where its levels are too coarse for it."""
        first = wanted[0][0]
        window = around([mask.window for mask, _ in wanted])
        levels = [mask.within(window, np.uint16) for mask, _ in wanted]
        whites = [self.white_mj_cm2(white_mj_cm2, factor) for _, factor in wanted]
        factors = [factor for _, factor in wanted]
        many = max(1, BAND // window.cols)
        bands = [slice(row, row + many) for row in range(0, window.rows, many)]
        dose = np.empty((window.rows, window.cols))
        for band in bands:
            dose[band] = self._dose([level[band] for level in levels], factors, white_mj_cm2, shared)
        largest = max(*whites, float(dose.max()))
        fine = np.empty((window.rows, window.cols), np.uint16)
        for band in bands:
            fine[band] = fine_levels_of(dose[band] / largest, self.response)
            if not self._close(fine[band], dose[band], largest, [level[band] for level in levels], whites):
                return None
        return LayerMask.from_window(first.index, first.shape, window, fine), largest

    def _dose(self, levels: list[np.ndarray], factors: list[float], white_mj_cm2: float, shared: bool) -> np.ndarray:
        """Return the dose that masks of these levels ask for together [mJ/cm²]."""
        effective, share = np.zeros(levels[0].shape), np.zeros(levels[0].shape)
        for level, factor in zip(levels, factors, strict=True):
            light = self.light[level]
            effective += factor * light
            share = np.minimum(share + light, 1.0) if shared else np.maximum(share, light)
        return (white_mj_cm2 - self.induction_mj_cm2) * effective + self.induction_mj_cm2 * share

    def _close(self, fine: np.ndarray, dose: np.ndarray, largest: float, levels: list[np.ndarray], whites: list[float]) -> bool:
        """Tell whether one image gives a dose to half a level, or as well as the masks one by one."""
        off = np.abs(self._shown(fine) * largest - dose)
        far = off > 0.5 / WHITE * largest * (1 + SLACK)
        if not far.any():
            return True
        apart = sum(np.abs(self._shown(level[far]) - self.light[level[far]]) * white for level, white in zip(levels, whites, strict=True))
        return bool((off[far] <= apart * (1 + SLACK)).all())

    def _shown(self, level: np.ndarray) -> np.ndarray:
        """Return the light the device shows of 16-bit levels."""
        return np.asarray(self.response[(level.astype(np.uint32) + FINE // 2) // FINE])
