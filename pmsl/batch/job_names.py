"""Names of jobs, which are names of files on every system."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from pmsl.errors import BatchError

LONGEST = 160  # letters, so that a draft beside it still has a name
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices, on Windows
SUMMARY = "batch-summary.csv"


def target_name(name: str, words: Sequence[str], suffix: str, where: str) -> str:
    """Return the name of a job's target: the job's name, the words of its combination, the format's suffix.

    Raises
    ------
    BatchError
        A name that is none on some system, or that leaves the folder.
    """
    wrong = re.search(r'[\x00-\x1f<>:"/\\|?*]', name)
    if wrong or not name.strip() or name.startswith((".", " ")) or name.endswith((".", " ")) or RESERVED.fullmatch(name):
        why = f"it holds {wrong[0]!r}" if wrong else "it is empty, a device, or begins or ends with a dot or a space"
        raise BatchError(f"{where}: {name!r} is no name for a job ({why}); its target is called so, in the out folder of the batch")
    stem = name.removesuffix(suffix) if suffix else name
    full = "_".join((stem, *words))
    if len(full.encode("utf-8", "replace")) > LONGEST:
        full = (
            full.encode("utf-8", "replace")[: LONGEST - 17].decode("utf-8", "ignore") + "_" + hashlib.sha256(full.encode()).hexdigest()[:16]
        )
    return full + suffix


def check_distinct(names: Sequence[str], where: str) -> None:
    """Refuse two jobs of one name, also where only capitals tell them apart; raises `BatchError`."""
    seen = {SUMMARY: SUMMARY}
    for name in names:
        other = seen.get(name.casefold())
        if other is SUMMARY:
            raise BatchError(f"{where}: a job is called {name!r}, as the summary of the batch; choose another name")
        if other is not None:
            raise BatchError(f"{where}: two jobs are called {other!r} and {name!r}: both would be written there; choose other names")
        seen[name.casefold()] = name


def check_previews(previews: Sequence[tuple[str, str]], where: str) -> None:
    """Refuse one preview for two jobs; raises `BatchError`."""
    seen: dict[str, str] = {}
    for name, preview in previews:
        other = seen.setdefault(preview.casefold(), name)
        if other != name:
            raise BatchError(f'{where}: jobs {other!r} and {name!r} have one preview, {preview}; write it with their name: "{{name}}.png"')
