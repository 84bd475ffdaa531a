"""Light at the mirrors → light at the exposure plane: convolution with a point spread, and its adjoint.

Both work from window to window of the field. Outside the source window there is no light (zero padding: nothing is
reflected or repeated at the field's edge), and what falls outside the target window is lost. Spreads with axes that
separate are two short convolutions along the axes, the others one product of Fourier transforms, padded with zeros so
that nothing comes round.
"""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics.psf import Gaussian, Lorentzian, Pair, Psf


def target_of(source: Window, shape: tuple[int, int], psf: Psf) -> Window:
    """Return the part of a field of `shape` (rows, cols) that light of the source window reaches.

    Parameters
    ----------
    source : Window
        Where light is.
    shape : (int, int)
        (rows, cols) of the field.
    psf : Psf
    """
    if source.rows == 0 or source.cols == 0:
        return Window(0, 0, 0, 0)
    if isinstance(psf, Lorentzian):
        return Window(0, 0, *shape)
    down, right = psf.reach_px
    row0, col0 = max(0, source.row0 - down), max(0, source.col0 - right)
    row1, col1 = min(shape[0], source.row0 + source.rows + down), min(shape[1], source.col0 + source.cols + right)
    return Window(row0, col0, row1 - row0, col1 - col0)


def spread(light: np.ndarray, source: Window, target: Window, psf: Psf, offset_px: Pair | None = None) -> np.ndarray:
    """Spread light.

    Parameters
    ----------
    light : (source.rows, source.cols) ndarray
        Of each pixel, relative to white.
    source, target : Window
        Where `light` lies in the field, and where it is seen.
    psf : Gaussian, Lorentzian or Sampled
    offset_px : (float, float), optional
        Where in each receiving pixel, (along y, along x) from its middle, -½..½; without it the mean over each pixel.

    Returns
    -------
    (target.rows, target.cols) float64
        Irradiance relative to a white field.
    """
    light = np.ascontiguousarray(light, dtype=np.float64)
    if light.size == 0 or target.rows == 0 or target.cols == 0:
        return np.zeros((target.rows, target.cols))
    if isinstance(psf, Gaussian):
        (down, shift_y), (across, shift_x) = _lines(source, target, psf, offset_px)
        return _along_x(_along_y(light, down, shift_y, target.rows), across, shift_x, target.cols)
    return through_kernel(light, source, target, psf, offset_px)


def spread_adjoint(seen: np.ndarray, source: Window, target: Window, psf: Psf, offset_px: Pair | None = None) -> np.ndarray:
    """Apply the adjoint of `spread`: ⟨spread(a), b⟩ = ⟨a, spread_adjoint(b)⟩.

    Parameters
    ----------
    seen : (target.rows, target.cols) ndarray
    source, target, psf, offset_px
        As of `spread`.

    Returns
    -------
    (source.rows, source.cols) float64
    """
    seen = np.ascontiguousarray(seen, dtype=np.float64)
    if seen.size == 0 or source.rows == 0 or source.cols == 0:
        return np.zeros((source.rows, source.cols))
    if isinstance(psf, Gaussian):
        (down, shift_y), (across, shift_x) = _lines(source, target, psf, offset_px)
        back = _along_y(seen, down[::-1].copy(), len(down) - 1 - shift_y, source.rows)
        return _along_x(back, across[::-1].copy(), len(across) - 1 - shift_x, source.cols)
    return through_kernel(seen, source, target, psf, offset_px, adjoint=True)


def _lines(source: Window, target: Window, psf: Gaussian, offset_px: Pair | None) -> list[tuple[np.ndarray, int]]:
    """Taps along y and x, and the source row or column that the first tap brings to the target's first."""
    lines = []
    for axis in (0, 1):
        reach = psf.reach_px[axis]
        inside = 0.0 if offset_px is None else offset_px[axis]
        taps = psf.line(np.arange(-reach, reach + 1) + inside, axis, mean=offset_px is None)
        lines.append((taps, target[axis] - source[axis] + reach))
    return lines


def _along_y(light: np.ndarray, taps: np.ndarray, shift: int, rows: int) -> np.ndarray:
    from pmsl.kernels.light import convolution_1d

    out = np.zeros((rows, light.shape[1]))
    convolution_1d.along_rows_axis(light, taps, shift, out)
    return out


def _along_x(light: np.ndarray, taps: np.ndarray, shift: int, cols: int) -> np.ndarray:
    from pmsl.kernels.light import convolution_1d

    out = np.zeros((light.shape[0], cols))
    convolution_1d.along_cols_axis(light, taps, shift, out)
    return out


def through_kernel(
    light: np.ndarray, source: Window, target: Window, psf: Psf, offset_px: Pair | None, beyond_px: int | None = None, adjoint: bool = False
) -> np.ndarray:
    """Multiply Fourier transforms, as `spread` or `spread_adjoint`; with `beyond_px` only light from pixels further than that in x or y."""
    kernel = _kernel(source, target, psf, offset_px, beyond_px)
    if adjoint:
        back = _through(light, kernel, conjugate=True)
        return np.ascontiguousarray(np.roll(back, (source.rows - 1, source.cols - 1), (0, 1))[: source.rows, : source.cols])
    seen = _through(light, kernel, conjugate=False)
    return np.ascontiguousarray(seen[source.rows - 1 :, source.cols - 1 :][: target.rows, : target.cols])


def _kernel(source: Window, target: Window, psf: Psf, offset_px: Pair | None, beyond_px: int | None) -> np.ndarray:
    """Light at every distance from a pixel of the source to one of the target."""
    assert not isinstance(psf, Gaussian)
    pixels = []
    for axis in (0, 1):
        first = target[axis] - (source[axis] + source[axis + 2] - 1)
        pixels.append(np.arange(first, first + target[axis + 2] + source[axis + 2] - 1))
    inside = (0.0, 0.0) if offset_px is None else offset_px
    kernel = psf.kernel(pixels[0] + inside[0], pixels[1] + inside[1], mean=offset_px is None)
    if beyond_px is not None:
        kernel[np.ix_(np.abs(pixels[0]) <= beyond_px, np.abs(pixels[1]) <= beyond_px)] = 0.0
    return kernel


def _through(light: np.ndarray, kernel: np.ndarray, conjugate: bool) -> np.ndarray:
    """Multiply Fourier transforms over a field as large as the kernel, or larger where that is faster."""
    from scipy import fft

    size = [fft.next_fast_len(n, real=True) for n in kernel.shape]
    factor = fft.rfft2(kernel, size)
    if conjugate:
        factor = factor.conj()
    return np.asarray(fft.irfft2(fft.rfft2(light, size) * factor, size))
