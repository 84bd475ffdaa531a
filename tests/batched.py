"""Small batches in folders of their own, run as a user runs them."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pmsl

ROOT = Path(pmsl.__file__).resolve().parents[1]
PART = ROOT / "sample_meshes" / "f_orientation.stl"
PATIENCE_S = 120.0
HEAD = f"""
schema = "pmsl.batch/1"
out = "night"
[defaults]
printer = "pmsl-10um"
resin = "pr48-405"
field = "160x160"
meshes = ["{PART.as_posix()}"]
"""
LADDER = """
[[job]]
name = "ladder"
[job.sweep]
"process.layer_um" = [10, 20]
depth = [8, 4]
[[job]]
name = "packed.zip"
[job.sweep]
rotate = [[0, 0, 0], [0, 0, 90]]
"""


def batch_file(folder, text=LADDER, head=HEAD):
    path = Path(folder) / "batch.toml"
    path.write_text(head + text, encoding="utf-8")
    return path


def started(file, *options, **more):
    command = [sys.executable, "-m", "pmsl", "batch", str(file), "--json", *map(str, options)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, start_new_session=True, **more)


def ran(file, *options, **more):
    """Run a batch to its end; return exit code, events, standard error."""
    out, err = (process := started(file, *options, **more)).communicate(timeout=PATIENCE_S)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def outcomes(events):
    return {event["name"]: event for event in events if event["event"] == "job"}


def states(events):
    return {name: event["state"] for name, event in outcomes(events).items()}


def digests(out):
    """Return the hash of every file of the jobs in an out folder; hidden ones are the batch's own, and drafts."""
    files = sorted(p for p in Path(out).rglob("*") if p.is_file() and ".pmsl-batch" not in p.parts and p.name != "batch-summary.csv")
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
