"""Light at points: weighted sums over the pixels around each; outside the array there is no light."""

from pmsl.kernels._compiler.jit import kernel


@kernel
def gather(light, row0, col0, down, across, out):
    """Sum the light around every point: ``out[i] += Σ_ab down[i, a] · across[i, b] · light[row0[i] + a, col0[i] + b]``.

    Parameters
    ----------
    light : (m, n) float64
    row0, col0 : (N,) int64
        Pixel of the first weight; may lie outside the array.
    down : (N, A) float64
    across : (N, B) float64
    out : (N,) float64
        Added into.
    """
    rows, cols = light.shape
    for i in range(row0.size):
        total = 0.0
        for a in range(max(0, -row0[i]), min(down.shape[1], rows - row0[i])):
            line = 0.0
            for b in range(max(0, -col0[i]), min(across.shape[1], cols - col0[i])):
                line += across[i, b] * light[row0[i] + a, col0[i] + b]
            total += down[i, a] * line
        out[i] += total


@kernel
def scatter(values, row0, col0, down, across, light):
    """Apply the adjoint of `gather`: adds ``down[i, a] · across[i, b] · values[i]`` into `light`."""
    rows, cols = light.shape
    for i in range(row0.size):
        for a in range(max(0, -row0[i]), min(down.shape[1], rows - row0[i])):
            weight = down[i, a] * values[i]
            for b in range(max(0, -col0[i]), min(across.shape[1], cols - col0[i])):
                light[row0[i] + a, col0[i] + b] += weight * across[i, b]
