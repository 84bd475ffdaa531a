"""Many jobs: a batch file, worker processes, a journal in the out folder that makes a second run go on where the first ended.

batch_file, sweep, job_names   TOML → slice requests; grids over values; names that are files' names everywhere
fingerprint   what a job is made of, and what lies at its target, as hashes
journal       what was begun and done in a folder, and who works there
scheduler     what starts when, under a cap on memory; what came of it
pool, worker  the two ends of the worker processes
summary       the end: counts, CSV, exit code
"""

from pmsl.batch.batch_file import Batch, Job, read_batch
from pmsl.batch.scheduler import run
from pmsl.batch.summary import Outcome, Summary

__all__ = ["Batch", "Job", "Outcome", "Summary", "read_batch", "run"]
