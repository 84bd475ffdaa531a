"""The part of PHYSICS.md 13: a block with a channel, its profile, and what an oracle prints of it."""

import math

import manifold3d
import numpy as np
from contact_oracle import Print
from forward_model import grid_of, printer_of, stated
from msgspec.structs import replace

import pmsl
from pmsl.correct import Corrector
from pmsl.masks import masks_of

P, EC, DP, H = 10.0, 10.0, 20.0, 10.0
ROWS, COLS = 31, 27
ROOF, OVER = 80.0, 10  # lower face of the roof [µm], its layers
DOSE = 1.5 * EC * math.exp(H / DP)  # 1.5 Ec at the far face


def resin(memory=None, **more):
    """A resin without uncertainties; `more` are values of its table."""
    base = pmsl.find_resin("pegda-nps-1.0-385")
    values = {name: stated(value) if not hasattr(value, "class_") else value for name, value in more.items()}
    own = {"dp_um": stated(DP), "ec_mj_cm2": stated(EC), "memory": memory and stated(memory), **values}
    return replace(base, resin=replace(base.resin, **own))


def channel(closed, roof=ROOF, over=OVER, low=30.0):
    """A block whose outer walls lie on edges of pixels, with a channel 60 µm wide under a roof, its ends closed or not."""
    top = math.floor(roof / H) * H + over * H
    block = manifold3d.Manifold.cube([200, 240, top]).translate([low, low, 0])
    begin, end = (60.0, 240.0) if closed else (0.0, 310.0)
    mesh = (block - manifold3d.Manifold.cube([60, end - begin, roof - 30]).translate([100, begin, 30])).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3].astype(float), mesh.tri_verts)


class Printed:
    """A corrected (or plain) channel, and what liquid that is exchanged makes of it."""

    def __init__(self, part, made=None, corrections=("edges", "printthrough"), layers=None):
        n = round(part.bounds_um[1][2] / H) if layers is None else layers
        self.white, grid = np.full(n, DOSE), grid_of(ROWS, COLS, n, pitch=P)
        if made is None:
            masks = masks_of([part], grid)
            self.frames = np.array([masks.mask(k).dense(np.uint8) for k in range(n)]) / 255
            return
        self.corrector = Corrector([part], grid, printer_of((ROWS, COLS), pitch=P), made, self.white, corrections)
        self.frames = np.array([self.corrector.images(k)[0][0].dense(np.uint8) for k in range(n)]) / 255

    def truth(self, renewal, reach=math.inf, dp=DP, ec=EC):
        return Print(self.frames, self.white, H, P, 0.36, dp, ec, renewal, reach)

    def roofs_um(self, truth, roof=ROOF, above=50.0):
        """Median of printed minus designed height of the roof, in the middle of the channel."""
        return float(np.median(truth.roof_um(np.array([14.2, 15.1, 16.4]), np.array([12.1, 13.3, 14.6]), roof - 50, roof + above))) - roof

    def walls_px(self, truth):
        """Median of the outer walls well below the top, beside the channel."""
        return float(np.median([truth.wall_px(y, 23.0, 1, z) for z in (35.0, 55.0) for y in (13.1, 15.6)]))
