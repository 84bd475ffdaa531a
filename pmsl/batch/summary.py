"""What came of a batch: a line a job, the counts, the exit code; also as CSV in the out folder."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pmsl.batch.job_names import SUMMARY
from pmsl.core.finding import Finding
from pmsl.errors import OutputError

State = Literal["done", "already done", "refused", "findings", "failed", "cancelled"]
COLUMNS = ("name", "state", "exit_code", "layers", "print_time_s", "resin_ml", "seconds", "findings", "message")
WORST = (130, 1, 3, 4)  # a cancelled batch is one; then a bug, a refusal, findings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one job.

    Attributes
    ----------
    name : str
    state : str
        Whether it was made, found there already, refused and the like.
    exit_code : int
        What the command line would have returned for it.
    message : str
        Why it was refused.
    findings : tuple of Finding
    facts : dict
        Layers, print time, resin and counts of findings.
    seconds : float
        What slicing took [s].
    """

    name: str
    state: State
    exit_code: int
    message: str = ""
    findings: tuple[Finding, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        facts = {key: value for key, value in self.facts.items() if key not in ("findings", "seconds", "preview")}
        return {
            "name": self.name,
            "state": self.state,
            "exit_code": self.exit_code,
            "message": self.message,
            **facts,
            "seconds": round(self.seconds, 4),
            "findings": self.counts,
        }

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity and code."""
        known: dict[str, int] = self.facts.get("findings") or dict(Counter(f"{f.severity} {f.code}" for f in self.findings))
        return known


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a batch.

    Attributes
    ----------
    outcomes : tuple of Outcome
        In the order of the file.
    seconds : float
        How long it took [s].
    """

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """That of the worst job: 1 before 3 before 4 before 0."""
        codes = {o.exit_code for o in self.outcomes}
        return next((code for code in WORST if code in codes), 0)

    @property
    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return dict(Counter(o.state for o in self.outcomes))

    def as_dict(self) -> dict[str, Any]:
        """Return the totals ready for JSON."""
        made = [o for o in self.outcomes if o.exit_code == 0]
        return {
            "exit_code": self.exit_code,
            "jobs": len(self.outcomes),
            "states": self.counts,
            "print_time_s": sum(o.facts.get("print_time_s", 0.0) for o in made),
            "resin_ml": sum(o.facts.get("resin_ml", 0.0) for o in made),
            "seconds": round(self.seconds, 3),
        }

    def write(self, out: Path) -> None:
        """Write the CSV; another file of that name is left alone.

        Parameters
        ----------
        out : Path
            The folder of the batch.

        Raises
        ------
        OutputError
        """
        path, head = out / SUMMARY, ",".join(COLUMNS)
        fresh = out / f".{SUMMARY}.new"
        try:
            if os.path.lexists(path) and (path.is_symlink() or not path.read_bytes().startswith(head.encode())):
                raise OutputError(f"{path}: is no summary of a batch and is not replaced; move it away")
            fresh.write_bytes(self._csv().encode("utf-8"))
            os.replace(fresh, path)
        except OSError as err:
            fresh.unlink(missing_ok=True)
            raise OutputError(f"{path}: the summary cannot be written ({err.strerror or err})") from err

    def _csv(self) -> str:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        for outcome in self.outcomes:
            facts = outcome.as_dict()
            facts["findings"] = "; ".join(f"{n} x {what}" if n > 1 else what for what, n in outcome.counts.items())
            facts["message"] = outcome.message.strip().rpartition("\n")[2]
            rows.writerow([facts.get(column, "") for column in COLUMNS])
        return text.getvalue()
