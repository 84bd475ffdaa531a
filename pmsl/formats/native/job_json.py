"""job.json as strict structs; the published JSON Schema is made from them."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pmsl.core.finding import RecordedFinding
from pmsl.errors import JobError
from pmsl.files.file_kind import HEAD, refusal
from pmsl.formats.native.drawing_file import DrawingDoc
from pmsl.job.layer_plan import LayerFacts
from pmsl.job.pauses import PAUSE, Pause
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, STAGE_ERROR, CorrectionRecord, Estimate, PartRecord, Provenance
from pmsl.job.printer_optics import FIELD_DISTORTION
from pmsl.job.techniques import DRAWN, TECHNIQUES, Relift, Squeeze, Vacuum
from pmsl.mesh.region import RegionRecord
from pmsl.profiles import Motion, Printer, Process, Resin
from pmsl.profiles.printer import Axis, Count, Positive
from pmsl.profiles.process import NotNegative
from pmsl.profiles.tables.schema import build
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.tables.versions import set_schema

SCHEMAS = ("pmsl.job/1", "pmsl.job/2")
SCHEMA_FILE = "job-2.schema.json"  # version 1 has a file of its own, which does not change any more
NEWER = TECHNIQUES | {DRAWN, FIELD_DISTORTION}
ABILITIES = NEWER | {FLAT_FIELD_BY_HOST, STAGE_ERROR, PAUSE}  # entries of `requires` this version understands
FACTS = b',"facts":'  # of a layer, its last key
PLAIN = ("time_s", "dose_mj_cm2", "power", "engine", "offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s")
ASKED = ("relift", "film_lift_um", "flat_field_by_host")  # of an exposure, where its host is asked for more than to show it


class GridDoc(Strict, frozen=True, kw_only=True):
    """Pixels and slabs; shape is [rows, cols]."""

    origin_um: tuple[float, float]
    pitch_um: tuple[float, float]
    shape: tuple[int, int]
    z_edges_um: list[float]


class OrientationDoc(Strict, frozen=True, kw_only=True):
    """Which way frame rows and columns grow; of a device whose mirrors stand on their corners, [rows, cols] of its frames.

    Then odd rows of a frame are shifted by half a pixel to the right, and the grid is the square one whose cells the mirrors are.
    """

    row: Axis
    col: Axis
    seen_from: Literal["light side"]
    mirrored: bool
    diamond: tuple[Count, Count] | msgspec.UnsetType = msgspec.UNSET


class EngineDoc(Strict, frozen=True, kw_only=True):
    """One light engine; `name` is what its host calls it."""

    SINCE: ClassVar[dict[str, int]] = {"name": 2}

    grid: GridDoc
    wavelength_nm: float
    orientation: OrientationDoc
    name: str | msgspec.UnsetType = msgspec.UNSET


class ExposureDoc(Strict, frozen=True, kw_only=True):
    """One image of a layer; `frame` is a path inside the job.

    Before it is shown the plate may lift and come back (`relift`), or stay so far up that it cures on the film only (`film_lift_um`);
    `flat_field_by_host` says whether the host evens out the field for it where the job leaves that to each exposure. What is drawn by a
    laser has a `drawing`; its frame is then the area that is to be filled, and is not shown.
    """

    frame: str
    file_sha256: str
    mask_sha256: str
    time_s: Positive
    dose_mj_cm2: Positive
    power: Positive
    engine: Annotated[int, msgspec.Meta(ge=0)]
    offset_um: tuple[float, float]
    focus_um: float
    repeat: Annotated[int, msgspec.Meta(ge=1)]
    wait_before_s: NotNegative
    wait_after_s: NotNegative
    relift: Relift | msgspec.UnsetType = msgspec.UNSET
    film_lift_um: Positive | msgspec.UnsetType = msgspec.UNSET
    flat_field_by_host: bool | msgspec.UnsetType = msgspec.UNSET
    drawing: DrawingDoc | msgspec.UnsetType = msgspec.UNSET


class LayerDoc(Strict, frozen=True, kw_only=True):
    """One layer: motion, `squeeze`, exposures, `relift_after`, in this order; `dose` is a path, where dose maps were asked for.

    `facts` are of its pixels that are lit at least half as strongly as the lightest of their exposure; no reader needs them.
    """

    SINCE: ClassVar[dict[str, int]] = {"facts": 2, "relift_after": 2}

    z_top_um: float
    thickness_um: float
    motion: Motion
    exposures: list[ExposureDoc]
    dose: str | None = None
    squeeze: Squeeze | msgspec.UnsetType = msgspec.UNSET
    relift_after: Relift | msgspec.UnsetType = msgspec.UNSET
    facts: LayerFacts | msgspec.UnsetType = msgspec.UNSET


class DesignDoc(Strict, frozen=True, kw_only=True):
    """One placed part: binary PLY, µm; of a copy, how far (x, y) it is from the part in the file."""

    file: str
    sha256: str
    label: str
    shift_um: tuple[float, float] | msgspec.UnsetType = msgspec.UNSET


class Document(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The whole of job.json: of version 1 unless a key of it, or of what it embeds, came with a later one."""

    SINCE: ClassVar[dict[str, int]] = {"regions": 2, "vacuum": 2, "tiles": 2, "pauses": 2}
    NESTED: ClassVar[tuple[str, ...]] = (
        "provenance",
        "findings",
        "engines",
        "printer",
        "resin",
        "process",
        "parts",
        "layers",
        "correction",
    )

    schema: Literal["pmsl.job/1", "pmsl.job/2"]
    requires: list[str]
    provenance: Provenance
    calibrated: bool
    placeholders: list[str]
    findings: list[RecordedFinding]
    estimate: Estimate
    engines: list[EngineDoc]
    printer: Printer
    resin: Resin
    process: Process
    parts: list[PartRecord]
    design: list[DesignDoc]
    layers: list[LayerDoc]
    correction: CorrectionRecord | None = None
    regions: list[RegionRecord] | msgspec.UnsetType = msgspec.UNSET
    vacuum: Vacuum | msgspec.UnsetType = msgspec.UNSET
    tiles: tuple[Count, Count] | msgspec.UnsetType = msgspec.UNSET
    pauses: list[Pause] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        set_schema(self)

    def own_version(self) -> int:
        """Return 2 where a key of its own is newer, or of a layer that is JSON, or the host does more than to even out the field."""
        entries: list[object] = list(self.layers)
        facts = any(FACTS in bytes(entry) for entry in entries if isinstance(entry, msgspec.Raw))
        newer = facts or not NEWER.isdisjoint(self.requires)
        return max(super().own_version(), 2 if newer else 1)


def with_facts(entry: LayerDoc | msgspec.Raw, facts: LayerFacts | None) -> LayerDoc | msgspec.Raw:
    """Return a layer with its facts; one that is JSON already gets the same bytes as if it were encoded with them."""
    if facts is None:
        return entry
    if isinstance(entry, LayerDoc):
        return msgspec.structs.replace(entry, facts=facts)
    return msgspec.Raw(bytes(entry)[:-1] + FACTS + msgspec.json.encode(facts) + b"}")


def encode(document: Document) -> bytes:
    """Return the bytes of job.json: the same for equal documents."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode(data: bytes, where: str) -> Document:
    """Read job.json.

    Raises
    ------
    JobError
        Not JSON, another schema version, an unknown entry of `requires`, an unknown key or a wrong type.
    """
    try:
        table: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
        raise JobError(refusal(where, data[:HEAD], "the JSON of a job") or f"{where}: not valid JSON ({err}); the job is damaged") from err
    schema = table.get("schema") if isinstance(table, dict) else None
    if schema not in SCHEMAS:
        raise JobError(f"{where}: schema is {schema!r}; this pmsl reads {' and '.join(SCHEMAS)}: a newer job needs a newer pmsl")
    requires = table.get("requires")
    unknown = sorted({str(r) for r in requires} - ABILITIES) if isinstance(requires, list) else []
    if unknown:
        raise JobError(f"{where}: the job requires {', '.join(unknown)}, which this pmsl does not know; use a newer pmsl")
    return build(table, Document, where, JobError)


def json_schema() -> bytes:
    """Return the JSON Schema (2020-12) of job.json in its newest version."""
    schema = _clean(msgspec.json.schema(Document))
    schema["$defs"]["Document"]["properties"]["schema"]["enum"] = [SCHEMAS[-1]]
    published = msgspec.json.encode(schema).replace(b"StageProfile", b"Stage")
    return msgspec.json.format(published, indent=1) + b"\n"


def _clean(item: Any) -> Any:
    """Take the indentation out of descriptions, which Python keeps in docstrings before 3.13."""
    if isinstance(item, dict):
        return {k: inspect.cleandoc(v) if k == "description" and isinstance(v, str) else _clean(v) for k, v in item.items()}
    return [_clean(v) for v in item] if isinstance(item, list) else item


def publish() -> None:
    """Write the JSON Schema beside the package's formats; run after a change of the structs."""
    from pathlib import Path

    (Path(__file__).parents[1] / SCHEMA_FILE).write_bytes(json_schema())
