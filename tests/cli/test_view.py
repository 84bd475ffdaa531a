"""``pmsl view`` as a process: a mesh is sliced as it is looked at; Ctrl-C ends; a port in use is said."""

import http.client
import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from jobs_of_arrays import f_job, job_of

import pmsl

SLICED = ("--printer", "pmsl-2um", "--resin", "pr48-405")


@pytest.fixture
def started(samples):
    """Start it on the sample part; the process, its port, and the cookie of its page."""
    words = [sys.executable, "-m", "pmsl", "view", str(samples / "f_orientation.stl"), *SLICED, "--no-browser"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    line = process.stdout.readline()
    port, token = re.search(r"20 layers at http://127\.0\.0\.1:(\d+)/\?token=([\w-]+)", line).groups()
    headers, _ = get(int(port), f"/?token={token}")
    yield process, int(port), headers["Set-Cookie"].partition(";")[0]
    process.kill()
    process.communicate()


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    with connection.getresponse() as answer:
        found = dict(answer.getheaders()), answer.read()
    connection.close()
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not interrupted so on Windows")
def test_a_mesh_is_sliced_as_it_is_looked_at(started, samples, run):
    process, port, cookie = started
    job = f_job(samples)
    layer = json.loads(get(port, "/layer?k=3", Cookie=cookie)[1])
    assert layer["exposures"][0]["time_s"] == pytest.approx(job[3].exposures[0].time_s)
    tile = np.frombuffer(get(port, "/tile?k=3&exposure=0&level=0&row=0&col=0", Cookie=cookie)[1], np.uint8).reshape(1024, 1024)
    assert np.array_equal(tile, job[3].exposures[0].mask.dense(np.uint8)[:1024, :1024])
    code, _, err = run("view", samples / "grating.stl", "--no-browser", "--port", port)
    assert code == 3 and f"port {port}" in err and "choose another --port" in err
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0 and "Ctrl-C" in process.stderr.read()


def test_what_cannot_be_viewed_is_refused(run, tmp_path):
    (tmp_path / "damaged.stl").write_bytes(b"solid nothing")
    assert run("view", tmp_path / "damaged.stl", "--no-browser")[0] == 3
    assert run("view", tmp_path / "none.zip", "--no-browser")[0] == 3


@pytest.mark.parametrize(
    "words",
    [("--correct", "nonsense"), ("--dose-scale", "7"), ("--rotate", "0,0,0"), ("--layer-um", "1"), ("--keep-place",), ("--unit", "mm")],
    ids=str,
)
def test_a_job_is_not_sliced_again(run, words, tmp_path, monkeypatch):
    """What slices a mesh is refused by name beside a job, also where it says what it is by default."""
    monkeypatch.setattr("pmsl.report.viewer.server.Viewer.wait", lambda self: None)
    pmsl.write(job_of(np.full((1, 4, 4), 255, np.uint8), [1.0]), tmp_path / "job.zip")
    code, _, err = run("view", tmp_path / "job.zip", "--no-browser", *words)
    assert code == 2 and words[0] in err and "is a job" in err
    code, _, err = run("view", tmp_path / "job.zip", "--no-browser", "--exposure-s", "1", "--copies", "2x2")
    assert code == 2 and "--copies, --exposure-s" in err


def test_a_job_is_viewed_with_the_panel_of_its_frames(run, monkeypatch, tmp_path):
    from pmsl.report.viewer.server import Viewer

    monkeypatch.setattr(Viewer, "wait", lambda self: None)
    pmsl.write(job_of(np.full((1, 4, 4), 255, np.uint8), [1.0]), tmp_path / "job.sl1", format="sl1", lossy=True)
    code, out, err = run("view", tmp_path / "job.sl1", "--no-browser", "--pitch-um", "7.5,5", "--port", "0")
    assert code == 0 and "1 layers at http://127.0.0.1:" in out, err


def test_without_a_browser_the_address_is_to_be_opened_by_hand(run, samples, monkeypatch):
    import webbrowser

    from pmsl.report.viewer.server import Viewer

    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    monkeypatch.setattr(Viewer, "wait", lambda self: None)
    code, out, err = run("view", samples / "f_orientation.stl", *SLICED)
    assert code == 0 and "http://127.0.0.1:" in out and "no browser was found here" in err
