"""Distortion of optics by its formulas alone, point by point, with no code of pmsl; and printers that have some."""

from __future__ import annotations

import msgspec
import numpy as np
from scipy.optimize import root

from pmsl.profiles import find_printer
from pmsl.profiles.printer import Distortion, Printer
from pmsl.profiles.tables.strict_struct import Value


def value(number):
    return Value(value=number, class_="measured", source="tests")


def distorted(printer: Printer | str = "microfluidics-7.6um", shape: tuple[int, int] | None = None, **stated) -> Printer:
    """Return a printer with a distortion: keyword arguments by key, plain values."""
    printer = find_printer(printer) if isinstance(printer, str) else printer
    if shape is not None:
        printer = msgspec.structs.replace(printer, dmd=msgspec.structs.replace(printer.dmd, shape=value(shape)))
    plain = {name: number if name in ("degree", "flat_field") else value(number) for name, number in stated.items()}
    return msgspec.structs.replace(printer, optics=msgspec.structs.replace(printer.optics, distortion=Distortion(**plain)))


KEYSTONE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.005, 0.01)  # sides and heights of the field differ by 1 % and 2 %


class Formulas:
    """Where points land, in µm from the field's lower corner."""

    def __init__(self, size_um, keystone=None, radial=(0.0, 0.0), center=(0.0, 0.0), scale=(1.0, 1.0), skew=0.0):
        self.size, self.h = np.array(size_um, float), keystone
        self.radial, self.center, self.scale, self.skew = radial, np.array(center), np.array(scale), skew

    def plate(self, points):
        half = 0.5 * self.size[0]
        p = (np.asarray(points, float) - 0.5 * self.size) / half
        r2 = ((p - self.center) ** 2).sum(axis=-1, keepdims=True)
        p = self.center + (p - self.center) * (1 + self.radial[0] * r2 + self.radial[1] * r2**2)
        p = p * self.scale + np.stack([self.skew * p[..., 1], 0 * p[..., 1]], axis=-1)
        if self.h is not None:
            aspect = self.size / self.size[0]
            q = p / aspect
            matrix = np.array([*self.h, 1.0]).reshape(3, 3)
            bent = np.concatenate([q, np.ones_like(q[..., :1])], axis=-1) @ matrix.T
            p = bent[..., :2] / bent[..., 2:] * aspect
        return p * half + 0.5 * self.size

    def picture(self, points):
        """Which points land there: the way back, found without knowing how it goes."""
        points = np.asarray(points, float)
        found = points.copy()
        for _ in range(60):  # displacements change slowly: what is left shrinks by a hundred each time
            found = found - (self.plate(found) - points)
        assert np.abs(self.plate(found) - points).max() < 1e-8
        return found

    def picture_of(self, point):
        """The same of one point, by a library."""
        return root(lambda p: self.plate(p) - point, point, tol=1e-13).x

    def area_scale(self, points):
        points, h = np.asarray(points, float), 0.01
        landed = self.plate(points)
        dx, dy = (self.plate(points + [h, 0]) - landed) / h, (self.plate(points + [0, h]) - landed) / h
        return dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]


def dense(ring, step):
    """Corners of a ring with more along its edges, none farther apart than a step."""
    out = []
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        n = max(int(np.ceil(np.hypot(*(b - a)) / step)), 1)
        out.append(a + (b - a) * (np.arange(n) / n)[:, None])
    return np.concatenate(out)
