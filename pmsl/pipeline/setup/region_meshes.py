"""The regions that meshes draw, before any layer: what they cannot be combined with, what is noticed of them, how the job records them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.correct.modifiers import RegionShares
from pmsl.errors import UsageError
from pmsl.exposure import Ladder
from pmsl.masks import masks_of
from pmsl.masks.area_masks import PartMasks
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.part import Part
from pmsl.mesh.region import FactorName, Region, RegionRecord
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.placeholders import placeholders

if TYPE_CHECKING:
    from pmsl.slicing.offset import ContourOffset

LAYERS_KEPT = 4
SLACK_UM = 1e-3  # a nanometre


@dataclass(frozen=True, slots=True, eq=False)
class Modifiers:
    """The regions of a job.

    Attributes
    ----------
    shares : RegionShares
    maker : PartMasks
        Of all parts; layers are made with it too.
    touched : tuple of tuple of int
        Layers in which each region covers some of its parts, none where it never does; not all of them (`RegionShares.touched`).
    recorded : RegionShares or None
        The same regions where they stand on the plate, where the picture has them elsewhere.
    """

    shares: RegionShares
    maker: PartMasks
    touched: tuple[tuple[int, ...], ...] = field(default=())
    recorded: RegionShares | None = None

    @classmethod
    def of(
        cls,
        parts: Sequence[Part],
        grid: Grid,
        printer: Printer,
        process: Process,
        power: float,
        offset: ContourOffset | None = None,
        design: Sequence[Part] | None = None,
    ) -> Modifiers | None:
        """Look at the regions of parts, whose contours an `offset` may move; None where nothing changes for them.

        `design` has the parts as they stand on the plate, where these do not.

        Raises
        ------
        UsageError
            A light setting that the printer does not have, a factor that the process does not have, a dilation with volume coverage.
        """
        if not any(part.regions for part in parts):
            return None
        shares = RegionShares(parts, grid, process.coverage, power, offset)
        for region in shares.regions:
            _check(region, printer, process)
        if not shares.changes_light:
            return None
        maker = masks_of(parts, grid, process.coverage, "none", offset)
        recent = RecentMasks(maker, LAYERS_KEPT)
        stand = None if design is None or design is parts else RegionShares(design, grid, process.coverage, power)
        return cls(shares, maker, tuple(shares.touched(j, recent) for j in range(len(shares.regions))), stand)

    @property
    def only(self) -> Mapping[str, Callable[[int, Window], np.ndarray]]:
        """Where the factors of the process hold that regions name."""
        held = {name: self.shares.holds(name) for name in get_args(FactorName)}
        return {name: where for name, where in held.items() if where is not None}

    def placeholders(self, printer: Printer, resin: Resin) -> tuple[str, ...]:
        """Name the values that the regions' own light settings rest on and nobody measured or published."""
        powers = {setting.power for setting in self.shares.settings if setting.power is not None}
        return tuple(dict.fromkeys(name for power in sorted(powers) for name in placeholders(printer, resin, power)))

    def checked(self, ladder: Ladder, least: np.ndarray, bulk: float, gain: float) -> np.ndarray:
        """Refuse doses above the printer's limits; return the least dose factor of every layer, those of regions included.

        Parameters
        ----------
        ladder : Ladder
        least : (L,) float64
            Without regions.
        bulk : float
            Factor of the process.
        gain : float
            What compensation of the field multiplies doses by.

        Raises
        ------
        ExposureError
        """
        out = least.copy()
        for j, (region, layers) in enumerate(zip(self.shares.regions, self.touched, strict=True)):
            if not layers or not region.lights:
                continue
            scales = [part.dose_scale * bulk * region.scale for part in self.shares.owners(j)]
            factors = np.zeros(len(out))
            factors[list(layers)] = max(scales)
            ladder.check(factors, gain, self.shares.settings[j].power)
            reached = slice(layers[0], layers[-1] + 1)
            out[reached] = np.minimum(out[reached], min(scales))
        return out

    def lowering(self, layers: np.ndarray) -> tuple[str, ...]:
        """Name the regions that give less than the parts' own dose in some of these layers."""
        low = [(r.label, own) for r, own in zip(self.shares.regions, self.touched, strict=True) if own and r.lights and r.scale < 1]
        return tuple(dict.fromkeys(label for label, own in low if ((layers >= own[0]) & (layers <= own[-1])).any()))

    def findings(self) -> tuple[Finding, ...]:
        """Return what is noticed: of the meshes, of regions beside all parts, of those that overlap."""
        meshes = {id(region.solid): region.solid for region in self.shares.regions}
        found = [f for solid in meshes.values() for f in solid.findings]
        return (*found, *self._focussed(), *self._beside(), *self._overlaps())

    def _focussed(self) -> Iterator[Finding]:
        """Say that a machine must be able to move its focus while it prints: profiles do not say whether it can."""
        named = [r.label for r, layers in zip(self.shares.regions, self.touched, strict=True) if r.focus_um and layers]
        if named:
            most = max((r.focus_um or 0.0 for r in self.shares.regions), key=abs)
            yield Finding(
                code="needs-focus",
                severity="info",
                message=f"region{'s' * (len(named) > 1)} {', '.join(dict.fromkeys(named))}: exposures out of focus, by up to {most:g} µm: "
                "pmsl play, and any other host, needs a stage that can shift the focus, and refuses the job without; leave focus_um out "
                "for others",
                value=most,
                limit=0.0,
                unit="µm",
            )

    def _beside(self) -> Iterator[Finding]:
        grid = self.shares.grid
        low, high = np.array([0.0, 0.0, 0.0]), np.array([*grid.size_um, float(grid.z_edges_um[-1])])
        for j, (region, layers) in enumerate(zip(self.shares.regions, self.touched, strict=True)):
            if layers:
                continue
            boxes = np.array([shape.bounds_um() for shape in self.shares.placed(j)])
            outside = (boxes[:, 1] < low + SLACK_UM).any(axis=1) | (boxes[:, 0] > high - SLACK_UM).any(axis=1)
            code, where = "region-beside-part", "no part of it lies inside: nothing changes"
            if outside.all():
                code, where = (
                    "region-outside-field",
                    "it lies outside of the field, below the plate or above the last layer: nothing changes",
                )
            yield Finding(
                code=code,
                severity="warning",
                message=f"region {region.label}: {where}; its mesh has the unit and the coordinates of the parts, and goes where they go",
                box_um=_box(boxes),
            )

    def _overlaps(self) -> Iterator[Finding]:
        regions = self.shares.regions
        for j, later in enumerate(regions):
            for i, first in enumerate(regions[:j]):
                if not (first.lights and later.lights and self.touched[i] and self.touched[j]):
                    continue
                layers = self.shares.overlap(i, j)
                if layers is not None:
                    yield Finding(
                        code="regions-overlap",
                        severity="info",
                        message=f"regions {first.label} and {later.label} overlap: there the one named last, {later.label}, counts",
                        layers=layers,
                    )

    def records(self) -> tuple[RegionRecord, ...]:
        """Return what the job says of them."""
        shares = self.shares if self.recorded is None else self.recorded
        number = {id(part): i for i, part in enumerate(shares.parts)}
        return tuple(
            RegionRecord(
                label=region.label,
                file=region.solid.source,
                sha256=region.solid.sha256,
                unit=region.solid.unit,
                parts=tuple(number[id(part)] for part in shares.owners(j)),
                bounds_um=_box(np.array([shape.bounds_um() for shape in shares.placed(j)])),
                repairs=region.solid.repairs,
                **region.said,
            )
            for j, region in enumerate(shares.regions)
        )


def _box(boxes_um: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    (x0, y0, z0), (x1, y1, z1) = boxes_um[:, 0].min(axis=0).tolist(), boxes_um[:, 1].max(axis=0).tolist()
    return (x0, y0, z0), (x1, y1, z1)


def _check(region: Region, printer: Printer, process: Process) -> None:
    """Refuse what printer or process do not have, and what is not defined."""
    known = [s.power for s in printer.optics.settings]
    if region.power is not None and region.power not in known:
        listed = ", ".join(f"{power:g}" for power in known)
        raise UsageError(f"region {region.label}: power {region.power:g} is no light setting of printer {printer.name}; it has {listed}")
    for name in region.factors:
        if process.regions is None or getattr(process.regions, name) is None:
            raise UsageError(
                f"region {region.label}: factors names {name!r}, but process {process.name} has no {name} in its [regions]; "
                f"give it one, or leave {name!r} out"
            )
    if region.dilate_um and process.coverage == "volume":
        raise UsageError(
            f"region {region.label}: dilate_um {region.dilate_um:g} moves outlines in the middle plane of slabs; that has no meaning with "
            "coverage 'volume': use 'area', or draw the region larger"
        )
