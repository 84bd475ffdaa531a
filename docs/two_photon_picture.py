"""Make the picture of two_photon.md: a slice of a gripper in blocks that overlap, its lines drawn coarsely so that they show.

Usage: python docs/two_photon_picture.py    (in an environment with pmsl; writes docs/two_photon_blocks.png)
"""

from pathlib import Path

import msgspec

import pmsl
from pmsl.pipeline.two_photon import place_two_photon
from pmsl.profiles import find_two_photon_printer, find_two_photon_process, find_two_photon_resin
from pmsl.report.block_picture import block_picture

ROOT = Path(__file__).resolve().parents[1]
COARSE = {"hatch_um": 0.5, "contours": 2, "block_um": 24.0, "overlap_um": 3.0, "hatch_angle_deg": 30.0}


def main() -> None:
    """Write docs/two_photon_blocks.png."""
    printer, resin = find_two_photon_printer("two-photon-63x"), find_two_photon_resin("ip-dip-780")
    process = find_two_photon_process("two-photon")
    process = msgspec.structs.replace(process, two_photon=msgspec.structs.replace(process.two_photon, **COARSE))
    solid = pmsl.load_solid(ROOT / "sample_meshes" / "micro_gripper.stl")
    placed = place_two_photon([solid], printer, resin, process, scale=(0.02, 0.02, 0.02))
    job = pmsl.prepare_two_photon(placed, printer, resin, process)
    block_picture(job, ROOT / "docs" / "two_photon_blocks.png", k=6)


if __name__ == "__main__":
    main()
