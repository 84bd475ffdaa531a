"""Many jobs in one process leave nothing behind in it."""

import os
from pathlib import Path

import pytest
from batched import batch_file
from msgspec.structs import replace

from pmsl.batch import read_batch
from pmsl.batch.fingerprint import fingerprint
from pmsl.core.process_memory import resident_bytes
from pmsl.pipeline.slice_jobs import slice_job

MIB = 1 << 20


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc on this system")
def test_sixty_jobs_in_one_process_leave_memory_and_handles_as_they_were(tmp_path):
    text = '[[job]]\nname = "a"\n[[job]]\nname = "b.zip"\ncoverage = "volume"\n[[job]]\nname = "c.sl1"\nlossy = true\n'
    jobs = read_batch(batch_file(tmp_path, text)).jobs
    (tmp_path / "night").mkdir()
    marks, held = {}, {}
    for i in range(60):
        job = jobs[i % 3]
        slice_job(replace(job.request, force=True, threads=2, layer_um=40.0))
        assert marks.setdefault(job.name, fingerprint(Path(job.request.out))) == fingerprint(Path(job.request.out))
        held[i] = resident_bytes(), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    assert all(after <= before for after, before in zip(held[59][1:], held[20][1:], strict=True))  # fewer: one was closed late
    assert held[59][0] - held[20][0] < 8 * MIB
    assert sorted(p.name for p in (tmp_path / "night").iterdir()) == ["a", "b.zip", "c.sl1"]
