"""The register of finding codes: each stands here once, with severities, meaning and remedy.

A new finding needs an entry in one of the files beside this one, and nothing else: `pmsl.core.finding.Finding` takes no other code,
``pmsl findings`` and docs/findings.md are made from here.
"""

from __future__ import annotations

from pmsl.core.finding_codes.code import SEVERITIES as SEVERITIES
from pmsl.core.finding_codes.code import Code as Code
from pmsl.core.finding_codes.code import Severity as Severity
from pmsl.core.finding_codes.files import FILES
from pmsl.core.finding_codes.jobs import JOBS
from pmsl.core.finding_codes.light import LIGHT
from pmsl.core.finding_codes.measurements import MEASUREMENTS
from pmsl.core.finding_codes.meshes import MESHES

GROUPS: dict[str, dict[str, Code]] = {**MESHES, **JOBS, **LIGHT, **FILES, **MEASUREMENTS}  # by heading
CODES: dict[str, Code] = {name: code for group in GROUPS.values() for name, code in group.items()}
REGISTERED: frozenset[tuple[str, str]] = frozenset((name, severity) for name, code in CODES.items() for severity in code.severities)
BY_DOSE = frozenset((*LIGHT["What checks say of a job"], "resin-trap", "sealed-on-plate", "dead-end"))  # found by `pmsl.checks` too
