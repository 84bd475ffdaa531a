"""Is a job on disk whole: every file there, every hash right, every frame what job.json says, and its numbers sound?"""

from __future__ import annotations

from pathlib import Path

from pmsl.errors import JobError
from pmsl.formats.container import layer_writer
from pmsl.formats.container.containers import open_source
from pmsl.formats.native import job_json
from pmsl.formats.native.file_check import facts_problems, file_problems, layer_problems
from pmsl.formats.native.read import job_of
from pmsl.formats.protocol import VerifyOptions
from pmsl.job.layer_plan import LayerPlan


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Check a job from end to end.

    Parameters
    ----------
    path : Path
        Job folder or zip.
    options : VerifyOptions
        Dose files are held against its `dose_of`; the answer does not depend on its threads.

    Returns
    -------
    list of str
        What is wrong, one line each; empty for a sound job.

    Raises
    ------
    JobError
        There is no job, or its job.json cannot be read at all.
    """
    source = open_source(path)
    doc = job_json.decode(source.text("job.json"), f"{path}/job.json")
    try:
        job = job_of(doc, source, str(path))
    except JobError as err:
        return [str(err), *file_problems(doc, source)]
    problems = list(file_problems(doc, source))

    def looked_at(plan: LayerPlan) -> list[str]:
        return [*layer_problems(doc, job, plan, source, options.dose_of), *facts_problems(doc, job, plan)]

    problems += layer_writer.problems(job, options, looked_at)
    return problems
