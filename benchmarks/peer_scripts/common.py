"""What all peer scripts share: their arguments, the planes, and how a frame is written."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None


class Work(argparse.Namespace):
    """A mesh, a folder, the pixels of the field (lower corner at x = y = 0) and the layers (first one on z = 0)."""

    mesh: Path
    out: Path
    nx: int
    ny: int
    pitch_um: float
    layers: int
    layer_um: float
    supersample: int

    @property
    def pitch_mm(self) -> float:
        """Return the side of a pixel in the unit of the mesh."""
        return self.pitch_um / 1000.0

    @property
    def planes_mm(self) -> np.ndarray:
        """Return the middle of every layer in the unit of the mesh."""
        return (np.arange(self.layers) + 0.5) * self.layer_um / 1000.0

    def empty(self) -> np.ndarray:
        """Return a dark frame; row 0 is the smallest y."""
        return np.zeros((self.ny, self.nx), np.uint8)

    def save(self, layer: int, frame: np.ndarray) -> None:
        """Write one frame as 8-bit gray PNG, at the level that costs Pillow the least time."""
        Image.fromarray(np.ascontiguousarray(frame)).save(self.out / f"{layer:05d}.png", compress_level=1)


def work() -> Work:
    """Read the command line and make the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mesh", type=Path)
    parser.add_argument("out", type=Path)
    for name in ("--nx", "--ny", "--layers"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--pitch-um", "--layer-um"):
        parser.add_argument(name, type=float, required=True)
    parser.add_argument("--supersample", type=int, default=1, metavar="N", help="N x N x N points a voxel, where the script can")
    told = parser.parse_args(namespace=Work())
    told.out.mkdir(parents=True, exist_ok=True)
    return told
