"""Flat-field compensation: every white pixel of a layer receives its planned dose, however uneven the field.

The last change of a layer's images, and made once: *baked* into the frames here, or *delegated* to a host that corrects by itself.
Baked, every pixel's light is multiplied by ``C = F_min / F`` (F the field, relative to the reference of the light setting's irradiance),
and white doses grow by ``1 / F_min``: a white pixel receives ``t I0 L(g) F = planned``. Gray pixels keep their share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.mask import LayerMask
from pmsl.errors import UsageError
from pmsl.job.print_job import PrintJob
from pmsl.optics.field_evenness import flat_field
from pmsl.optics.grayscale import fine_levels_of, light_of_levels, response
from pmsl.profiles import Printer

Image = tuple[LayerMask, float]


class EvenedMask(LayerMask):
    """A mask whose grays hold the flat-field compensation."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class FlatFieldCompensation:
    """The compensation of one printer, prepared once.

    Attributes
    ----------
    share : (rows, cols) float64
        C, what is left of each pixel's light; 1 where the field is darkest.
    dose_factor : float
        What white doses grow by, ``1 / F_min``.
    response : (256,) float64
    light : (65536,) float64
        Light of every 16-bit level.
    """

    share: np.ndarray
    dose_factor: float
    response: np.ndarray
    light: np.ndarray

    @classmethod
    def of(cls, printer: Printer) -> FlatFieldCompensation:
        """Prepare the compensation of a printer.

        Raises
        ------
        UsageError
            The printer's profile has no flat field.
        ProfileError
            Its image cannot be used.
        """
        field = flat_field(printer)
        if field is None:
            raise UsageError(
                f"flat-field compensation: printer {printer.name} has no optics.flat_field to even out; "
                "measure it, or leave the correction out"
            )
        levels = response(printer)
        darkest = float(field.min())
        return cls(frozen(darkest / field), 1.0 / darkest, levels, frozen(light_of_levels(levels)))

    def apply(self, images: Sequence[Image]) -> list[Image]:
        """Even out the images of a layer.

        Parameters
        ----------
        images : sequence of (LayerMask, float)
            Each with its white dose, or any number proportional to it.

        Returns
        -------
        list of (LayerMask, float)
            Dense masks, and the numbers times `dose_factor`.

        Raises
        ------
        UsageError
            Masks that are evened out already.
        """
        return [(self.bake(mask), dose * self.dose_factor) for mask, dose in images]

    def bake(self, mask: LayerMask) -> LayerMask:
        """Return a mask with the light of every pixel times `share`; raises `UsageError` where that was done before."""
        if isinstance(mask, EvenedMask):
            raise UsageError(f"flat-field compensation: the mask of layer {mask.index} holds it already; it is applied once")
        row0, col0, rows, cols = mask.window
        at = slice(row0, row0 + rows), slice(col0, col0 + cols)
        levels = np.zeros(mask.shape, np.uint16)
        levels[at] = fine_levels_of(self.light[mask.within(mask.window, np.uint16)] * self.share[at], self.response)
        return EvenedMask.from_dense(mask.index, levels)


def bake(mask: LayerMask, printer: Printer) -> tuple[LayerMask, float]:
    """Return a mask evened out for a printer, and what its white dose has to grow by; see `FlatFieldCompensation`."""
    field = FlatFieldCompensation.of(printer)
    return field.bake(mask), field.dose_factor


def for_host(job: PrintJob) -> FlatFieldCompensation:
    """Return the compensation that a host has to apply to a job's frames, its dose factor included.

    Raises
    ------
    UsageError
        The job does not leave it to the host, or the printer has no flat field.
    """
    how = job.process.evened
    if how != "delegated":
        why = "its frames hold it already" if how == "baked" else "it was prepared without"
        raise UsageError(f"flat-field compensation is not left to the host by this job: {why}; applying it here would change its doses")
    return FlatFieldCompensation.of(job.printer)
