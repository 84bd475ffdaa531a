"""The front desk: ``pmsl slice | info | verify | play | simulate | convert | batch | profiles | warmup``.

app       all commands together; exit codes
commands  what can be typed: one file a command, with its options; it calls the work when it starts
shared    options that several commands have

The work of the commands, and what it has in common:

run       slice and warmup
look      info and verify
light     what info and slice say of times, doses and heights
playing   play
simulate  simulate
convert   convert
batch     batch
library   profiles
show      progress, findings, compiler notice
"""

from pmsl.cli.app import console, main

__all__ = ["console", "main"]
