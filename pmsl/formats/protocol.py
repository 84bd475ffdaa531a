"""What a format is: one object with a name, suffixes, a capability, and `recognises`, `write`, `read`, `verify`.

How to add one inside the house: a module beside this one with an object that fits `Format`, and a line in
`registry.SHIPPED`. From another package: an entry point of group ``pmsl.formats``, its name the format's, its object a
`Format`. What a writer does, in order:

1. ``fitted = adapt.fit(job, self.capability, self.name, options)``: refuses what the target cannot hold, or, with
   `options.lossy`, gives the job that is written instead, its losses among its findings.
2. ``with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:`` writes the
   draft, layers through ``layer_writer.written(fitted, options, make, store)``, which also calls `options.accept`.
3. The draft is read back before it gets its name (`containers.check_written` for zips).

Frames come from `frames.device_frame` or, as PNG, from `png_write.encode_mask`, with the orientation of the fitted job's engine.
A reader makes the job through `incomplete_job.job`, which says as findings what the file does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.job.layer_facts import CheckedFacts
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import Estimate, PrintJob

if TYPE_CHECKING:
    from pmsl.core.contours import Contours
    from pmsl.formats.adapt.capability import Capability
    from pmsl.formats.adapt.panel import Panel
    from pmsl.job.dose_map import DoseMap

HEAD = 4096

DoseOf = Callable[[PrintJob, LayerPlan], "DoseMap"]
ContoursOf = Callable[[PrintJob], "Iterator[Contours]"]
Progress = Callable[[int, int], None]


class BlockTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how other processes write the layers of a job; every one of them sees the folders under these names.

    Attributes
    ----------
    work : str
        Folder they share, gone when the job is done.
    folder : str
        The job itself, where it is a folder.
    bundled : bool
        The files of a block go into one in the work folder: the job is a zip.
    small, dose, facts : bool
        As of `WriteOptions`: `small`, whether there are dose maps, and `facts`.
    """

    work: str
    folder: str
    bundled: bool
    small: bool
    dose: bool
    facts: bool = False


class Blocks(Protocol):
    """What workers say of the layers they made, block after block, in order of layers, and an end to their work."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield every block; the blocks of a worker that is lost are made again."""

    def close(self) -> None:
        """Let no worker write any more."""


class LayerWorkers(Protocol):
    """Other processes that make the layers of a job."""

    def blocks(self, job: PrintJob, place: BlockTarget) -> Blocks:
        """Let the workers begin."""


class LayerWatch(Protocol):
    """Looks at layers while they are written. Layers that other processes make it is not shown; it makes them itself where it has to."""

    def seen(self, plan: LayerPlan) -> Any:
        """Return what is to be remembered of a layer; from any thread."""

    def add(self, seen: Any) -> None:
        """Take that of the next layer from the plate up; from one thread."""

    def findings(self) -> Sequence[Finding]:
        """Return what was found, when all layers are written."""

    def of_layers(self) -> CheckedFacts | None:
        """Return what was found by layers, after `findings`; None where nothing was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How a job is to be written.

    Attributes
    ----------
    response : (256,) float64
        Irradiance of every 8-bit level relative to white, never falling; grays are requantised and dithered in light.
    dose_of : callable, optional
        Gives the dose map of a layer; left out, no dose maps are written.
    contours_of : callable, optional
        Gives the rings in which the planes of all slabs cut a job's placed parts, some layers at a time, in order.
    with_design : bool
        Store the placed parts where the format can.
    small : bool
        Take the time to make smaller frames.
    facts : bool
        Measure every layer and say so where the format has a place for it (`pmsl.job.layer_facts`).
    threads : int
        Layers made at a time; the bytes do not depend on it.
    force : bool
        Replace a job of the same format, or an empty folder.
    lossy : bool
        Do what the target cannot hold exactly as well as it can, and list it, instead of refusing it.
    progress : callable, optional
        Called with (layers done, layers in all).
    accept : callable, optional
        Called with all findings before the file gets its name; raises to refuse it.
    workers : LayerWorkers, optional
        Makes the layers in other processes; the bytes do not depend on it. Only formats that say `spreads` take one.
    watch : LayerWatch, optional
        Looks at the layers on their way; what it finds comes after all other findings.
    """

    response: np.ndarray
    dose_of: DoseOf | None = None
    contours_of: ContoursOf | None = None
    with_design: bool = True
    small: bool = False
    facts: bool = False
    threads: int = 1
    force: bool = False
    lossy: bool = False
    progress: Progress | None = None
    accept: Callable[[tuple[Finding, ...]], None] | None = None
    workers: LayerWorkers | None = None
    watch: LayerWatch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How a file is to be checked: what gives the dose map a layer should have, progress, layers read at a time, the frames' panel."""

    dose_of: DoseOf | None = None
    progress: Progress | None = None
    threads: int = 1
    panel: Panel | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a job turned out to be once its layers were made."""

    findings: tuple[Finding, ...]
    estimate: Estimate
    n_layers: int


@dataclass(frozen=True, slots=True)
class FileSignature:
    """What a file or folder shows before it is read.

    Attributes
    ----------
    path : Path
    folder : bool
    head : bytes
        Its first `HEAD` bytes; none of a folder.
    names : frozenset of str
        Files of a zip; files and folders at the top of a folder; none of another file.
    """

    path: Path
    folder: bool
    head: bytes
    names: frozenset[str]


class Format(Protocol):
    """One file format. All methods raise `PmslError`s only; a reader treats its file as hostile.

    A format may also be a `SpreadFormat` or a `PanelFormat`. Others are never given workers, or a panel.
    """

    @property
    def name(self) -> str:
        """What ``--format`` calls it."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes it is chosen by when writing, small letters, with the dot."""

    @property
    def capability(self) -> Capability:
        """What it can hold."""

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by content, not by suffix, whether a file is of this format; wrong ones too, so that `read` can say what is wrong."""

    def foreign(self, path: Path) -> str:
        """Say why what stands at `path` may not be replaced with ``--force``; nothing where it may (`atomic_write.other_format`)."""

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent; the same job is the same bytes."""

    def read(self, path: Path) -> PrintJob:
        """Read a job whose layers are decoded when asked for; partial where the format holds less, which its findings say."""

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Say what is wrong with a file, one line each; raises `JobError` where it cannot be read at all."""


@runtime_checkable
class SpreadFormat(Protocol):
    """What a format states besides whose layers other processes can make."""

    @property
    def spreads(self) -> bool:
        """True where `write` takes a `WriteOptions.workers`."""


@runtime_checkable
class PanelFormat(Protocol):
    """What a format states besides whose files may not say what panel their frames are for."""

    @property
    def uses_panel(self) -> bool:
        """True where `read`, and `verify` by `VerifyOptions.panel`, use a panel."""

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a job whose frames are of that panel."""
