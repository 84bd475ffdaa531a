"""Layers made on a Dask cluster: the same bytes, whatever happens to its workers."""

import logging
import os
import signal
import sys
from importlib.util import find_spec

import pytest
from pools.test_local_pool import job_with, same

import pmsl
from pmsl.errors import UsageError, WorkerError
from pmsl.pipeline import workers_of
from pmsl.pipeline.workers import dask_pool

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed (pip install 'pmsl[dask]')")


@pytest.fixture(scope="module")
def local():
    with workers_of(2, "local") as pool:
        yield pool


@pytest.mark.parametrize("name", [pytest.param("job", marks=pytest.mark.slow), "job.zip"])
def test_the_bytes_are_those_of_one_process(local, tmp_path, name):
    pmsl.write(job_with(), tmp_path / f"a-{name}")
    pmsl.write(job_with(), tmp_path / f"b-{name}", workers=local)
    assert same(tmp_path / f"a-{name}", tmp_path / f"b-{name}") and len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on this system")
def test_a_worker_that_is_killed_in_the_middle(local, tmp_path):
    """By its address: another cluster connects to the same scheduler."""
    pids = local._client.run(os.getpid)
    address = local._client.scheduler.address

    def kill(done, total):
        if done == total // 4:
            os.kill(next(iter(pids.values())), signal.SIGKILL)

    pmsl.write(job_with(), tmp_path / "a")
    with workers_of(None, address) as pool:
        assert pool.threads() == 2
        pmsl.write(job_with(), tmp_path / "b", workers=pool, progress=kill)
    assert same(tmp_path / "a", tmp_path / "b")


def test_what_goes_wrong_in_a_worker_stops_the_job(local, tmp_path):
    def stop(done, total):
        if done == total // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pmsl.write(job_with(), tmp_path / "b", workers=local, progress=stop)
    assert not list(tmp_path.iterdir())


def test_workers_here_log_nothing(local):
    """Whose scheduler goes at Ctrl-C, they write tracebacks of lost connections over the one line that is said of it."""
    for name in ("distributed", "distributed.worker", "distributed.core", "distributed.comm", "distributed.nanny"):
        heard = local._client.run(logging.getLogger(name).isEnabledFor, logging.ERROR)
        assert heard and not any(heard.values()), name


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_pool, "ANSWER_S", 0.5)
    with pytest.raises(WorkerError, match="scheduler tcp://127.0.0.1:9 does not answer within 0.5 s"):
        pmsl.write(job_with(), tmp_path / "a", scheduler="tcp://127.0.0.1:9")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["", "here", "tcp://", "tcp://host", "tcp://host:x", "http://host:80", "host:8786"])
def test_an_address_that_is_none(address):
    with pytest.raises(UsageError, match="expected local, or an address like tcp://"):
        workers_of(None, address)


def test_processes_are_for_local_clusters():
    with pytest.raises(UsageError, match="its workers are there already"):
        workers_of(3, "tcp://127.0.0.1:8786")


def test_a_scheduler_without_workers(monkeypatch):
    import distributed

    monkeypatch.setattr(dask_pool, "WORKERS_S", 0.3)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0", silence_logs=40) as empty,
        pytest.raises(WorkerError, match="has had no worker for 0.3 s"),
        workers_of(None, empty.scheduler_address),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'pmsl\[dask\]'"), workers_of(2, "local"):
        pass
