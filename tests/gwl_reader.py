"""A strict reader of GWL, written from the documented commands: what it does not know is an error. It replays the stage and the laser."""

import re
from typing import NamedTuple

import numpy as np

NUMBER = r"-?\d+(?:\.\d+)?"
POINT = re.compile(rf"({NUMBER}) ({NUMBER}) ({NUMBER})")
COMMAND = re.compile(rf"([A-Za-z]+)(?: ({NUMBER}))?")
WITHOUT = {"GalvoScanMode", "ContinuousMode", "Write"}
WITH = {"InvertZAxis", "PowerScaling", "ScanSpeed", "LaserPower", "FindInterfaceAt", "MoveStageX", "MoveStageY", "AddZDrivePosition"}


class Drawn(NamedTuple):
    """One polyline: where it is on the plate (n, 3), its points in the field (n, 3), the stage (x, y, z), power [%], speed [µm/s]."""

    plate_um: np.ndarray
    field_um: np.ndarray
    stage_um: tuple
    power: float
    speed_um_s: float


def read_gwl(text):
    """Replay a file: its polylines, and where stage and drive stand at the end."""
    stage, settings, points, drawn = [0.0, 0.0, 0.0], {}, [], []
    assert text.endswith("\n") and "\r" not in text
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("%"):
            continue
        if point := POINT.fullmatch(line):
            assert {"GalvoScanMode", "ContinuousMode", "LaserPower", "ScanSpeed"} <= set(settings), number
            points.append([float(v) for v in point.groups()])
            continue
        command = COMMAND.fullmatch(line)
        assert command, f"line {number}: {line!r}"
        word, value = command[1], command[2]
        assert (word in WITHOUT and value is None) or (word in WITH and value is not None), f"line {number}: {line!r}"
        if word == "Write":
            assert len(points) >= 2, number
            field = np.array(points)
            place = np.array(stage)
            drawn.append(Drawn(field + place, field, tuple(stage), settings["LaserPower"], settings["ScanSpeed"]))
            points = []
            continue
        assert not points, f"line {number}: a command among the points of a polyline"
        if word in ("MoveStageX", "MoveStageY", "AddZDrivePosition"):
            assert settings.get("InvertZAxis") == 1
            stage["XYZ".index(word[-1] if word.startswith("Move") else "Z")] += float(value)
        else:
            settings[word] = None if value is None else float(value)
    assert not points
    return drawn, stage, settings
