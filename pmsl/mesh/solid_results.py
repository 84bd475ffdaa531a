"""What is known of a solid once somebody has asked: each result is made on first use, by the one function that is named beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
import numpy as np

from pmsl.mesh.health_record import MeshHealth

S = TypeVar("S")  # a Solid, which holds these results


class Shells(msgspec.Struct, frozen=True, eq=False):
    """Groups of triangles that hang together across edges.

    Where more than two triangles meet at an edge, bodies touch: those that are closed without one another are two.

    Attributes
    ----------
    closed : bool
        Every edge of the mesh has as many faces one way as the other.
    count : int
        Number of shells; of stretches where there are many triangles.
    label : (F,) int32
        Number of every triangle's shell.
    touching : bool
        Somewhere more than two triangles meet at an edge; not looked for where there are many triangles.
    """

    closed: bool
    count: int
    label: np.ndarray
    touching: bool = False


class Repaired(msgspec.Struct, Generic[S], frozen=True, eq=False):
    """A solid as it can be printed, and within how far vertices were joined for it [µm]; None where the bound does not matter."""

    solid: S
    weld_um: float | None


@dataclass(slots=True, eq=False)
class SolidResults(Generic[S]):
    """Results of a solid, None until they are known. They live and die with it, and no copy of it has them.

    Attributes
    ----------
    bounds_um, sextuple_volume_um3
        Of `Solid.bounds_um` and `Solid.inside_out`.
    health
        Of `Solid.health`.
    turned_boxes_um
        Of `Part.bounds_um`: by the matrix that turns the solid, its bytes.
    one_closed_body, shells, shell_boxes_um
        Of `pmsl.mesh.shells.shells`: `one_closed_body`, `known_shells`, `known_boxes_um`.
    hides_shells
        Of `pmsl.mesh.shells.interleaved.hidden`.
    repaired, closed
        Of `pmsl.mesh.repair.repair`: `repaired`, `closed`.
    """

    bounds_um: np.ndarray | None = None
    sextuple_volume_um3: float | None = None
    health: MeshHealth | None = None
    turned_boxes_um: dict[bytes, np.ndarray] = field(default_factory=dict)
    one_closed_body: bool | None = None
    shells: Shells | None = None
    shell_boxes_um: np.ndarray | None = None
    hides_shells: bool | None = None
    repaired: Repaired[S] | None = None
    closed: bool | None = None
