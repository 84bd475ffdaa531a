"""PrintJob: everything a printer needs, layer by layer, in any order, always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from msgspec import UNSET, UnsetType

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid, spanning
from pmsl.job.layer_facts import facts_of
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import InOrder, LayerSource, layer_source
from pmsl.job.meter import Estimate as Estimate
from pmsl.job.meter import Meter
from pmsl.job.pauses import Pause
from pmsl.job.stage_way import StageWay
from pmsl.job.techniques import DRAWN, Vacuum
from pmsl.mesh.part import Part
from pmsl.mesh.region import RegionRecord
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.printer import Orientation
from pmsl.profiles.tables.strict_struct import Strict

FLAT_FIELD_BY_HOST = "flat-field-by-host"  # in `requires`: the host evens out the field, frames do not
STAGE_ERROR = "xy-stage-error"  # in `requires`: the host sends the xy stage to where it has to be sent to get to `offset_um`
Box = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One light engine of the job: its pixels and slabs, its wavelength, how frames are turned for the device, what its host calls it."""

    grid: Grid
    wavelength_nm: float
    orientation: Orientation
    name: str = ""


class Input(Strict, frozen=True, kw_only=True):
    """One mesh file as it came in.

    Attributes
    ----------
    file : str
        Its name, no folder.
    sha256 : str
    unit : str
        Unit its numbers were read in.
    transform : tuple of 16 float
        File coordinates in µm to the field, row by row.
    repairs : tuple of str
        What was changed in it.
    """

    file: str
    sha256: str
    unit: str
    transform: tuple[float, ...]
    repairs: tuple[str, ...] = ()


class PartRecord(Strict, frozen=True, kw_only=True):
    """One part of the job: label, box ``((x, y, z), (x, y, z))`` [µm], dose scale, and the light engine that it names."""

    SINCE: ClassVar[dict[str, int]] = {"engine": 2}

    label: str
    sha256: str
    bounds_um: Box
    region: str = "bulk"
    dose_scale: float = 1.0
    engine: str | UnsetType = UNSET


class Provenance(Strict, frozen=True, kw_only=True):
    """Where the job comes from: version of pmsl, inputs, placement, the shrinkage they were scaled for, texts of another format's file."""

    SINCE: ClassVar[dict[str, int]] = {"texts": 2}

    version: str
    inputs: tuple[Input, ...]
    placement: str
    shift_um: tuple[float, float, float] | None = None
    shrinkage: tuple[float, float, float] = (0.0, 0.0, 0.0)
    texts: dict[str, str] | UnsetType = UNSET


class CorrectionRecord(Strict, frozen=True, kw_only=True):
    """How the light of a corrected job was chosen.

    Attributes
    ----------
    names : tuple of str
        The corrections, solved together.
    block_layers : int
        Layers are solved in blocks of this many, the same ones whatever layer is asked for first.
    halo_layers : int
        Layers on the light side that are solved with each block and left to the next.
    error_bound : float
        Share of a layer's dose that can come from beyond the halo.
    latency_layers : int
        Layers solved before the first of a block is there: what a host that asks on demand waits for.
    exchange_passes : int
        By contact: how often grays and what recoats exchange were found in turns.
    exchange_residual_levels : int
        By how many gray levels the last of these passes still changed a pixel; 0 where they stay.
    """

    SINCE: ClassVar[dict[str, int]] = {"exchange_passes": 2, "exchange_residual_levels": 2}

    names: tuple[str, ...]
    block_layers: int
    halo_layers: int
    error_bound: float
    latency_layers: int
    exchange_passes: int | UnsetType = UNSET
    exchange_residual_levels: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrintJob:
    """A print job: header and lazy layers. ``job[k]`` and `layers()` give the same plans in any order, any number of times.

    Attributes
    ----------
    engines : tuple of Engine
    printer, resin, process : Printer, Resin, Process
        As used, overrides included.
    provenance : Provenance
    parts : tuple of PartRecord
    design_of : callable
        Gives the placed parts themselves, as `design` does; none where a job was written without them.
    findings : tuple of Finding
        What is known before any layer is made; layers carry their own.
    placeholders : tuple of str
        Values the dose rests on that nobody measured or published; `calibrated` is False while there are any.
    correction : CorrectionRecord or None
        Where corrections chose the light.
    requires : tuple of str
        Abilities a reader must have.
    regions : tuple of RegionRecord
        What was given light of its own; the exposures of layers hold it.
    vacuum : Vacuum or None
    tiles : (int, int) or None
        Fields along x and y of a plate that they make up; None of a job of one field.
    pauses : tuple of Pause
        Where the operator is waited for, from the plate up; `requires` then has ``"operator-pause"``.
    known_estimate : Estimate or None
        What it costs, where that is known already.
    n_layers : int
    plan_layer : callable
        Makes the plan of layer k, counted from 0: a function, or a `LayerSource`, which knows more.
    layer_source : LayerSource
        That, with all that may be asked of it.
    prepared : dict
        What other packages make once for the whole job and look up again; it lives and dies with this object. A job that was read has in
        ``"exposures_of"`` what gives the times of a layer's exposures without their frames, in ``"file_problems"`` what gives the faults
        of its files beside the layers, in ``"motion_known"`` False where its moves only stand in for those it does not say, and, of a
        native one, in ``"layer_problems"`` what gives those of a plan's files, in ``"stated_time_s"`` the print time it states: what
        `pmsl.job.consistency` and a host hold it to.
    """

    engines: tuple[Engine, ...]
    printer: Printer
    resin: Resin
    process: Process
    provenance: Provenance
    parts: tuple[PartRecord, ...]
    n_layers: int
    plan_layer: Callable[[int], LayerPlan]
    design_of: Callable[[], tuple[Part, ...]] = tuple
    findings: tuple[Finding, ...] = ()
    placeholders: tuple[str, ...] = ()
    correction: CorrectionRecord | None = None
    requires: tuple[str, ...] = ()
    regions: tuple[RegionRecord, ...] = ()
    vacuum: Vacuum | None = None
    tiles: tuple[int, int] | None = None
    pauses: tuple[Pause, ...] = ()
    known_estimate: Estimate | None = None
    prepared: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    layer_source: LayerSource = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer_source", layer_source(self.plan_layer))

    @property
    def grid(self) -> Grid:
        """Slabs, and the pixels of the only engine; of several with other pixels those of the finest, over the fields of all."""
        if len(self.engines) == 1:
            return self.engines[0].grid
        if "grid" not in self.prepared:
            self.prepared["grid"] = spanning([engine.grid for engine in self.engines])
        grid: Grid = self.prepared["grid"]
        return grid

    @property
    def one_grid(self) -> bool:
        """Whether all frames are of the pixels of `grid`."""
        return all(engine.grid.same_pixels(self.engines[0].grid) for engine in self.engines[1:])

    def meter(self) -> Meter:
        """Return what adds up time and resin of its layers."""
        return Meter([engine.grid.pixel_um2 for engine in self.engines], self.way)

    @property
    def way(self) -> StageWay | None:
        """What ways of the stage along x and y and changes of engine take; None where they take no time that anybody states."""
        return StageWay.of(self.printer, STAGE_ERROR in self.requires, [engine.name for engine in self.engines])

    def printer_of(self, engine: int) -> Printer:
        """Return the printer with one of the job's engines alone.

        Parameters
        ----------
        engine : int
            Its number in the job.
        """
        return self.printer.of_engine(self.engines[engine].name)

    def resin_of(self, engine: int) -> Resin:
        """Return the resin at the wavelength of one of the job's engines.

        Parameters
        ----------
        engine : int
            Its number in the job.
        """
        return self.resin.at(self.engines[engine].wavelength_nm)

    @property
    def design(self) -> tuple[Part, ...]:
        """The placed parts; read from disk where the job comes from there."""
        return self.design_of()

    @property
    def calibrated(self) -> bool:
        """False while the dose rests on a placeholder."""
        return not self.placeholders

    @property
    def drawn(self) -> bool:
        """Whether a laser draws its layers."""
        return DRAWN in self.requires

    def __len__(self) -> int:
        return self.n_layers

    def __getitem__(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`; negative numbers count from the top. Raises `IndexError` where there is none."""
        return self._measurable(self.plan_layer(self._number(k)))

    def _measurable(self, plan: LayerPlan) -> LayerPlan:
        """Return a plan that can give its facts."""
        if plan.facts_of is not None:
            return plan
        return replace(plan, facts_of=lambda: facts_of(plan, lambda: self.bare(plan.index - 1), self.engines[0].grid, self.printer))

    def _number(self, k: int) -> int:
        n = k + self.n_layers if k < 0 else k
        if not 0 <= n < self.n_layers:
            raise IndexError(f"layer {k} is not in 0..{self.n_layers - 1}")
        return n

    def bare(self, k: int) -> LayerPlan:
        """Return ``self[k]`` with fewer findings: those that other layers are needed for may be missing.

        Parameters
        ----------
        k : int
            Negative numbers count from the top.

        Raises
        ------
        IndexError
            No such layer.
        """
        return self.layer_source.bare(self._number(k))

    def in_order(self, last: int | None = None) -> InOrder:
        """Return the layers for a run through all of them, or, from any layer on, through those before `last`.

        The exposures and, all in all, the findings are the same as one by one; those of runs side by side are those of one run.

        Parameters
        ----------
        last : int, optional
            One past the last layer of the run (default: all).
        """
        return self.layer_source.in_order(self.n_layers if last is None else last)

    def layers(self) -> Iterator[LayerPlan]:
        """Yield every layer's plan from the plate up, made one at a time."""
        return (self[k] for k in range(self.n_layers))

    def estimate(self) -> Estimate:
        """Return print time and resin; a job that was not written yet has to make every layer for it."""
        if self.known_estimate is not None:
            return self.known_estimate
        meter = self.meter()
        for k in range(self.n_layers):
            meter.add(*meter.cost(self.bare(k)))
        return meter.estimate()
