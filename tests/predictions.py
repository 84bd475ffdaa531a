"""Jobs for predictions: round numbers for printer, resin and dose; a block with a channel."""

import manifold3d
import msgspec

import pmsl
from pmsl.profiles.tables.strict_struct import Value

H, DP, EC = 10.0, 40.0, 10.0
PX = 10.0


def value(v):
    return Value(value=v, class_="measured", source="test")


def printer(sigma_px=0.36, shape=(48, 56)):
    base, put = pmsl.find_printer("pmsl-10um"), msgspec.structs.replace
    optics = put(base.optics, pitch_um=value((PX, PX)), psf=put(base.optics.psf, sigma_pitch=value(sigma_px)))
    return put(base, dmd=put(base.dmd, shape=value(shape)), optics=optics)


def resin(dp=DP, ec=EC, **more):
    base, put = pmsl.find_resin("pr48-405"), msgspec.structs.replace
    return put(base, resin=put(base.resin, dp_um=value(dp), ec_mj_cm2=value(ec), **{k: value(v) for k, v in more.items()}))


def process(margin_um, layer_um=H, **more):
    return msgspec.structs.replace(pmsl.find_process("default"), layer_um=layer_um, margin_um=margin_um, bottom_dose_factors=[1.0], **more)


def job_of(solids, cd_um=20.0, dp=DP, sigma_px=0.36, layer_um=H, **more):
    return pmsl.prepare(solids, printer(sigma_px), resin(dp), process(cd_um - layer_um, layer_um, **more))


def tunnel(roof_um, height_um=200.0, floor_um=20.0, width_um=200.0):
    """A block with a channel along x, open at both ends."""
    z = floor_um + height_um + roof_um
    block = manifold3d.Manifold.cube([300, 320, z]).translate([100, 80, 0])
    hole = manifold3d.Manifold.cube([400, width_um, height_um]).translate([50, 240 - width_um / 2, floor_um])
    mesh = (block - hole).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)
