"""Parts of one solid that differ only in where they stand in x and y: what is found of one holds, moved, for all."""

from __future__ import annotations

from collections.abc import Sequence

from pmsl.mesh.part import Part


def alike(parts: Sequence[Part]) -> list[list[int]]:
    """Group parts of one solid that differ only by a shift in x and y: numbers of parts, in order of the first of each group."""
    groups: dict[tuple[int, bytes, float], list[int]] = {}
    for i, part in enumerate(parts):
        turn = part.transform[:3, :3] + 0.0  # no negative zeros
        groups.setdefault((id(part.solid), turn.tobytes(), float(part.transform[2, 3]) + 0.0), []).append(i)
    return list(groups.values())
