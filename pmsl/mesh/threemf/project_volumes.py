"""One object of a slicer project: its meshes by what the side file says they are for, and what is printed of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pmsl.core.finding import Finding, Severity
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import brief
from pmsl.mesh.threemf.negative_volumes import Body, subtracted
from pmsl.mesh.threemf.objects import ThreeMfError
from pmsl.mesh.threemf.slicer_project import NEGATIVE, PART, ProjectObject, Volume

NAMED = 8  # names in a message
NOTHING = 1e-9  # share of a volume: what rounding of corners leaves
MM3 = 1e-9  # of a µm³


class Leaf(NamedTuple):
    """A mesh of an object: the numbers of the components that lead to it, and its vertices [µm]."""

    numbers: tuple[str, ...]
    why: str  # it is never a part, "" where it may be
    trouble: str  # why it cannot be built, "" where it can
    vertices_um: np.ndarray
    faces: np.ndarray


@dataclass(slots=True, eq=False)
class Volumes:
    """Meshes of one object, sorted.

    Attributes
    ----------
    where : str
        File and object, for messages.
    entry : ProjectObject
        What the side file says of it.
    part : str
        Name of the side file.
    left_out : Counter
        What a volume is for, and its name: how often it was left out.
    findings, repairs
        Of subtracting.
    """

    where: str
    entry: ProjectObject
    part: str
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    def printed(self, leaves: Sequence[Leaf]) -> tuple[np.ndarray, np.ndarray]:
        """Return what is printed of the object: vertices (V, 3) float64 [µm] and faces, none where nothing is.

        Raises
        ------
        Damage, MeshError
            The side file does not fit the meshes, or a negative volume cannot be subtracted.
        """
        ranges = any(volume.triangles is not None for volume in self.entry.volumes)
        bodies: dict[str, list[Body]] = {PART: [], NEGATIVE: []}
        holes: list[str] = []
        for volume, leaf in self._of_ranges(leaves) if ranges else self._of_components(leaves):
            if volume.role not in bodies:
                self.left_out[volume.role, volume.name] += 1
            elif volume.role == PART and leaf.why:
                self.left_out[f"part {leaf.why}", volume.name] += 1
            elif leaf.trouble:
                raise ThreeMfError(f"{volume.role} {brief(repr(volume.name))}: {leaf.trouble}")
            else:
                holes += [volume.name] if volume.role == NEGATIVE else []
                bodies[volume.role].append(Body(f"{self.where}, volume {brief(repr(volume.name))}", leaf.vertices_um, leaf.faces))
        if bodies[PART] and bodies[NEGATIVE]:
            return self._subtracted(bodies[PART], bodies[NEGATIVE], holes)
        self.left_out.update(("negative volume of nothing", name) for name in holes)
        starts = np.cumsum([0] + [len(body.vertices_um) for body in bodies[PART]])
        faces = [body.faces + np.int32(start) for body, start in zip(bodies[PART], starts[:-1], strict=True)]
        return (
            np.concatenate([np.empty((0, 3)), *(body.vertices_um for body in bodies[PART])]),
            np.concatenate([np.empty((0, 3), np.int32), *faces]),
        )

    def _of_ranges(self, leaves: Sequence[Leaf]) -> list[tuple[Volume, Leaf]]:
        """Cut the one mesh of the object into its volumes."""
        volumes = sorted(self.entry.volumes, key=lambda volume: volume.triangles or (-1, -1))
        if len(leaves) != 1 or any(volume.triangles is None for volume in volumes):
            raise self._misfit(f"names triangles, but the object consists of {len(leaves)} meshes")
        [leaf] = leaves
        wrong = range_trouble(self.entry, len(leaf.faces))
        if wrong:
            raise self._misfit(wrong)
        out = []
        for volume in volumes:
            assert volume.triangles is not None
            first, last = volume.triangles
            used, faces = np.unique(leaf.faces[first : last + 1], return_inverse=True)
            faces = faces.reshape(-1, 3).astype(np.int32)
            out.append((volume, leaf._replace(vertices_um=leaf.vertices_um[used], faces=faces)))
        return out

    def _of_components(self, leaves: Sequence[Leaf]) -> list[tuple[Volume, Leaf]]:
        """Find the volume of every mesh: that of the same place in the list, else the one of its number."""
        volumes, by_number, used = self.entry.volumes, defaultdict[str, list[Volume]](list), set[int]()
        for volume in volumes:
            by_number[volume.component].append(volume)
        out = []
        for i, leaf in enumerate(leaves):
            fits = [volume for number in leaf.numbers for volume in by_number[number]]
            if i < len(volumes) and volumes[i].component in leaf.numbers:
                fits = [volumes[i]]
            if len({volume.role for volume in fits}) > 1:
                raise self._misfit(f"has several kinds of volumes for component {leaf.numbers[-1]!r}")
            if not fits:
                self._say(f"says nothing of component {leaf.numbers[-1]!r}, which is printed")
            used.update(id(volume) for volume in fits)
            out.append((fits[0] if fits else Volume(name=leaf.numbers[-1]), leaf))
        for volume in volumes:
            if id(volume) not in used and volume.role != PART:
                raise self._misfit(f"names {volume.role} {brief(repr(volume.name))}, but the object has no component {volume.component!r}")
            if id(volume) not in used:
                self._say(f"names part {brief(repr(volume.name))}, but the object has no component {brief(repr(volume.component))}")
        return out

    def _misfit(self, text: str) -> ThreeMfError:
        return ThreeMfError(f"side file {self.part} {text} ({self.where})", "save the project again, or export plain meshes")

    def _say(self, text: str) -> None:
        self.findings.append(misfit_finding(f"{self.where}: side file {self.part} {text}"))

    def _subtracted(self, positive: list[Body], negative: list[Body], names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        left = subtracted(positive, negative)
        many = f"{len(names)} negative volume{'s' * (len(names) > 1)} ({listed(names)})"
        if left.after_um3 <= NOTHING * left.before_um3:
            raise MeshError(f"{self.where}: {many} take away all of it; nothing to print. Check which volumes are negative")
        removed = left.before_um3 - left.after_um3
        if removed > NOTHING * left.before_um3:
            severity: Severity = "info"
            text = f"{many} subtracted: {removed * MM3:.6g} of {left.before_um3 * MM3:.6g} mm³"
        else:
            severity, text = "warning", f"{many} do not reach into it; nothing was subtracted. Check where they lie"
        message = f"{self.where}: {text}"
        self.findings.append(Finding(code="negative-volumes", severity=severity, message=message, value=removed * MM3, unit="mm³"))
        self.findings += left.findings
        self.repairs += left.repairs
        return left.vertices_um, left.faces


def range_trouble(entry: ProjectObject, count: int) -> str:
    """Say where the ranges of volumes do not cover the triangles of a mesh once each; "" where they do."""
    after = 0
    for first, last in sorted(volume.triangles or (-1, -1) for volume in entry.volumes):
        if first != after or last < first:
            return f"gives a volume the triangles {first} to {last}, where {after} comes next"
        after = last + 1
    return "" if after == count else f"names {after} triangles of an object that has {count}"


def misfit_finding(message: str) -> Finding:
    """Return the finding that a side file does not fit the model."""
    return Finding(code="project-misfit", severity="warning", message=f"{message}; save the project again if that is not meant")


def listed(names: Sequence[str], quoted: bool = False) -> str:
    """Write names, the first few of many."""
    shown = [name if quoted else brief(repr(name)) for name in names[:NAMED]]
    return ", ".join(shown) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
