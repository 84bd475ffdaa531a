"""The corrections of a job: what solves them, what they cannot be combined with, and how the job records them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET
from msgspec.structs import replace

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure import Ladder
from pmsl.job.layer_source import LayerSource
from pmsl.job.print_job import CorrectionRecord
from pmsl.mesh.part import Part
from pmsl.profiles import Printer, Process, Resin

if TYPE_CHECKING:
    from pmsl.correct import Corrector
    from pmsl.correct.exchange_iteration import SettledExchange


def corrector_of(parts: Sequence[Part], grid: Grid, printer: Printer, resin: Resin, process: Process, ladder: Ladder) -> Corrector | None:
    """Return what solves side walls and faces, or None where neither is asked for.

    An uneven field that is evened out last, by the frames or the host, is even for the corrections.

    Raises
    ------
    UsageError
        Layers of relief without the correction of print-through.
    ExposureError
        Regions, dose scales or a treatment of unreachable grays besides: the corrections choose these doses themselves.
    """
    names = [name for name in process.corrections if name != "flatfield"]
    if process.relief_layers and "optimise" in names:
        raise UsageError(
            f"process {process.name}: relief_layers is {process.relief_layers}, and optimise solves levels one by one, which "
            "would undo the equal grays of a relief; correct edges and printthrough, or leave relief_layers out"
        )
    if process.relief_layers and "printthrough" not in names:
        raise UsageError(
            f"process {process.name}: relief_layers is {process.relief_layers}, which shares out the light that printthrough gives faces; "
            "correct printthrough too, or leave it out"
        )
    if not names:
        return None
    asked = {
        "[regions]": process.regions is not None and not process.regions.plain,
        "a part's dose_scale": any(part.dose_scale != 1.0 for part in parts),
        "regions of a part": any(region.changes(ladder.power) for part in parts for region in part.regions),
        f"unreachable = {process.unreachable!r}": process.unreachable != "keep",
    }
    for what, there in asked.items():
        if there:
            raise ExposureError(
                f"correct {', '.join(names)}: the corrections choose every dose near a surface themselves; they cannot keep {what}: "
                "leave one of the two out"
            )
    from pmsl.correct import Corrector

    return Corrector(parts, grid, printer, resin, ladder.dose_mj_cm2, process.corrections, process.coverage, process.relief_layers)


class Corrects(Protocol):
    """What a job knows of its corrections, of one field or of several; see `pmsl.correct.Corrector`."""

    @property
    def exchange(self) -> SettledExchange | None:
        """What recoats exchange, by contact."""

    @property
    def grid(self) -> Grid:
        """Of the field, or of the plate."""

    @property
    def halo(self) -> int:
        """Most layers that are solved with a block and not kept."""

    @property
    def error_bound(self) -> float:
        """Largest dose that layers beyond the halo would add."""

    @property
    def block_layers(self) -> int:
        """Layers of a block."""

    @property
    def latency_layers(self) -> int:
        """Most layers that are solved when a first layer of a block is asked for."""

    def first_findings(self) -> tuple[Finding, ...]:
        """Return the findings of the layers that are solved first."""


class CorrectedLayers(LayerSource):
    """Layers that may be corrected."""

    @property
    def corrector(self) -> Corrects | None:
        """What corrects them."""
        return None


def exchange_findings(corrector: Corrects | None) -> tuple[Finding, ...]:
    """Say that grays and what recoats exchange, found in turns, still changed each other in the last turn."""
    exchange = None if corrector is None else corrector.exchange
    if exchange is None or exchange.residual_levels == 0:
        return ()
    message = (
        f"after {exchange.passes} passes some grays and the liquid that recoating exchanges still change each other: there faces and walls "
        "may land as if the void closed one layer earlier or later; make these roofs thicker, or measure resin.reach_um"
    )
    value = float(exchange.residual_levels)
    return (Finding(code="exchange-unsettled", severity="warning", message=message, value=value, limit=0.0, unit="levels"),)


def memory_findings(findings: Sequence[Finding], corrector: Corrects | None, resin: Resin) -> tuple[Finding, ...]:
    """Say of a resin that states no memory, before any layer, what each would do: the layers that are solved first are looked at."""
    if corrector is None or resin.resin.memory is not None:
        return tuple(findings)
    from pmsl.correct.error_table import error_table

    table = error_table(corrector.first_findings(), resin)
    if table is None:
        return tuple(findings)
    told = []
    for row in table.rows[:3]:
        walls = [] if row.walls is None else [f"walls {row.walls.mean:+.2f} px"]
        faces = [] if row.faces is None else [f"faces {row.faces.mean:+.1f} µm"]
        told.append(f"{row.text}: {', '.join(walls + faces)}")
    last = min(corrector.block_layers, corrector.grid.n_layers) - 1
    words = f"; of layers 0 to {last} surfaces are predicted off, {'; '.join(told)}"
    return tuple(replace(f, message=f.message + words) if f.code == "assumed-memory" else f for f in findings)


def record_of(process: Process, corrector: Corrects | None) -> CorrectionRecord | None:
    """Return what the job says about its corrections."""
    if not process.corrections:
        return None
    if corrector is None:
        return CorrectionRecord(names=process.corrections, block_layers=1, halo_layers=0, error_bound=0.0, latency_layers=1)
    exchange = corrector.exchange
    return CorrectionRecord(
        names=process.corrections,
        block_layers=corrector.block_layers,
        halo_layers=corrector.halo,
        error_bound=corrector.error_bound,
        latency_layers=corrector.latency_layers,
        exchange_passes=UNSET if exchange is None else exchange.passes,
        exchange_residual_levels=UNSET if exchange is None else exchange.residual_levels,
    )
