"""Parts and two-photon profiles to a job: voxels and their power, blocks and their lines, and `pmsl slice` of them."""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.pipeline.two_photon.slice_two_photon import slice_two_photon
    from pmsl.pipeline.two_photon.two_photon_setup import place_two_photon, prepare_two_photon

_HOMES = homes_in(__name__, slice_two_photon="slice_two_photon", two_photon_setup="place_two_photon prepare_two_photon")
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["place_two_photon", "prepare_two_photon", "slice_two_photon"]
