"""The front desk: ``pmsl slice | info | verify | play | profiles | warmup``.

app       the commands and their options
options   text of an option → numbers
show      progress, findings, compiler notice
run       what each command does; play, playing: the same of ``pmsl play``
"""

from pmsl.cli.app import main

__all__ = ["main"]
