"""Two-photon profiles of numbers that are easy to reckon with, and jobs of them."""

import msgspec
from solids import box, icosphere

from pmsl import Part
from pmsl.pipeline.two_photon import prepare_two_photon
from pmsl.profiles import find_two_photon_printer, find_two_photon_process, find_two_photon_resin
from pmsl.profiles.tables.strict_struct import Value

PRINTER = find_two_photon_printer("two-photon-63x")
RESIN = find_two_photon_resin("ip-dip-780")
PROCESS = find_two_photon_process("two-photon")
SPHERE = icosphere(3, 4.0, (31.03, 29.47, 4.0))  # off the lattice of voxels
FRAME = (box((10.0, 10.0, 0.0), (13.0, 40.0, 1.2)), box((11.0, 12.0, 0.0), (30.5, 15.5, 1.2)))  # an L, of two boxes that overlap


def printer(**keys):
    """The placeholder printer with other values of its objective."""
    values = {name: Value(value, "measured", "test") for name, value in keys.items()}
    return msgspec.structs.replace(PRINTER, two_photon=msgspec.structs.replace(PRINTER.two_photon, **values))


def resin(**keys):
    values = {name: Value(value, "measured", "test") for name, value in keys.items()}
    return msgspec.structs.replace(RESIN, two_photon=msgspec.structs.replace(RESIN.two_photon, **values))


def process(**keys):
    return msgspec.structs.replace(PROCESS, two_photon=msgspec.structs.replace(PROCESS.two_photon, **keys))


def job(*solids, printer=PRINTER, resin=RESIN, **keys):
    return prepare_two_photon([Part(solid=solid, label="part") for solid in solids or (SPHERE,)], printer, resin, process(**keys))
