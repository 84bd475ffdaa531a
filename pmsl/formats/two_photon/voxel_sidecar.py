"""The file beside an array of voxels, and both read again: whatever they hold, they are read or refused with one error."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from pmsl.errors import JobError
from pmsl.files.encodable import json_bytes

SCHEMA: Literal["pmsl.voxels/1"] = "pmsl.voxels/1"
LONGEST = 1 << 26  # bytes
HEADER = re.compile(  # of an array as voxel-npy, and NumPy itself, writes it
    rb"\x93NUMPY\x01\x00(?P<size>..)\{'descr': '<f4', 'fortran_order': True, 'shape': \((\d{1,9}), (\d{1,9}), (\d{1,9})\), \} *\n\Z", re.S
)
LONGEST_HEADER = 1 << 10
MAGIC = b"\x93NUMPY"
Pitch = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Number = Annotated[int, Meta(ge=0)]


class BlockPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a block lies: its place in the lattice, its middle on the plate and its side [µm]."""

    column: Number
    row: Number
    centre_um: tuple[float, float]
    side_um: Pitch


class VoxelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside an array of voxels.

    Attributes
    ----------
    schema : "pmsl.voxels/1"
    axes : ["y", "x", "z"]
    shape : (int, int, int)
    pitch_um, origin_um : (float, float, float)
        By axis: distance of voxels, and the lower corner of the first.
    unit : str
        What 1 stands for.
    speed_um_s : float
    power_mw : list of float
        Powers of full voxels that occur.
    threshold_mw, burn_mw, exponent : float
        The resin's window at that speed.
    voxel_um : (float, float)
        Width and height of what a full voxel cures.
    blocks : list of BlockPlace
        In the order they are written.
    printer, resin, process : str
    calibrated : bool
    placeholders : list of str
    provenance : dict
    findings : list of dict
    sha256 : str
        Of the array's file.
    """

    schema: Literal["pmsl.voxels/1"]
    axes: tuple[Literal["y"], Literal["x"], Literal["z"]]
    shape: tuple[Count, Count, Count]
    pitch_um: tuple[Pitch, Pitch, Pitch]
    origin_um: tuple[float, float, float]
    unit: str
    speed_um_s: Pitch
    power_mw: list[float]
    threshold_mw: float
    burn_mw: float
    exponent: float
    voxel_um: tuple[float, float]
    blocks: Annotated[list[BlockPlace], Meta(min_length=1)]
    printer: str
    resin: str
    process: str
    calibrated: bool
    placeholders: list[str]
    provenance: dict[str, Any]
    findings: list[dict[str, Any]]
    sha256: str


class Voxels(NamedTuple):
    """An array of voxels as it lies on disk, (rows, cols, slices) float32, and what stands beside it."""

    array: np.ndarray
    facts: VoxelFacts


def sidecar(path: Path) -> Path:
    """Return the name of the file beside an array."""
    return path.with_name(f"{path.name}.json")


def is_voxels(path: Path) -> bool:
    """Tell whether a file is an array of NumPy; of what cannot be read others speak."""
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_facts(path: Path, facts: VoxelFacts) -> None:
    """Write what stands beside an array."""
    path.write_bytes(msgspec.json.format(json_bytes(facts), indent=1) + b"\n")


def read_array(path: Path) -> np.ndarray:
    """Open an array without reading it.

    Raises
    ------
    JobError
        It is not as `voxel-npy` writes it, or cut short.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(LONGEST_HEADER)
    except OSError as err:
        raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err
    found = HEADER.match(head[: 10 + int.from_bytes(head[8:10], "little")])
    if found is None:
        raise JobError(f"{path}: is no array as voxel-npy writes it (float32 [y, x, z] in Fortran order); copy or slice it again")
    rows, cols, slices = (int(number) for number in found.groups()[1:])
    wanted = found.end() + 4 * rows * cols * slices
    if wanted != size or wanted == found.end():
        raise JobError(f"{path}: has {size} bytes, {wanted} for {rows} × {cols} × {slices} voxels; copy or slice it again")
    return np.memmap(path, "<f4", "r", found.end(), (rows, cols, slices), "F")


def read_facts(path: Path) -> VoxelFacts:
    """Read what stands beside an array.

    Parameters
    ----------
    path : Path
        Of the array.

    Raises
    ------
    JobError
        It is missing, or not as pmsl writes it.
    """
    beside = sidecar(path)
    try:
        if beside.stat().st_size > LONGEST:
            raise JobError(f"{beside}: is longer than {LONGEST} bytes; copy or slice it again")
        facts = msgspec.json.decode(beside.read_bytes(), type=VoxelFacts)
    except (OSError, ValueError, RecursionError) as err:
        raise JobError(f"{beside}: cannot be read ({err or type(err).__name__}); copy or slice it again") from err
    numbers = (*facts.pitch_um, *facts.origin_um, *facts.voxel_um, *(v for b in facts.blocks for v in (*b.centre_um, b.side_um)))
    if not all(map(math.isfinite, numbers)):
        raise JobError(f"{beside}: a length is not finite; copy or slice it again")
    return facts


def read_voxels(path: Path) -> Voxels:
    """Open an array of voxels and what stands beside it; raises `JobError` where they are damaged or do not fit each other."""
    array, facts = read_array(path), read_facts(path)
    if array.shape != facts.shape:
        raise JobError(f"{sidecar(path)}: shape is {facts.shape}, the array's {array.shape}; copy or slice both again")
    return Voxels(array, facts)
