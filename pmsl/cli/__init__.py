"""The front desk: ``pmsl slice | info | verify | play | simulate | convert | batch | profiles | warmup``.

app         all commands together; exit codes
commands    what can be typed: one file a command, with its options and its work, whose modules are loaded when it starts
options     options that several commands have
terminal    all that is printed: lines, JSON, progress, findings, compiler notice
job_facts   what several commands say of a job, for programs; of a mesh mesh_facts
light       what info and slice say of times, doses and heights
regions     what they say of parts and regions with light of their own
batch_plan  what batch --dry-run predicts
"""

from pmsl.cli.app import console, main

__all__ = ["console", "main"]
