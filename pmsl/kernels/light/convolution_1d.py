"""Convolution along one axis; outside the array there is no light."""

from pmsl.kernels._compiler.jit import kernel


@kernel
def along_rows_axis(light, taps, shift, out):
    """Convolve every column: ``out[r, c] += Σ_t taps[t] · light[r + shift - t, c]``.

    Parameters
    ----------
    light : (m, n) float64
    taps : (T,) float64
    shift : int
        The row of `light` that the first tap brings to row 0 of `out`.
    out : (k, n) float64
        Added into.
    """
    for r in range(out.shape[0]):
        for t in range(taps.size):
            source = r + shift - t
            if 0 <= source < light.shape[0]:
                weight = taps[t]
                for c in range(out.shape[1]):
                    out[r, c] += weight * light[source, c]


@kernel
def along_cols_axis(light, taps, shift, out):
    """Convolve every row: ``out[r, c] += Σ_t taps[t] · light[r, c + shift - t]``; else as `along_rows_axis`, `out` is (m, k)."""
    for r in range(out.shape[0]):
        for t in range(taps.size):
            weight = taps[t]
            first = max(0, t - shift)
            last = min(out.shape[1], light.shape[1] + t - shift)
            for c in range(first, last):
                out[r, c] += weight * light[r, c + shift - t]
