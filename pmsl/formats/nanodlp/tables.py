"""What the tables of a plate file say: made for writing, and the part of them that is read."""

from __future__ import annotations

from typing import Any

import msgspec

from pmsl.core.mask import LayerMask
from pmsl.formats.frames.device_frame import frame_shape
from pmsl.formats.protocol import Written
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation
from pmsl.version import __version__

META, PLATE, PROFILE, INFO, PREVIEW = "meta.json", "plate.json", "profile.json", "info.json", "3d.png"
OPTIONS = ("options.json", "slicer.json")  # the same table: some readers take the first, some the second
Table = dict[str, Any]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is read: other keys are let pass, for every version of the host has its own."""


class PlateRead(Read, frozen=True, kw_only=True, rename="pascal"):
    """Of plate.json."""

    layers_count: int = 0
    cure_times: list[float] | None = None
    dynamic_thickness: list[float] | None = None


class OptionsRead(Read, frozen=True, kw_only=True):
    """Of options.json or slicer.json."""

    width: int = msgspec.field(name="PWidth")
    height: int = msgspec.field(name="PHeight")
    thickness_um: float = msgspec.field(default=0.0, name="Thickness")
    x_mm: float = msgspec.field(default=0.0, name="XPixelSize")
    y_mm: float = msgspec.field(default=0.0, name="YPixelSize")
    mirror: int = msgspec.field(default=0, name="ImageMirror")


class ProfileRead(Read, frozen=True, kw_only=True, rename="pascal"):
    """Of profile.json: µm, s, mm."""

    title: str = ""
    desc: str = ""
    depth: float = 0.0
    support_depth: float = 0.0
    cure_time: float = 0.0
    support_cure_time: float = 0.0
    support_layer_number: int = 0
    wait_height: float = 0.0
    top_wait: float = 0.0
    wait_before_print: float = 0.0
    wait_after_print: float = 0.0


class NanoDlpTimes(msgspec.Struct, frozen=True):
    """Exposure times: `first_s` for the first `n_first` layers, then `rest_s`; or one for each, which the manual calls CureTimes."""

    n_first: int
    first_s: float
    rest_s: float
    each_s: list[float] | None = None


def turn_text(turn: Orientation) -> str:
    """Say how frames are turned, for the profile's description."""
    return f"row = {turn.row}; col = {turn.col}; seen from the light side; mirrored = {str(turn.mirrored).lower()}"


def plain(value: float) -> float | int:
    """Write whole numbers without a point: some readers take nothing else for most fields."""
    return int(value) if value == int(value) else round(value, 9)


def meta() -> Table:
    """Return meta.json."""
    return {"FormatVersion": 2, "Distro": "generic", "Program": "pmsl", "Version": __version__, "OS": "any", "Arch": "any", "Profile": True}


def plate(job: PrintJob, written: Written, times: NanoDlpTimes, box: tuple[float, ...]) -> Table:
    """Return plate.json; `box` is x, y, z low and high of the part [mm], from the middle of the field."""
    heights = job.grid.thickness_um
    uneven = float(heights.max() - heights.min()) > 1e-6
    x0, x1, y0, y1, z0, z1 = (plain(v) for v in box)
    return {
        "PlateID": 0, "ProfileID": 0, "Profile": None, "CreatedDate": 0, "StopLayers": "", "Path": "pmsl", "LowQualityLayerNumber": 0,
        "AutoCenter": 0, "Updated": 0, "LastPrint": 0, "PrintTime": round(written.estimate.print_time_s),
        "PrintEst": round(written.estimate.print_time_s), "ImageRotate": 0, "MaskEffect": 0, "XRes": 0, "YRes": 0, "ZRes": 0,
        "MultiCure": "", "MultiThickness": "", "CureTimes": times.each_s,
        "DynamicThickness": [plain(h) for h in heights.tolist()] if uneven else None, "Offset": 0, "OverHangs": None, "Risky": False,
        "IsFaulty": False, "Repaired": False, "Corrupted": False, "FaultyLayers": None,
        "TotalSolidArea": round(written.estimate.resin_ml, 9), "BlackoutData": "", "LayersCount": job.n_layers, "Processed": True,
        "Feedback": False, "ReSliceNeeded": False, "MultiMaterial": False, "PrintID": 0, "MC": _mc(),
        "XMin": x0, "XMax": x1, "YMin": y0, "YMax": y1, "ZMin": z0, "ZMax": z1,
    }  # fmt: skip


def options(job: PrintJob, times: NanoDlpTimes, box: tuple[float, ...], preview: tuple[int, int]) -> Table:
    """Return options.json, which is slicer.json too."""
    engine = job.engines[0]
    rows, cols = frame_shape(engine.grid.shape, engine.orientation)
    pitch = engine.grid.pitch_um if engine.orientation.row[1] == "y" else engine.grid.pitch_um[::-1]
    x_mm, y_mm = (round(float(p) / 1000, 12) for p in pitch)
    x0, x1, y0, y1, z0, z1 = (plain(v) for v in box)
    white, black = (dict.fromkeys("RGBA", v) for v in (255, 0))
    return {
        "Type": "", "URL": "", "PWidth": cols, "PHeight": rows, "ScaleFactor": 0, "StartLayer": 0, "SupportDepth": 0,
        "SupportLayerNumber": times.n_first, "Thickness": plain(float(engine.grid.thickness_um[-1])), "XOffset": cols // 2,
        "YOffset": rows // 2, "ZOffset": 0, "XPixelSize": x_mm, "YPixelSize": y_mm,
        "Mask": None, "AutoCenter": 0, "SliceFromZero": False, "DisableValidator": False, "PreviewGenerate": False, "Running": False,
        "Debug": False, "IsFaulty": False, "Corrupted": False, "MultiMaterial": False, "AdaptExport": "", "PreviewColor": "",
        "FaultyLayers": None, "OverhangLayers": None, "LayerStatus": None,
        "Boundary": {"XMin": x0, "XMax": x1, "YMin": y0, "YMax": y1, "ZMin": z0, "ZMax": z1}, "MC": _mc(), "MultiThickness": "",
        "ExportPath": "", "NetworkSave": "", "File": "", "FileSize": 0, "AdaptSlicing": 0, "FillColor": "#ffffff", "BlankColor": "#000000",
        "AntiAlias": 0, "ImageRotate": 0, "IgnoreMask": 1, "XYRes": 0, "XRes": plain(float(pitch[0])), "YRes": plain(float(pitch[1])),
        "ZResPerc": 0, "PreviewWidth": preview[0], "PreviewHeight": preview[1], "BarrelFactor": 0, "BarrelX": 0, "BarrelY": 0,
        "ImageMirror": int(engine.orientation.mirrored), "DisplayController": 0, "LightOutputFormula": "", "PlateID": 0, "LayerID": 0,
        "LayerCount": job.n_layers, "UUID": "", "DynamicThickness": None, "FillColorRGB": white, "BlankColorRGB": black, "ExportType": 0,
        "OutputPath": "", "Suffix": "", "SkipEmpty": 0,
    }  # fmt: skip


def profile(job: PrintJob, times: NanoDlpTimes) -> Table:
    """Return profile.json: heights in µm, times in s, lifts in mm."""
    motion, height = job.process.motion.last, plain(float(job.grid.thickness_um[-1]))
    lift, before, after, top = (plain(v) for v in (motion.lift_um / 1000, motion.settle_s, motion.wait_before_lift_s, motion.wait_top_s))
    return {
        "ResinID": 0, "ProfileID": 0, "Title": job.resin.name, "Desc": f"pmsl: {turn_text(job.engines[0].orientation)}", "Color": "",
        "ResinPrice": 0, "OptimumTemperature": 0, "Depth": height, "SupportTopWait": top, "SupportWaitHeight": lift,
        "SupportDepth": plain(float(job.grid.thickness_um[0])), "SupportWaitBeforePrint": before, "SupportWaitAfterPrint": after,
        "TransitionalLayer": 0, "Updated": 0, "CustomValues": {}, "Type": 0, "ZStepWait": 0, "TopWait": top, "WaitHeight": lift,
        "CureTime": plain(times.rest_s), "WaitBeforePrint": before, "WaitAfterPrint": after, "SupportCureTime": plain(times.first_s),
        "SupportLayerNumber": times.n_first, "FillColor": "#ffffff", "BlankColor": "#000000", "AntiAlias": 0, "ImageRotate": 0,
        "IgnoreMask": 1, "DynamicCureTime": "", "DynamicSpeed": "", "ShieldBeforeLayer": "", "ShieldAfterLayer": "",
        "ShieldDuringCure": "", "ShieldStart": "", "ShieldResume": "", "ShieldFinish": "", "LaserCode": "", "ShutterOpenGcode": "",
        "ShutterCloseGcode": "", "SeparationDetection": "", "ResinLevelDetection": "", "CrashDetection": "", "DynamicWait": "",
        "DynamicWaitAfterLift": "", "DynamicLift": "",
    }  # fmt: skip


def layer_info(mask: LayerMask, turn: Orientation, pixel_um2: float) -> Table:
    """Return a layer's entry of info.json: its areas [mm²] and the first and last lit column and row of its frame."""
    import numpy as np

    from pmsl.kernels.runs.connected_components import areas

    runs = mask.runs_8bit()
    if not len(runs.col):
        return {"TotalSolidArea": 0, "LargestArea": 0, "SmallestArea": 0, "MinX": 0, "MinY": 0, "MaxX": 0, "MaxY": 0, "AreaCount": 0}
    px = np.zeros(len(runs.col))
    n = int(areas(*runs, np.zeros(len(runs.col), np.int64), px))
    lit = np.flatnonzero(np.diff(runs.row_start)) + mask.window.row0
    spans = {"y": (int(lit[0]), int(lit[-1])), "x": (int(runs.col.min()), int((runs.col + runs.length).max()) - 1)}
    low_high = []
    for axis, size in ((turn.col, mask.shape[1 if turn.col[1] == "x" else 0]), (turn.row, mask.shape[0 if turn.row[1] == "y" else 1])):
        a, b = spans[axis[1]]
        low_high.append((a, b) if axis[0] == "+" else (size - 1 - b, size - 1 - a))
    mm2 = pixel_um2 * 1e-6
    total, largest, smallest = (round(float(v) * mm2, 9) for v in (px[:n].sum(), px[:n].max(), px[:n].min()))
    (x0, x1), (y0, y1) = low_high
    return {"TotalSolidArea": total, "LargestArea": largest, "SmallestArea": smallest,
            "MinX": x0, "MinY": y0, "MaxX": x1, "MaxY": y1, "AreaCount": n}  # fmt: skip


def _mc() -> Table:
    return {"StartX": 0, "StartY": 0, "Width": 0, "Height": 0, "X": None, "Y": None, "MultiCureGap": 0, "Count": 0}
