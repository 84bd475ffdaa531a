"""Parts of boxes and sectors for the checks, in µm, and their jobs."""

from pathlib import Path

import msgspec
import numpy as np
from box_csg import joined
from solids import box, moved, prism

import pmsl
from pmsl.checks import check_layers, checks_of
from pmsl.mesh.part import Part
from pmsl.pipeline.request.profile_overrides import override_printer

SHARED = Path(__file__).resolve().parents[2] / "shared"


def printer(release="window", pitch_um=20.0, field=(500, 500), name="microfluidics-7.6um"):
    made = override_printer(pmsl.find_printer(name), pitch_um=str(pitch_um), field=f"{field[1]}x{field[0]}", irradiance=None)
    stage = msgspec.structs.replace(made.stage, release=msgspec.UNSET if release is None else release)
    return msgspec.structs.replace(made, stage=stage, name="mine")


def job_of(parts, release="window", pitch_um=20.0, field=(500, 500), layer_um=50.0, rotate_deg=(0.0, 0.0, 0.0), **process):
    """A job of solids, placed as one group."""
    machine, resin = printer(release, pitch_um, field), pmsl.find_resin("pegda-nps-0.5-385")
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    steps = msgspec.structs.replace(pmsl.find_process("default"), layer_um=layer_um, **process)
    return pmsl.prepare(pmsl.place(parts, machine, resin, rotate_deg=rotate_deg), machine, resin, steps)


def findings(parts, *codes, **more):
    """The findings of the checks by dose, of some codes."""
    job = job_of(parts, **more)
    return [f for f in check_layers(job, checks_of(job)) if not codes or f.code in codes]


def codes(parts, **more):
    return sorted(f.code for f in findings(parts, **more))


def walls(side=7000.0, wall=1000.0, z0=0.0, z1=6000.0):
    """Four walls around a square."""
    s, w = side, wall
    return [box((0, 0, z0), (s, w, z1)), box((0, s - w, z0), (s, s, z1)), box((0, 0, z0), (w, s, z1)), box((s - w, 0, z0), (s, s, z1))]


def plate(side=7000.0, z0=6000.0, z1=7000.0):
    return box((0, 0, z0), (side, side, z1))


def feet(side=7000.0, foot=500.0, height=500.0):
    return [box((x, y, 0), (x + foot, y + foot, height + 1)) for x in (0, side - foot) for y in (0, side - foot)]


def raised(solids, by):
    return [moved(s, (0, 0, by)) for s in solids]


def sector(r, thick, a0, a1, z0, z1, n):
    """A piece of a tube between two angles."""
    a = np.linspace(a0, a1, n + 1)
    out = []
    for b, c in zip(a[:-1], a[1:], strict=True):
        ring = [(q * np.cos(p), q * np.sin(p)) for q, p in ((r, b), (r + thick, b), (r + thick, c), (r, c))]
        out.append(prism(ring, z0, z1))
    return out


def tube(r, thick, z0, z1, n=180):
    return joined(*sector(r, thick, 0, 2 * np.pi, z0, z1, n))


def vented_tube(r, thick, z1, vent=1000.0, n=90):
    """A tube with two square vents at its lower end."""
    half = np.arcsin(vent / 2 / r)
    low = [s for a in (0, np.pi) for s in sector(r, thick, a + half, a + np.pi - half, 0, vent, n)]
    return joined(*low, *sector(r, thick, 0, 2 * np.pi, vent, z1, 2 * n))


def cavity(low, high):
    """An inward box, for `joined`."""
    from box_csg import flipped

    return flipped(box(low, high))


LEDGE = [box((0, 0, 0), (200, 300, 200)), box((150, 0, 100), (500, 300, 200))]
BRIDGE = [box((0, 0, 0), (200, 300, 200)), box((800, 0, 0), (1000, 300, 200)), box((100, 0, 150), (900, 300, 200))]


def turned(solids, turn_deg):
    a = np.deg2rad(turn_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    turn[:2, 3] = 500.0
    return [Part(solid=s, transform=turn) for s in solids]


def job_at(solids, pitch_um, turn_deg=0.0, checks=None):
    steps = pmsl.find_process("default")
    if checks is not None:
        steps = msgspec.structs.replace(steps, checks=checks)
    return pmsl.prepare(turned(solids, turn_deg), printer("window", pitch_um, (400, 400)), pmsl.find_resin("pegda-nps-1.0-385"), steps)


def of(findings, *codes):
    return [f for f in findings if f.code in codes]
