"""A simulated lab: a printer and a resin whose values no fitting code sees, what is measured on their prints, and where a chip lands.

Films, roofs and widths come from the slow models of `calibration_labs`, the chip from the oracle of `contact_oracle`: nothing of pmsl's own
optics or cure. pmsl is given coupons' sheets, filled in with noise, and gives back profiles and a job.
"""

import math

import manifold3d
import msgspec
import numpy as np
from calibration_labs import exchanged_roof_um, filled, film_um, lab_width, write_rows
from contact_oracle import Print

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.kinds import kind_of
from pmsl.core.mask import Window
from pmsl.profiles.tables.strict_struct import Value

PITCH_UM, LAYER_UM, LAYERS = 10.0, 10.0, 26
CORNER_UM, BLOCK_UM = 500.0, (200.0, 240.0)  # of the chip, which begins 3.3 µm further on
LOW_UM = 40.0  # floor of its channel
LEVELS = (0, 16, 32, 64, 96, 128, 160, 192, 224, 255)
ROUNDS = (("walls", "working-curve"), ("walls", "induction", "roofs"), ("walls", "renewal"))  # the last of each fits all that is cured


class HiddenMachine:
    """A lab. `noise_um` of thicknesses, gaps and widths; the meter is off by a per cent or so, as meters are."""

    def __init__(self, seed, noise_um=2.0):
        rng = self.rng = np.random.default_rng(seed)
        self.noise_um = noise_um
        self.dp, self.ec, self.sigma = rng.uniform(14, 30), rng.uniform(4, 9), rng.uniform(0.3, 0.5)
        self.induction, self.renewal = rng.uniform(0.05, 0.2) * self.ec, rng.uniform(0.3, 1.0)
        self.reach, self.light = math.exp(rng.uniform(math.log(200), math.log(3000))), 20 * rng.uniform(0.7, 1.4)
        self.response = (np.arange(256) / 255) ** rng.uniform(0.85, 1.3)
        self.bias_um, self.meter = rng.normal(0, 1.0), 1 + rng.normal(0, 0.01)

    def __repr__(self):
        names = ("dp", "ec", "induction", "renewal", "reach", "sigma", "light")
        return ", ".join(f"{name} {getattr(self, name):.3g}" for name in names)

    @property
    def read_mw_cm2(self):
        """What the power meter reads of a white field."""
        return self.light * self.meter

    def measured(self, row):
        """Cells that a lab fills in."""
        if "width_px" in row and float(row["angle_deg"]) not in (0.0, 90.0) or row.get("feature") in ("dot", "hole"):
            return {}  # not measured in this lab
        dose = float(row["time_s"]) * self.light
        known = {"irradiance_mw_cm2": self.read_mw_cm2}
        off = self.rng.normal(0, self.noise_um)
        if "feature" in row:
            true = PITCH_UM * lab_width(row["feature"], float(row["width_px"]), self.ec / dose, self.sigma, self.response)
            bias = self.bias_um if row["feature"] == "line" else -self.bias_um
            return {**known, "width_um": max(true + bias + off, 0.0) if true > 0.4 * PITCH_UM else 0.0}
        if "cover_layers" not in row:
            events = [dose] * int(row.get("events", 1))
            return {**known, "thickness_um": max(film_um(events, self.dp, self.ec, self.induction) + off, 0.0)}
        way = float(row["port_um"]) if row.get("port_um") else None
        down = self._roof_um(int(row["cover_layers"]), dose, float(row["layer_um"]), way)
        return {
            **known,
            "gap_um": max(float(row["channel_um"]) - down + off, 0.0),
            "reference_um": float(row["reference_design_um"]) + self.rng.normal(0, 0.5),
        }

    def _roof_um(self, layers, dose, layer_um, way):
        return exchanged_roof_um(layers, dose, layer_um, self.dp, self.ec, self.induction, self.renewal, way, self.reach)

    def meter_sheet(self, path):
        """Readings of gray levels."""
        reads = [(g, self.read_mw_cm2 * self.response[g] * (1 + self.rng.normal(0, 0.003)) + 0.01) for g in LEVELS * 2]
        return write_rows(path, [{"level": g, "reading": f"{value:.5f}"} for g, value in reads])

    def landed(self, job, roof_um):
        """Where the chip lands: errors of roofs [µm] and of walls [px], outer ones and those of the channel."""
        window = Window(round(CORNER_UM / PITCH_UM) - 2, round(CORNER_UM / PITCH_UM) - 2, 34, 30)
        frames, white = [], []
        for plan in job.layers():
            dose = sum((e.time_s * self.light * self.response[e.mask.within(window, np.uint8)] for e in plan.exposures), np.zeros((34, 30)))
            frames.append(dose)
            white.append(1.0)
        truth = Print(frames, white, LAYER_UM, PITCH_UM, self.sigma, self.dp, self.ec, self.renewal, self.reach, 2, 2, self.induction)
        at = 2.0 + 0.33  # of the chip's corner in the window [px]
        y, x = at + np.array([11.0, 12.0, 13.1]), at + np.array([8.7, 10.0, 11.2])
        roofs = truth.roof_um(y, x, LOW_UM + 20, roof_um + 60) - roof_um
        heights = (55.0, 85.0, 165.0, 205.0)  # middles of slabs, two beside the channel
        outer = [truth.wall_px(v, at + 20 * side, sign, z) for z in heights for v in y for side, sign in ((0, -1), (1, 1))]
        inner = [truth.wall_px(v, at + x0, sign, z) for z in heights[:2] for v in y for x0, sign in ((7, 1), (13, -1))]
        return roofs, np.array(outer + inner)


def chip(roof_um):
    """A block with a channel 60 µm wide that is closed all around."""
    block = manifold3d.Manifold.cube([*BLOCK_UM, LAYERS * LAYER_UM]).translate([CORNER_UM + 3.3, CORNER_UM + 3.3, 0])
    hole = manifold3d.Manifold.cube([60, 180, roof_um - LOW_UM]).translate([CORNER_UM + 73.3, CORNER_UM + 33.3, LOW_UM])
    mesh = (block - hole).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


def chip_job(roof_um, printer, resin, corrections=("edges", "printthrough")):
    """The job of the chip."""
    process = msgspec.structs.replace(pmsl.find_process("default"), corrections=corrections, bottom_dose_factors=(1.0,))
    return pmsl.prepare([chip(roof_um)], printer, resin, process, accept_uncalibrated=True)


def shipped(machine):
    """Profiles as shipped, but for the irradiance, which the lab's meter reads; memory as most state it."""
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
    setting = printer.optics.settings[0]
    read = Value(machine.read_mw_cm2, "measured", "power meter")
    optics = msgspec.structs.replace(printer.optics, settings=(msgspec.structs.replace(setting, irradiance_mw_cm2=read),))
    stated = msgspec.structs.replace(resin.resin, memory=Value("enclosed", "placeholder", "as shipped"))
    return msgspec.structs.replace(printer, optics=optics), msgspec.structs.replace(resin, resin=stated)


def measured_rounds(machine, folder):
    """Print, measure and fit; yields the profiles after each round of coupons, at most three."""
    printer, resin = shipped(machine)
    found = fit("gray", machine.meter_sheet(folder / "gray.csv"), printer, resin)
    printer = kind_of("gray").printer(printer, found, None)
    walls, cured = [], []
    for turn, kinds in enumerate(ROUNDS, start=1):
        for kind in kinds:
            sheet = filled(coupon(kind, printer, resin), folder / f"{kind}-{turn}.csv", machine.measured, 0.05, machine.rng)
            (walls if kind == "walls" else cured).append(sheet)
        printer = kind_of("walls").printer(printer, fit("walls", walls, printer, resin), None)
        resin = kind_of(kinds[-1]).resin(resin, fit(kinds[-1], cured, printer, resin), None)
        yield printer, resin
