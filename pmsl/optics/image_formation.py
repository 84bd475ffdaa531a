"""Aerial image: what a mask looks like at the exposure plane, relative to a white, even field without blur."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.errors import GridError
from pmsl.optics.convolution import spread, spread_adjoint, target_of
from pmsl.optics.field_evenness import flat_field, lit, lit_adjoint
from pmsl.optics.psf import Pair, Psf, psf_of
from pmsl.profiles import Printer


class AerialImage(msgspec.Struct, frozen=True, eq=False):
    """Irradiance of one mask at the exposure plane.

    Attributes
    ----------
    index : int
        Layer number.
    shape : (int, int)
        (rows, cols) of the grid.
    window : Window
        Where light was reckoned, in pixels of the grid.
    irradiance : (window.rows · n, window.cols · n) float64
        Relative to white; row 0 at the smallest y. n is `points_per_px`, or 1 for means.
    points_per_px : int or None
        None: means over each pixel. n: point values in the middles of n × n cells of each pixel.
    """

    index: int
    shape: tuple[int, int]
    window: Window
    irradiance: np.ndarray
    points_per_px: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Projector:
    """A printer's optics, prepared once for many layers: flat field, then blur.

    Attributes
    ----------
    shape : (int, int)
        (rows, cols) of the field; light that falls outside of it is lost.
    psf : Gaussian, Lorentzian or Sampled
    flat : (rows, cols) float64 or None
        Relative irradiance of a white frame.
    """

    shape: tuple[int, int]
    psf: Psf
    flat: np.ndarray | None = None

    @classmethod
    def of(cls, printer: Printer) -> Projector:
        """Prepare the optics of a printer; raises ProfileError where its flat field cannot be used.

        Parameters
        ----------
        printer : Printer
        """
        return cls(printer.field_px, psf_of(printer), flat_field(printer))

    def project(self, relative: np.ndarray, source: Window, target: Window, points_per_px: int | None = None) -> np.ndarray:
        """Project light of a window of mirrors.

        Parameters
        ----------
        relative : (source.rows, source.cols) ndarray
            Irradiance of each pixel relative to white, after the gray response.
        source, target : Window
            Of the mirrors, and of the image.
        points_per_px : int, optional
            n: point values in the middles of n × n cells of each pixel; without it the mean over each pixel.

        Returns
        -------
        (target.rows · n, target.cols · n) float64
        """
        light = lit(relative, source, self.flat)
        if points_per_px is None:
            return spread(light, source, target, self.psf)
        n = points_per_px
        out = np.zeros((target.rows * n, target.cols * n))
        for i, j, offset in _cells(n):
            out[i::n, j::n] = spread(light, source, target, self.psf, offset)
        return out

    def project_adjoint(self, seen: np.ndarray, source: Window, target: Window, points_per_px: int | None = None) -> np.ndarray:
        """Apply the adjoint of `project`: (target.rows · n, target.cols · n) → (source.rows, source.cols) float64.

        Parameters
        ----------
        seen : (target.rows · n, target.cols · n) float64
        source, target : Window
        points_per_px : int, optional
            As `project`.
        """
        if points_per_px is None:
            return lit_adjoint(spread_adjoint(seen, source, target, self.psf), source, self.flat)
        n = points_per_px
        light = np.zeros((source.rows, source.cols))
        for i, j, offset in _cells(n):
            light += spread_adjoint(seen[i::n, j::n], source, target, self.psf, offset)
        return lit_adjoint(light, source, self.flat)

    def aerial_image(self, mask: LayerMask, response: np.ndarray, points_per_px: int | None = None) -> AerialImage:
        """Return the aerial image of a mask; see `aerial_image`.

        Parameters
        ----------
        mask : LayerMask
        response : (256,) float64
        points_per_px : int, optional
            As `aerial_image`.

        Raises
        ------
        GridError
            A mask of another field.
        """
        if mask.shape != self.shape:
            raise GridError(f"mask of layer {mask.index} is {mask.shape} px, the projector's field {self.shape}")
        row0, col0, rows, cols = mask.window
        relative = response[mask.dense(np.uint8)[row0 : row0 + rows, col0 : col0 + cols]]
        window = target_of(mask.window, self.shape, self.psf)
        seen = self.project(relative, mask.window, window, points_per_px)
        return AerialImage(mask.index, mask.shape, window, seen, points_per_px)


def aerial_image(mask: LayerMask, printer: Printer, response: np.ndarray, points_per_px: int | None = None) -> AerialImage:
    """Return what the printer shows of a mask at the exposure plane.

    Parameters
    ----------
    mask : LayerMask
        Of the device's shape; taken at the device's 8 bit.
    printer : Printer
    response : (256,) float64
        Irradiance of every gray level relative to white (`pmsl.optics.grayscale.response`).
    points_per_px : int, optional
        n: point values in the middles of n × n cells of each pixel; without it the mean over each pixel.

    Returns
    -------
    AerialImage
        Over the mask's window and what its light reaches of the field.

    Raises
    ------
    GridError
        A mask of another shape than the device.
    ProfileError
        A flat field that cannot be used.
    """
    return Projector.of(printer).aerial_image(mask, response, points_per_px)


def _cells(n: int) -> list[tuple[int, int, Pair]]:
    """Row, column and middle (y, x) of the n × n cells of a pixel, from the pixel's middle [px]."""
    middles = (np.arange(n) + 0.5) / n - 0.5
    return [(i, j, (float(middles[i]), float(middles[j]))) for i in range(n) for j in range(n)]
