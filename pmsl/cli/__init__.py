"""The command line: ``pmsl slice | info | check | verify | play | simulate | convert | batch | profiles | findings | warmup``.

app           all commands together; exit codes
commands      what can be typed: one file a command, with its options and its work, whose modules are loaded when it starts
options       options that several commands have
terminal      all that is printed: lines, JSON, progress, findings, compiler notice
job_facts, mesh_facts   what several commands say of a job, for programs; and of a mesh
light_facts   what info and slice say of times, doses and heights
region_facts  what they say of parts and regions with light of their own
batch_plan    what batch --dry-run predicts
"""

from pmsl.cli.app import console, main

__all__ = ["console", "main"]
