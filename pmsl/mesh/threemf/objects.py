"""What a 3MF model part holds: objects, components, build items; and what is wrong with a file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Instance = tuple[str, str, np.ndarray | None]  # model part ("" is the same one), object id, (4, 3) matrix


class ThreeMfError(ValueError):
    """What is wrong with a 3MF file; `read_3mf` adds the file name and what to do."""

    def __init__(self, text: str, remedy: str = "export it again") -> None:
        super().__init__(text)
        self.remedy = remedy


@dataclass(slots=True)
class Object:
    """A mesh, or components of other objects."""

    kind: str = "model"
    name: str = ""
    mark: str = ""  # what a slicer marks it as, where that is no material
    vertices: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    faces: np.ndarray = field(default_factory=lambda: np.empty((0, 3), dtype=np.int32))
    components: list[Instance] = field(default_factory=list)
    trouble: str = ""  # why it cannot be built; told only when it is used
    unread: tuple[str, ...] = ()  # elements of extensions, which may matter to its shape


@dataclass(slots=True)
class Model:
    """Unit ("" when not said), objects by id, build items."""

    unit: str = ""
    objects: dict[str, Object] = field(default_factory=dict)
    items: list[Instance] = field(default_factory=list)
    unprinted: list[str] = field(default_factory=list)  # objects of build items that are marked as not to be printed
    unknown: list[str] = field(default_factory=list)  # recommended extensions that are not read
