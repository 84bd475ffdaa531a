"""Side files of slicer projects: what each volume of an object is for.

Two families are in use. One names volumes as ranges of triangles of an object's mesh (``<volume firstid lastid>``), the other as
components of an object (``<part id subtype>``). A matrix that they give for a volume is how it came to its place; the mesh in the
model part is already there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from pmsl.mesh.readers.common import brief
from pmsl.mesh.threemf.model_part import parse_xml, refuse_doctype
from pmsl.mesh.threemf.objects import ThreeMfError

# in the order in which one counts where several say the same
SIDE_FILES = (
    "metadata/slic3r_pe_model.config",
    "metadata/superslicer_model.config",
    "metadata/slic3r_model.config",
    "metadata/model_settings.config",
)
PART, NEGATIVE, UNPRINTED = "part", "negative volume", "part switched off"
TYPES = {
    "": PART,
    "0": PART,
    "ModelPart": PART,
    "normal_part": PART,
    "NegativeVolume": NEGATIVE,
    "negative_part": NEGATIVE,
    "1": "modifier",
    "ParameterModifier": "modifier",
    "modifier_part": "modifier",
    "SupportEnforcer": "support enforcer",
    "support_enforcer": "support enforcer",
    "SupportBlocker": "support blocker",
    "support_blocker": "support blocker",
    "SeamPosition": "seam position",
}
HOLLOWING = "hollowing"
MOST_VOLUMES = 60_000


@dataclass(slots=True)
class Volume:
    """What a side file says of one volume: its triangles (first, last), or the component that it is."""

    role: str = PART
    name: str = ""
    triangles: tuple[int, int] | None = None
    component: str = ""
    printed: bool = True


@dataclass(slots=True)
class ProjectObject:
    """What a side file says of one object of the main model part."""

    name: str = ""
    printed: bool = True
    volumes: list[Volume] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether all of it is printed as the model part has it."""
        return self.printed and all(volume.role == PART for volume in self.volumes)

    def says(self) -> object:
        """Return what matters to the shape."""
        return self.printed, [(v.role, v.triangles, v.component) for v in self.volumes]


@dataclass(slots=True)
class Project:
    """What the side files say: objects by number, how many plates, settings that are not followed."""

    part: str = ""
    objects: dict[str, ProjectObject] = field(default_factory=dict)
    plates: int = 0
    settings: set[str] = field(default_factory=set)


def read_project(stream: IO[bytes], part: str) -> Project:
    """Parse a side file of either family.

    Parameters
    ----------
    stream : binary file
    part : str
        Name used in messages.

    Returns
    -------
    Project

    Raises
    ------
    ThreeMfError
        Not XML, or it says of a volume what is not understood.
    """
    reader = _Reader(part)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parse_xml(parser, stream, part)
    except expat.ExpatError as error:
        raise ThreeMfError(
            f"side file {part!r} of a slicer is damaged ({error}): which volumes print cannot be known", "save the project again"
        ) from error
    return reader.project


def merged(projects: Sequence[Project]) -> Project:
    """Return what all side files say together.

    Raises
    ------
    ThreeMfError
        Two of them do not agree on what the volumes of an object are for.
    """
    whole = Project(part=" and ".join(repr(p.part) for p in projects))
    for project in projects:
        whole.plates = max(whole.plates, project.plates)
        whole.settings |= project.settings
        for number, item in project.objects.items():
            other = whole.objects.get(number)
            if other is None or other.plain:
                whole.objects[number] = item if other is None or not item.plain else other
            elif not item.plain and item.says() != other.says():
                raise ThreeMfError(f"side files {whole.part} do not agree on the volumes of object {number!r}", "save the project again")
    return whole


class _Reader:
    """Handlers of the XML stream of a side file."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.project = Project(part)
        self.path: list[str] = []
        self.item: ProjectObject | None = None
        self.id = ""
        self.volume: Volume | None = None
        self.count = 0

    def start(self, name: str, a: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) == 1 and name != "config":
            raise self._damage(f"begins with <{brief(name)}>, not with <config>")
        if self.path == ["config", "object"]:
            self._object(a)
        elif self.path == ["config", "plate"]:
            self.project.plates += 1
        elif self.item is not None and len(self.path) == 3 and name in ("volume", "part"):
            self._volume(a)
        elif self.item is not None and name in ("object", "volume", "part"):
            raise self._damage(f"has a <{name}> in a <{self.path[-2]}>, of object {self.id!r}")
        elif self.item is not None and name == "metadata" and "key" in a:
            self._metadata(self.item, a["key"], a.get("value", ""), a.get("type", ""))

    def end(self, name: str) -> None:
        self.path.pop()
        if len(self.path) == 2:
            if self.volume is not None and not self.volume.printed:
                self.volume.role = UNPRINTED
            self.volume = None
        elif len(self.path) == 1:
            self.item = None

    def _damage(self, text: str) -> ThreeMfError:
        return ThreeMfError(f"side file {self.part!r} of a slicer {text}", "save the project again, or export plain meshes")

    def _node(self) -> None:
        """Count what takes memory by itself."""
        self.count += 1
        if self.count > MOST_VOLUMES:
            raise self._damage(f"names more than {MOST_VOLUMES} objects and volumes")

    def _object(self, a: dict[str, str]) -> None:
        self._node()
        self.id = a.get("id", "").strip()
        if not self.id or self.id in self.project.objects:
            raise self._damage(f"names object {self.id!r} twice" if self.id else "has an object without a number")
        self.item = self.project.objects[self.id] = ProjectObject()

    def _volume(self, a: dict[str, str]) -> None:
        assert self.item is not None
        self._node()
        self.volume = Volume(role=self._role(a.get("subtype", "")))
        self.volume.component = a.get("id", "").strip()
        if ("firstid" in a or "lastid" in a) and (a.get("lastid") != "0" or "id" not in a):
            ends = [a.get(key, "").strip() for key in ("firstid", "lastid")]
            if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in ends):
                raise self._damage(f"gives a volume of object {self.id!r} the triangles {brief(ends[0])!r} to {brief(ends[1])!r}")
            self.volume.triangles = (int(ends[0]), int(ends[1]))
        elif "id" not in a:
            raise self._damage(f"has a volume of object {self.id!r} without triangles and without a number")
        self.item.volumes.append(self.volume)

    def _role(self, text: str) -> str:
        if text not in TYPES:
            known = ", ".join(key for key in TYPES if len(key) > 1)
            raise self._damage(f"gives a volume of object {self.id!r} the type {brief(text)!r}, which is not one of {known}")
        return TYPES[text]

    def _metadata(self, item: ProjectObject, key: str, value: str, kind: str) -> None:
        volume = None if kind == "object" else self.volume
        if key == "hollowing_enable" and value.strip() == "1":
            self.project.settings.add(HOLLOWING)
        elif key == "printable":
            self._printable(item, volume, value)
        elif volume is None:
            if key == "name":
                item.name = value
        elif key == "name":
            volume.name = value
        elif key in ("volume_type", "part_type"):
            volume.role = self._role(value)
        elif key == "modifier":
            if value not in ("0", "1", "true", "false"):
                raise self._damage(f"gives a volume of object {self.id!r} modifier={brief(value)!r}; expected 0 or 1")
            if value in ("1", "true") and volume.role == PART:
                volume.role = "modifier"

    def _printable(self, item: ProjectObject, volume: Volume | None, value: str) -> None:
        if value not in ("0", "1", "true", "false"):
            raise self._damage(f"gives object {self.id!r} printable={brief(value)!r}; expected 0 or 1")
        if value in ("0", "false"):
            (item if volume is None else volume).printed = False
