"""Where bodies of parts overlap, and their union: questions that the mesh room answers, and that masks ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.mesh.part import Part, Solid


def crossing_heights(parts: Sequence[Part], most: int) -> np.ndarray | None:
    """Return the heights at which shells pass through one another; see `pmsl.mesh.shells.shell_overlap.crossing_heights`."""
    from pmsl.mesh.shells import shell_overlap

    return shell_overlap.crossing_heights(parts, most)


def sharing_heights(parts: Sequence[Part], most: int) -> np.ndarray:
    """Return the heights at which bodies share volume; see `pmsl.mesh.shells.shared_volume.sharing_heights`."""
    from pmsl.mesh.shells import shared_volume

    return shared_volume.sharing_heights(parts, most)


def may_coincide(parts: Sequence[Part]) -> bool:
    """Tell whether bodies may coincide; see `pmsl.mesh.shells.shell_overlap.may_coincide`."""
    if len(parts) == 1 and parts[0].solid.results.shells is None:
        return False
    from pmsl.mesh.shells import shell_overlap

    return shell_overlap.may_coincide(parts)


def own_crossing_heights(parts: Sequence[Part], most: int) -> np.ndarray:
    """Return the heights at which a part passes through itself; see `pmsl.mesh.shells.shell_overlap.own_crossing_heights`."""
    if all(part.solid.n_faces > most for part in parts):
        return np.zeros((0, 2))
    from pmsl.mesh.shells import shell_overlap

    return shell_overlap.own_crossing_heights(parts, most)


def united(parts: Sequence[Part]) -> Solid | None:
    """Return the union of parts as one solid in field coordinates, None where that cannot be had; see `pmsl.mesh.shells.boolean.united`."""
    from pmsl.mesh.shells import boolean  # another look upward

    return boolean.united(parts)


def shell_ranges(parts: Sequence[Part]) -> np.ndarray:
    """Return the lowest and the highest z of every shell of parts; see `pmsl.mesh.shells.boolean.shell_ranges`."""
    from pmsl.mesh.shells import boolean

    return boolean.shell_ranges(parts)
