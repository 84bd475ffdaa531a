"""The front desk: ``pmsl slice | info | verify | simulate | play | profiles | warmup``.

app       the commands and their options
options   text of an option → numbers
show      progress, findings, compiler notice
run, look, simulate, playing, library   what the commands do; play: options of ``pmsl play``
"""

from pmsl.cli.app import main

__all__ = ["main"]
