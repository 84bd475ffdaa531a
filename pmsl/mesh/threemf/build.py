"""The build of a 3MF file: items and components unfolded into one mesh, volumes of slicer projects by what they are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pmsl.core.finding import Finding
from pmsl.mesh.readers.common import brief
from pmsl.mesh.readers.scene import DEEPEST, MOST_INSTANCES, MOST_TRIANGLES, Matrix, moved
from pmsl.mesh.threemf.objects import Object, ThreeMfError
from pmsl.mesh.threemf.package import SOLID_KINDS, ObjectKey, Package
from pmsl.mesh.threemf.project_volumes import Leaf, Volumes, listed, misfit_finding, range_trouble
from pmsl.mesh.threemf.slicer_project import ProjectObject

UNMOVED = np.eye(4, 3)


class PlacedMesh(NamedTuple):
    """A mesh at its place, and the factor that makes µm of its vertices."""

    vertices: np.ndarray
    faces: np.ndarray
    factor: float


class Count(NamedTuple):
    """Of meshes and triangles below an object, and how deep its components go."""

    meshes: int
    triangles: int
    depth: int


@dataclass(slots=True, eq=False)
class Build:
    """What is printed, and what is not.

    Attributes
    ----------
    package : Package
    name : str
        Of the file, for messages.
    factor : float
        From the unit of the file to µm.
    pieces : list of PlacedMesh
        In the order of the build items.
    left_out : Counter
        Why, and the name of an object or volume: how often it was left out.
    volumes_left_out : Counter
        The same of volumes of slicer projects, each once.
    repeated : Counter
        Names of objects: how often one was left out because it is there already, in the same place.
    solid_supports : int
        Meshes of that type, which are printed.
    findings : list of Finding
    repairs : list of str
        What was mended so that volumes could be subtracted.
    """

    package: Package
    name: str
    factor: float
    pieces: list[PlacedMesh] = field(default_factory=list)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    volumes_left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    solid_supports: int = 0
    findings: list[Finding] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)
    _there: set[tuple[ObjectKey, bytes]] = field(default_factory=set)
    _counts: dict[tuple[ObjectKey, bool], Count] = field(default_factory=dict)
    _bodies: dict[ObjectKey, PlacedMesh] = field(default_factory=dict)

    def unfold(self) -> tuple[np.ndarray, np.ndarray]:
        """Place all build items and return them as one mesh: vertices [µm], faces.

        Raises
        ------
        Damage, MeshError
            Nothing to print, too much of it, or what is named is not there.
        """
        root = self.package.model(self.package.root)
        self.left_out.update(("marked as not printed", self._title((self.package.root, number))) for number in root.unprinted)
        items = [(self.package.below((self.package.root, ""), path, number), matrix) for path, number, matrix in root.items]
        if not items:
            switched_off = f"; {len(root.unprinted)} are marked as not printed" if root.unprinted else ""
            raise ThreeMfError(f"nothing to build: the model has no build items{switched_off}")
        self._check_project()
        self._check_counts([key for key, _ in items])
        for key, matrix in items:
            self._place(key, matrix)
        if not any(len(piece.faces) for piece in self.pieces):
            raise ThreeMfError(f"nothing to print: no triangle in its build items{self._why()}")
        return self._joined()

    def _why(self) -> str:
        """Say what was left out, for an error."""
        words = [text for text in map(in_words, (self.left_out, self.volumes_left_out)) if text]
        return f"; left out: {', '.join(words)}" if words else ""

    def _title(self, key: ObjectKey) -> str:
        """Return the name of an object for messages: what the side file or the model part calls it, else its number."""
        entry, item = self._entry(key), self.package.model(key[0]).objects.get(key[1])
        return (entry.name if entry else "") or (item.name if item else "") or key[1]

    def _entry(self, key: ObjectKey) -> ProjectObject | None:
        """Return what the side file says of an object."""
        return self.package.project.objects.get(key[1]) if key[0] == self.package.root else None

    def _special(self, key: ObjectKey) -> ProjectObject | None:
        """Return what the side file says of an object of which not all is printed as it is."""
        entry = self._entry(key)
        return None if entry is None or entry.plain else entry

    def _not_printed(self, key: ObjectKey, item: Object) -> str:
        """Return why an object as a whole is never printed, "" where it may be."""
        entry = self._entry(key)
        if item.kind not in SOLID_KINDS:
            return f"of type {item.kind}"
        if item.mark:
            return f"marked as {item.mark}"
        return "marked as not printed" if entry is not None and not entry.printed else ""

    # --- how much it is, before anything is made ---------------------------------------------------------------------

    def _check_counts(self, keys: Sequence[ObjectKey]) -> None:
        counts = [self._count(key, False, ()) for key in keys]
        meshes, triangles = sum(count.meshes for count in counts), sum(count.triangles for count in counts)
        if meshes > MOST_INSTANCES:
            raise ThreeMfError(
                f"{_large(meshes)} meshes after its components are unfolded; the limit is {MOST_INSTANCES}",
                "save them as one mesh, or place copies of one with --copies",
            )
        own = sum(len(o.faces) for m in self.package.models.values() for o in m.objects.values())
        if triangles > max(MOST_TRIANGLES, own):
            raise ThreeMfError(
                f"{_large(triangles)} triangles after its components are unfolded; the limit is {max(MOST_TRIANGLES, own)}",
                "place copies of one with --copies, which share its triangles",
            )

    def _count(self, key: ObjectKey, every: bool, above: tuple[ObjectKey, ...]) -> Count:
        """Return what is below an object, each object visited once; `every` counts what is not printed as well."""
        if key in above:
            raise ThreeMfError(f"object {key[1]!r} contains itself")
        if (key, every) not in self._counts:
            count = self._counted(key, every, (*above, key)) if len(above) <= DEEPEST else Count(0, 0, DEEPEST)
            if count.depth > DEEPEST:
                raise ThreeMfError(f"object {key[1]!r} is nested too deep: more than {DEEPEST} components in one another")
            self._counts[key, every] = count
        return self._counts[key, every]

    def _counted(self, key: ObjectKey, every: bool, above: tuple[ObjectKey, ...]) -> Count:
        item = self.package.object(key)
        if self._not_printed(key, item) and not every:
            with suppress(ThreeMfError):  # what is left out need not be whole, but what it is made of is in the build
                self._count(key, True, above[:-1])
            return Count(1, 0, 1)
        every = every or self._special(key) is not None
        below = [self._count(self.package.below(key, path, number), every, above) for path, number, _ in item.components]
        return Count(
            int(len(item.faces) > 0) + sum(count.meshes for count in below),
            len(item.faces) + sum(count.triangles for count in below),
            1 + max((count.depth for count in below), default=0),
        )

    # --- placing -----------------------------------------------------------------------------------------------------

    def _place(self, key: ObjectKey, matrix: Matrix) -> None:
        """Append the meshes below an object, placed by `matrix`."""
        item = self.package.object(key)
        why = self._not_printed(key, item)
        if why:
            self.left_out[why, self._title(key)] += 1
        elif self._special(key) is not None:
            self._append(key, self._body(key), matrix)
        else:
            if len(item.faces):
                self.solid_supports += item.kind == "solidsupport"
                self._append(key, PlacedMesh(item.vertices, item.faces, self.factor), matrix)
            for path, number, own in item.components:
                below = self.package.below(key, path, number)
                if self._count(below, False, ())[0]:
                    self._place(below, chained(own, matrix))

    def _append(self, key: ObjectKey, piece: PlacedMesh, matrix: Matrix) -> None:
        """Append a mesh, unless it is there already: thousands in one place would take hours, and print as one does."""
        where = (key, (UNMOVED if matrix is None else matrix + 0.0).tobytes())
        if where in self._there:
            self.repeated[self._title(key)] += 1
        else:
            self._there.add(where)
            self.pieces.append(self._placed(piece, matrix))

    def _placed(self, piece: PlacedMesh, matrix: Matrix) -> PlacedMesh:
        """Return a mesh at its place, turned inside out where the matrix mirrors it."""
        if matrix is not None and piece.factor != self.factor:  # moves are in the unit of the file
            matrix = np.vstack([matrix[:3], matrix[3:] * (self.factor / piece.factor)])
        mirrors = matrix is not None and np.linalg.det(matrix[:3]) < 0
        faces = piece.faces[:, ::-1] if mirrors else piece.faces
        return PlacedMesh(moved(piece.vertices, matrix), faces, piece.factor)

    def _joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all pieces as one mesh [µm]."""
        starts = np.cumsum([0] + [len(piece.vertices) for piece in self.pieces])
        if starts[-1] > np.iinfo(np.int32).max:
            raise ThreeMfError(f"{starts[-1]} vertices after its components are unfolded; the limit is {np.iinfo(np.int32).max}")
        vertices = np.empty((starts[-1], 3))
        for piece, start in zip(self.pieces, starts[:-1], strict=True):
            np.multiply(piece.vertices, piece.factor, out=vertices[start : start + len(piece.vertices)])
        return vertices, np.concatenate([p.faces + np.int32(start) for p, start in zip(self.pieces, starts[:-1], strict=True)])

    # --- volumes of slicer projects ----------------------------------------------------------------------------------

    def _body(self, key: ObjectKey) -> PlacedMesh:
        """Return what is printed of an object with volumes of several kinds, in its own coordinates [µm]; made once."""
        if key not in self._bodies:
            entry = self._special(key)
            assert entry is not None
            for volume in entry.volumes:
                volume.name = volume.name or volume.component or self._title(key)
            volumes = Volumes(f"{self.name}: object {brief(repr(self._title(key)))}", entry, self.package.project.part)
            vertices, faces = volumes.printed(list(self._leaves(key, None, (), "")))
            self._bodies[key] = PlacedMesh(vertices, faces, 1.0)
            self.volumes_left_out.update(volumes.left_out)
            self.findings += volumes.findings
            self.repairs += volumes.repairs
        return self._bodies[key]

    def _leaves(self, key: ObjectKey, matrix: Matrix, above: tuple[str, ...], why: str) -> Iterator[Leaf]:
        """Yield the meshes of a project's object, placed in it."""
        item = self.package.object(key)
        if above and self._special(key) is not None:
            yield self._leaf(self._body(key), matrix, (*above, key[1]), why or self._not_printed(key, item), "")
            return
        why = why or (self._not_printed(key, item) if above or item.mark or item.kind not in SOLID_KINDS else "")
        if len(item.faces) or item.trouble:
            yield self._leaf(PlacedMesh(item.vertices, item.faces, self.factor), matrix, (*above, key[1]), why, item.trouble)
        for path, number, own in item.components:
            yield from self._leaves(self.package.below(key, path, number), chained(own, matrix), (*above, key[1]), why)

    def _leaf(self, piece: PlacedMesh, matrix: Matrix, numbers: tuple[str, ...], why: str, trouble: str) -> Leaf:
        vertices, faces, factor = self._placed(piece, matrix)
        return Leaf(numbers[1:] or numbers, why, trouble, vertices * factor, faces)

    def _check_project(self) -> None:
        """Hold the side file against the model: what it names has to be there."""
        root, part = self.package.model(self.package.root), self.package.project.part
        for number, entry in self.package.project.objects.items():
            item, wrong = root.objects.get(number), ""
            if item is None:
                wrong = f"names object {brief(repr(entry.name or number))}, which the model does not have"
            elif entry.plain and any(volume.triangles is not None for volume in entry.volumes):
                wrong = range_trouble(entry, len(item.faces))
                wrong = wrong and f"{wrong} ({brief(repr(self._title((self.package.root, number))))})"
            if wrong and not entry.plain:
                raise ThreeMfError(f"side file {part} {wrong}", "save the project again, or export plain meshes")
            if wrong:
                self.findings.append(misfit_finding(f"{self.name}: side file {part} {wrong}"))


def chained(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the matrix that applies `inner`, then `outer`."""
    if inner is None or outer is None:
        return outer if inner is None else inner
    both: np.ndarray = inner[:, :1] * outer[0] + inner[:, 1:2] * outer[1] + inner[:, 2:] * outer[2]  # no BLAS: same bits everywhere
    both[3] += outer[3]
    return both


def in_words(left_out: Counter[tuple[str, str]]) -> str:
    """Say what was left out: how many of which kind, and their names."""
    kinds = list(dict.fromkeys(kind for kind, _ in left_out))
    count = {kind: sum(times for (k, _), times in left_out.items() if k == kind) for kind in kinds}
    return ", ".join(f"{count[kind]} × {kind} ({listed([name for k, name in left_out if k == kind])})" for kind in kinds)


def _large(number: int) -> str:
    """Write a count that may have any number of digits."""
    return str(number) if number < 10**15 else f"{number:.3g}" if number < 10**300 else "more than 1e+300"
