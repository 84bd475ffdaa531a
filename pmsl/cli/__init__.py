"""The front desk: ``pmsl slice | info | convert | verify | simulate | play | profiles | warmup``.

app       the commands and their options
options   text of an option → numbers
show      progress, findings, compiler notice
run       slice and warmup
look      info and verify
convert   convert
simulate  simulate
library   profiles
play      options of play; playing: what it does
"""

from pmsl.cli.app import main

__all__ = ["main"]
