"""What profiles are made of: tables that refuse unknown keys, and physical values that say where they come from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
Class = Literal["measured", "published", "placeholder"]


class Value(msgspec.Struct, Generic[T], frozen=True, forbid_unknown_fields=True):
    """A physical value with where it comes from.

    Attributes
    ----------
    value : T
        In the unit the key's name ends with.
    class_ : {"measured", "published", "placeholder"}
        On this machine or resin; in print; or only plausible, to be replaced.
    source : str
        Who measured or published it, or why it is a guess.
    sd : float, optional
        One standard deviation, in the unit of the value; of a list, of each of its numbers. From version 2 of the profile.
    """

    value: T
    class_: Class = msgspec.field(name="class")
    source: str
    sd: Annotated[float, msgspec.Meta(ge=0)] | msgspec.UnsetType = msgspec.UNSET


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every profile table: frozen, unknown keys refused.

    `SINCE` has the keys that came after version 1 of the schema, each with its version, `NESTED` the fields whose structs have such keys
    (`pmsl.profiles.tables.versions`): a job of many layers is not walked through for nothing, and no annotation is evaluated.
    """

    SINCE: ClassVar[dict[str, int]] = {}
    NESTED: ClassVar[tuple[str, ...]] = ()

    def own_version(self) -> int:
        """Return the lowest version of the schema that has what this table uses, tables inside it left out."""
        return max((since for name, since in self.SINCE.items() if getattr(self, name) is not msgspec.UNSET), default=1)

    def newer_value(self) -> str:
        """Say what, other than a key, may make it newer."""
        return "a list"


class Sourced(Strict, frozen=True):
    """Base of tables that hold physical values: a stated `sd` is a newer key of theirs."""

    def own_version(self) -> int:
        """Return the lowest version of the schema that has what this table uses, tables inside it left out."""
        values = (getattr(self, name) for name in self.__struct_fields__)
        stated = any(isinstance(value, Value) and value.sd is not msgspec.UNSET for value in values)
        return max(2 if stated else 1, super().own_version())
