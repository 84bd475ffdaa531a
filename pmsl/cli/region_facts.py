"""What a job says of parts and regions that get light of their own, in words and for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from pmsl.cli.light_facts import region_doses
from pmsl.cli.terminal import print_line
from pmsl.core.measure_text import size_mm
from pmsl.job.print_job import PartRecord, PrintJob
from pmsl.mesh.region import RegionRecord


def region_facts(job: PrintJob) -> list[dict[str, Any]]:
    """Return the regions of a job, ready for JSON."""
    return [msgspec.to_builtins(region) for region in job.regions]


def print_regions(job: PrintJob) -> None:
    """Print a line for every region, and one for the parts that get another dose."""
    scaled = [part for part in job.parts if part.dose_scale != 1.0]
    for part in scaled[:MOST]:
        print_line(f"dose      {_name(part)}: {part.dose_scale:g} × the ordinary dose")
    if len(scaled) > MOST:
        print_line(f"dose      and {len(scaled) - MOST} parts more")
    for region, white in zip(job.regions, region_doses(job), strict=True):
        where = f"{size_mm(*region.bounds_um)}, {_owners(region, job)}"
        light = "".join(f"; {dose['time_s']:.4g} s, {dose['dose_mj_cm2']:.4g} mJ/cm²" for dose in white[:MOST])
        light += f"; and {len(white) - MOST} doses more" if len(white) > MOST else ""
        print_line(f"region    {region.label}: {', '.join(_said(region))}; {where}{light}{' in ordinary layers' if light else ''}")


MOST = 20  # parts that are listed


def _name(part: PartRecord) -> str:
    return part.label or "part"


def _owners(region: RegionRecord, job: PrintJob) -> str:
    if len(region.parts) == len(job.parts):
        return "in every part" if len(job.parts) > 1 else "in the part"
    if len(region.parts) > 1:
        return f"in {len(region.parts)} of {len(job.parts)} parts"
    return f"in {_name(job.parts[region.parts[0]])}"


def _said(region: RegionRecord) -> list[str]:
    """Return what a region says, in words."""
    words = [] if region.dose_scale is None else [f"{region.dose_scale:g} × the dose"]
    words += [] if region.focus_um is None else [f"focus {region.focus_um:+g} µm"]
    words += [] if region.power is None else [f"power {region.power:g}"]
    waits = [f"{value:g} s {where}" for value, where in ((region.wait_before_s, "before"), (region.wait_after_s, "after")) if value]
    words += [f"dark for {' and '.join(waits)}"] if waits else []
    words += [f"dilated by {region.dilate_um:g} µm"] if region.dilate_um else []
    words += [f"{' and '.join(region.factors)} factors only here"] if region.factors else []
    return words
