"""The batch file: strict TOML, every job of it a slice request, every combination of a sweep a job of its own."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pmsl.batch import job_names
from pmsl.batch.sweep import combinations
from pmsl.core.finding import Severity
from pmsl.errors import BatchError, ProfileError, UsageError, why_unread
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import read_text, toml_tables
from pmsl.formats import registry
from pmsl.pipeline.request.region_file import located
from pmsl.pipeline.request.request_fields import request_fields
from pmsl.pipeline.slice_request import TEXTS, SliceRequest
from pmsl.profiles import library
from pmsl.profiles.tables.overrides import check_name
from pmsl.profiles.tables.schema import build
from pmsl.profiles.tables.strict_struct import Strict

SCHEMA_FILE = "batch-2.schema.json"  # version 1 has a file of its own, which does not change any more
NOT_OF_A_JOB = ("out", "force", "plates", "processes", "scheduler")  # the batch says where and on how many cores, the command whether
OWN = ("name", "sweep")
MEANINGS = {  # of its own keys
    "name": "Name of the job: that of its target in `out`. A suffix chooses the format, as that of `-o` does.",
    "sweep": "Lists of values by option or dotted name of a profile: a job of every combination, the last key changing fastest.",
}
OPTIONS = tuple(name for name in request_fields() if name not in NOT_OF_A_JOB)
MOST_JOBS = 100_000
# suffixes that choose another format
USUAL = {"sl1-prusa": ".sl1", "sl1s-prusa": ".sl1s", "byu": ".zip", "cli-binary": ".cli", "3mf-slices": ".3mf"}


class BatchDocument(Strict, frozen=True, kw_only=True):
    """The file as it stands: where jobs go, what they have in common, and the jobs.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    out : str
        Folder that jobs go to, relative to the file; nothing is written outside it.
    defaults : dict
        Keys of all jobs that do not say them.
    job : list of dict
        Tables `[[job]]`, one or more.
    """

    schema: Literal["pmsl.batch/1", "pmsl.batch/2"]
    out: str
    defaults: dict[str, Any] = {}
    job: Annotated[list[dict[str, Any]], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a batch.

    Attributes
    ----------
    name : str
        Of its target in the out folder.
    request : SliceRequest
        What is asked for.
    """

    name: str
    request: SliceRequest


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch file, read.

    Attributes
    ----------
    file, out : Path
        The file, and the folder that jobs go to.
    jobs : tuple of Job
        In the order of the file, sweeps spread out.
    """

    file: Path
    out: Path
    jobs: tuple[Job, ...]


def read_batch(path: str | Path, fail_on: Severity | None = None) -> Batch:
    """Read a batch file; nothing it names is opened yet.

    Parameters
    ----------
    path : str or Path
        TOML of schema ``pmsl.batch/1``, or ``/2`` where a key is used that came with it. Paths in it are relative to its folder.
    fail_on : {"info", "warning", "error"}, optional
        For jobs that do not say it themselves.

    Raises
    ------
    BatchError
        It cannot be read, a key is not known (with the near match), a value is none, or two jobs have one name.
    """
    file = Path(path)
    try:
        text = read_text(file)
        str(file.absolute()).encode()
    except (OSError, UnicodeError) as err:
        other = refusal(f"batch {file}", err.object[:HEAD], "TOML") if isinstance(err, UnicodeDecodeError) else None
        raise BatchError(other or f"batch {file}: cannot be read as a TOML file: {why_unread(err)}") from err
    try:
        table = toml_tables(text)
    except ValueError as err:
        raise BatchError(refusal(f"batch {file}", text[:HEAD].encode(), "TOML") or f"batch {file}: not valid TOML: {err}") from err
    where = f"batch {file.name}"
    document = build(table, BatchDocument, where, BatchError)
    if "\0" in document.out or not document.out.strip():
        raise BatchError(f"{where}: out = {document.out!r}: name the folder that jobs go to")
    folder = file.absolute().parent
    out = folder / document.out
    _check_keys(document.defaults, OPTIONS, f"{where}: [defaults]")
    _check_version(document, where)
    defaults = document.defaults if fail_on is None else {"fail_on": fail_on, **document.defaults}
    jobs: list[Job] = []
    for number, table in enumerate(document.job, 1):
        jobs.extend(_jobs_of(table, defaults, folder, out, f"{where}: job {table.get('name', number)!r}"))
        if len(jobs) > MOST_JOBS:
            raise BatchError(f"{where}: more than {MOST_JOBS} jobs; sweep over fewer values, or make several batches")
    job_names.check_distinct([job.name for job in jobs], where)
    job_names.check_previews([(job.name, job.request.preview) for job in jobs if job.request.preview is not None], where)
    return Batch(file, out, tuple(jobs))


def _jobs_of(table: dict[str, Any], defaults: dict[str, Any], folder: Path, out: Path, where: str) -> list[Job]:
    """Return the jobs of one [[job]] table."""
    _check_keys(table, (*OWN, *OPTIONS), where)
    if not isinstance(table.get("name"), str):
        raise BatchError(f'{where}: give it a name, as name = "chip": its target is called so')
    given = {**defaults, **{key: value for key, value in table.items() if key not in OWN}}
    given["values"] = {**_table(defaults, "values", where), **_table(table, "values", where)}
    swept = _table(table, "sweep", where)
    for key in (*given["values"], *swept):
        if key in swept and "." not in key:
            _check_keys({key: None}, OPTIONS, f"{where}: [sweep]")
            continue
        try:
            check_name(key)
        except ProfileError as err:
            raise BatchError(f"{where}: {err}") from err
    jobs = []
    for words, chosen in combinations(swept, f"{where}: [sweep]", MOST_JOBS):
        options = {**given, **{key: value for key, value in chosen.items() if "." not in key}}
        options["values"] = {**given["values"], **{key: value for key, value in chosen.items() if "." in key}}
        name = job_names.target_name(table["name"], words, _chosen_suffix(table["name"], options.get("format"), where), where)
        jobs.append(Job(name, _request(options, name, folder, out, where)))
    return jobs


def _request(options: dict[str, Any], name: str, folder: Path, out: Path, where: str) -> SliceRequest:
    request = SliceRequest.parse({**options, "out": str(out / name)}, where, BatchError)
    stem = Path(name).stem if _is_suffix(Path(name).suffix) else name
    preview = None if request.preview is None else _preview(request.preview, stem, folder, out, where)
    copies = request.copies
    if copies is not None and copies.lower().endswith((".csv", ".toml")):
        copies = str(folder / copies)
    profiles = {kind: _profile(getattr(request, kind), kind, folder) for kind in ("printer", "resin", "process")}
    try:
        regions = {"region": located(request.region, folder), "regions": None if request.regions is None else str(folder / request.regions)}
    except UsageError as err:
        raise BatchError(f"{where}: {err}") from err
    meshes = [str(folder / mesh) for mesh in request.meshes]
    return msgspec.structs.replace(request, meshes=meshes, preview=preview, copies=copies, **regions, **profiles)


def _preview(text: str, stem: str, folder: Path, out: Path, where: str) -> str:
    """Return the path of a preview; refuse one outside the out folder, its links followed."""
    path = Path(os.path.normpath(folder / text.replace("{name}", stem)))
    if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(out)):
        inside = f"{os.path.relpath(out, folder)}/{{name}}.png"
        raise BatchError(f"{where}: preview = {text!r} lies outside {out}: a batch writes nothing there; write {inside!r}")
    return str(path)


def _profile(name: str | None, kind: str, folder: Path) -> str | None:
    """Return a library name as it is, and a file by its path."""
    if name is None or name in library()[kind]:
        return name
    return str(folder / name) if name.endswith(".toml") or os.path.exists(folder / name) else name


def _chosen_suffix(name: str, format: str | None, where: str) -> str:
    """Return the suffix that a job of a format gets where its name has none."""
    try:
        chosen = registry.find(registry.choose(Path(name), format))
    except UsageError as err:
        raise BatchError(f"{where}: {err}") from err
    own = Path(name).suffix
    if _is_suffix(own) or chosen.name == "native":
        return own if _is_suffix(own) else ""
    return chosen.suffixes[0] if chosen.suffixes else USUAL.get(chosen.name, "")


def _is_suffix(suffix: str) -> bool:
    return any(suffix.lower() in shipped.suffixes for shipped in registry.OWN)


def _table(table: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise BatchError(f"{where}: {key} is {found!r}; expected a table, as [job.{key}]")
    return found


def _check_keys(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise BatchError(f"{where}: unknown key {key!r}; {hint}")


def _check_version(document: BatchDocument, where: str) -> None:
    """Refuse keys that came after the version the file declares."""
    tables = [document.defaults, *document.job, *(job["sweep"] for job in document.job if isinstance(job.get("sweep"), dict))]
    newer = sorted({key for table in tables for key in table if int(document.schema[-1]) < SliceRequest.SINCE.get(key, 1)})
    if newer:
        schema = f"pmsl.batch/{max(SliceRequest.SINCE[key] for key in newer)}"
        raise BatchError(f"{where}: {', '.join(newer)} came with {schema}; write schema = {schema!r} instead of {document.schema!r}")


def publish() -> None:
    """Write the JSON Schema beside this module; run after a change of the structs."""
    Path(__file__).with_name(SCHEMA_FILE).write_bytes(json_schema())


def json_schema() -> bytes:
    """Return the JSON Schema (2020-12) of a batch file, for editors that check TOML while it is written."""
    schema = msgspec.json.schema(BatchDocument)
    _, parts = msgspec.json.schema_components([BatchDocument, SliceRequest])
    options = {key: kind for key, kind in parts["SliceRequest"]["properties"].items() if key in OPTIONS}
    loose: dict[str, Any] = {key: _loose(kind) if key in TEXTS else kind for key, kind in options.items()}
    table = {"type": "object", "properties": loose, "additionalProperties": False}
    own = {"name": {"type": "string"}, "sweep": {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}}}
    schema["$defs"]["RegionTable"] = parts["RegionTable"]
    properties = schema["$defs"]["BatchDocument"]["properties"]
    properties["schema"]["enum"] = properties["schema"]["enum"][-1:]
    properties["defaults"] = table
    properties["job"]["items"] = {**table, "properties": {**own, **loose}, "required": ["name"]}
    published = msgspec.json.encode(schema).replace(b"BatchDocument", b"Document")
    return msgspec.json.format(published, indent=1) + b"\n"


def _loose(kind: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a key that takes numbers and lists as well as text."""
    return {"description": kind["description"]}
