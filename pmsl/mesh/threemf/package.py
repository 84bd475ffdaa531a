"""The archive of a 3MF file: model parts parsed when first needed, and the side file of a slicer project."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import Counter

from pmsl.mesh.threemf.model_part import parse_model, start_parts
from pmsl.mesh.threemf.objects import Model, Object, ThreeMfError
from pmsl.mesh.threemf.slicer_project import HOLLOWING, SIDE_FILES, Project, merged, read_project

UNITS_3MF: dict[str, tuple[str, float]] = {
    "micron": ("um", 1.0),
    "millimeter": ("mm", 1e3),
    "centimeter": ("cm", 1e4),
    "meter": ("m", 1e6),
    "inch": ("inch", 25400.0),
    "foot": ("foot", 304800.0),
}
KINDS = ("model", "solidsupport", "support", "surface", "other")
SOLID_KINDS = ("model", "solidsupport")  # what has to be filled; the others are never printed
RELATIONSHIPS, MOST_SMALL = "_rels/.rels", 1 << 20
FREE_BYTES, RATIO, MOST_BYTES = 1 << 25, 64, 1 << 32  # all parts may unpack to so many, or times what they take, up to an end
ObjectKey = tuple[str, str]  # model part, object id
PRINT_CONFIG, HOLLOWED = "metadata/slic3r_pe.config", re.compile(rb"^\s*;?\s*hollowing_enable\s*=\s*1\s*$", re.MULTILINE)
# what else of a project would change the shape or the light, and is not read
UNREAD = {
    "metadata/slic3r_pe_sla_drain_holes.txt": "drain holes",
    "metadata/slic3r_pe_sla_support_points.txt": "support points",
    "metadata/slic3r_pe_layer_heights_profile.txt": "layer heights",
    "metadata/layer_heights_profile.txt": "layer heights",
    "metadata/prusa_slicer_layer_config_ranges.xml": "settings by height",
    "metadata/slic3r_layer_config_ranges.xml": "settings by height",
    "metadata/superslicer_layer_config_ranges.xml": "settings by height",
    "metadata/layer_config_ranges.xml": "settings by height",
}


class Package:
    """What the archive holds.

    Attributes
    ----------
    root : str
        The start part.
    unit : str
        Unit of the numbers in all model parts.
    models : dict
        Model parts read so far, by name.
    project : Project
        What the side files of slicers say of volumes; empty where there are none.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        named = [(name.lower().replace("\\", "/").lstrip("/"), name) for name in archive.namelist()]
        self.names = dict(named)
        self.twice = {part for part, times in Counter(part for part, _ in named).items() if times > 1}
        self.models: dict[str, Model] = {}
        self.used: set[ObjectKey] = set()
        self.packed = self.unpacked = 0
        self.starts = self._starts()
        self.root = self.starts[0]
        self.unit = self.model(self.root).unit or "millimeter"
        if self.unit not in UNITS_3MF:
            raise ThreeMfError(f"unit {self.unit!r} is not one of {', '.join(UNITS_3MF)}")
        self.project = merged([self._project(part) for part in SIDE_FILES if part in self.names])

    def _starts(self) -> list[str]:
        """Return the start parts: what the package relationships name, else the usual place."""
        if RELATIONSHIPS not in self.names:
            return ["3d/3dmodel.model"]
        self._check_size(RELATIONSHIPS, MOST_SMALL)
        named = start_parts(self.archive.read(self.names[RELATIONSHIPS]))
        return list(dict.fromkeys(part_name(target) for target in named)) or ["3d/3dmodel.model"]

    def _project(self, part: str) -> Project:
        self._count_bytes(part)
        with self.archive.open(self.names[part]) as stream:
            return read_project(stream, self.names[part])

    def _check_size(self, part: str, most: int, beside: int = 0) -> None:
        """Refuse what unpacks to more than it may; `zipfile` reads no further than the size it is told."""
        if part in self.twice:
            raise ThreeMfError(f"the archive has part {part!r} twice: which of them counts cannot be known")
        size = self.archive.getinfo(self.names[part]).file_size + beside
        if size > most:
            also = " with the parts before it" if beside else ""
            raise ThreeMfError(f"part {part!r}{also} unpacks to {size} bytes, at most {most} are read of what is packed like this")

    def _count_bytes(self, part: str) -> None:
        """Refuse a part that, with those read before, unpacks to more than what takes so little may."""
        info = self.archive.getinfo(self.names[part])
        self.packed += info.compress_size
        self._check_size(part, min(max(FREE_BYTES, RATIO * self.packed), MOST_BYTES), self.unpacked)
        self.unpacked += info.file_size

    def model(self, part: str) -> Model:
        """Return a model part."""
        if part not in self.models:
            if part not in self.names:
                raise ThreeMfError(f"the archive has no 3D model part {part!r}")
            self._count_bytes(part)
            with self.archive.open(self.names[part]) as stream:  # reading to the end checks the CRC
                self.models[part] = parse_model(stream, part)
            own = self.models[part].unit
            if part != self.root and own and own != self.unit:
                raise ThreeMfError(f"model part {part!r} is in {own}, the main part in {self.unit}")
        return self.models[part]

    def object(self, key: ObjectKey) -> Object:
        """Return an object that is used; it need not be whole where it is not printed."""
        self.used.add(key)
        item = self.model(key[0]).objects.get(key[1])
        if item is None:
            raise ThreeMfError(f"object {key[1]!r} of model part {key[0]!r} is used but not defined")
        if item.kind not in KINDS:
            raise ThreeMfError(f"object {key[1]!r} has the type {item.kind!r}, which is not one of {', '.join(KINDS)}")
        if item.trouble and item.kind in SOLID_KINDS:
            raise ThreeMfError(item.trouble)
        return item

    def below(self, key: ObjectKey, path: str, number: str) -> ObjectKey:
        """Return the key of a component; without a path it lies in the same part."""
        return (part_name(path) if path else key[0], number)

    def unused(self) -> int:
        """Count the objects with triangles, of the parts that were read, that no build item leads to."""
        return sum(
            len(o.faces) > 0 and (part, number) not in self.used for part, m in self.models.items() for number, o in m.objects.items()
        )

    def unread(self) -> list[str]:
        """Name what the file holds beside its meshes that would change the shape or the light, and is not read."""
        size = {part: self.archive.getinfo(name).file_size for part, name in self.names.items()}
        found = {what for part, what in UNREAD.items() if size.get(part, 0) > 0} | self.project.settings
        if 0 < size.get(PRINT_CONFIG, 0) <= MOST_SMALL and HOLLOWED.search(self.archive.read(self.names[PRINT_CONFIG])):
            found.add(HOLLOWING)
        return sorted(found)

    def parts_unread(self) -> list[str]:
        """Name the model parts that nothing leads to."""
        return sorted(name for part, name in self.names.items() if part.endswith(".model") and part not in self.models)


def part_name(path: str) -> str:
    """Return the name of a part as `Package` has it."""
    return posixpath.normpath(path.lower()).lstrip("/")
