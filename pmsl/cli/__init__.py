"""The front desk: ``pmsl slice | info | verify | simulate | profiles | warmup``.

app       the commands and their options
options   text of an option → numbers
show      progress, findings, compiler notice
run, look, simulate, library   what the commands do
"""

from pmsl.cli.app import main

__all__ = ["main"]
