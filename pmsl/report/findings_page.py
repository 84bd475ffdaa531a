"""docs/findings.md, made from the register: ``python -c "from pmsl.report import findings_page; findings_page.publish()"``."""

from __future__ import annotations

from pathlib import Path

from pmsl.core.finding_codes import GROUPS

HEAD = """# Findings

Whatever is suspicious but can be printed is a finding: it has a code, a severity, and where they are known layers, a box, a value and
the limit it is held against. Commands print findings to standard error and list them in their `--json`; a job records its own.
`--fail-on info|warning|error` ends a command with exit code 4 where there is a finding of this severity or a higher one.
`pmsl findings CODE` prints a line of this page, `pmsl findings --json` all of it.
"""


def findings_page() -> str:
    """Return the page as Markdown."""
    lines = [HEAD]
    for heading, codes in GROUPS.items():
        lines += [f"## {heading}", "", "| Code | Severity | Meaning | What to do |", "|---|---|---|---|"]
        lines += [f"| `{code}` | {', '.join(known.severities)} | {known.meaning} | {known.remedy} |" for code, known in codes.items()]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def publish() -> None:
    """Write the page into the docs of this checkout."""
    (Path(__file__).resolve().parents[2] / "docs" / "findings.md").write_text(findings_page(), encoding="utf-8", newline="\n")
