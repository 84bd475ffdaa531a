"""The front desk: ``pmsl slice | info | convert | verify | simulate | profiles | warmup``.

app       the commands and their options
options   text of an option → numbers
show      progress, findings, compiler notice
run       slice and warmup
look      info and verify
convert   convert
library   profiles
simulate  simulate
"""

from pmsl.cli.app import main

__all__ = ["main"]
