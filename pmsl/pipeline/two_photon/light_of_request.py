"""Which light a request of `pmsl slice` is for: frames that are projected, or voxels that two photons write."""

from __future__ import annotations

from pmsl.errors import ProfileError
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles.find import is_two_photon

KINDS = ("printer", "resin", "process")


def asks_for_two_photon(request: SliceRequest) -> bool:
    """Tell whether any profile that a request names writes with two photons.

    Raises
    ------
    ProfileError
        A profile is not to be found; some write with two photons and others do not.
    """
    named = {kind: name for kind in KINDS if (name := getattr(request, kind)) is not None}
    voxels = [kind for kind, name in named.items() if is_two_photon(kind, name)]
    if not voxels:
        return False
    others = [kind for kind in named if kind not in voxels]
    if others:
        raise ProfileError(
            f"{voxels[0]} {named[voxels[0]]} writes voxels with two photons, {others[0]} {named[others[0]]} does not: "
            "give a printer, a resin and a process that all have a table [two_photon], or none"
        )
    return True
