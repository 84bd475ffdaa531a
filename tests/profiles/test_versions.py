"""Versions of schemas: decided in one place by the keys that are used; what uses nothing new is written as it was before."""

import json
from pathlib import Path
from typing import ClassVar, Literal, get_args

import jsonschema
import msgspec
import pytest
from batched import HEAD, batch_file
from msgspec import UNSET, UnsetType

import pmsl
from pmsl.batch import read_batch
from pmsl.batch.batch_file import OPTIONS
from pmsl.errors import BatchError, JobError, ProfileError
from pmsl.formats.native import job_json
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles import Process, library_text
from pmsl.profiles.tables.overrides import with_values
from pmsl.profiles.tables.schema import build, parse
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.tables.versions import set_schema, version

HEAD_2 = HEAD.replace("batch/1", "batch/2")
ROOT = Path(pmsl.__file__).parent
DEFAULT = library_text("default")
TWO = DEFAULT.replace("pmsl.process/1", "pmsl.process/2")
replace = msgspec.structs.replace


class Leaf(Strict, frozen=True, kw_only=True):
    SINCE: ClassVar[dict[str, int]] = {"b": 2, "c": 3}
    a: int = 0
    b: int | UnsetType = UNSET
    c: int | UnsetType = UNSET


class Plain(Strict, frozen=True, kw_only=True):
    a: int = 0


class Root(Strict, frozen=True, kw_only=True):
    NESTED: ClassVar[tuple[str, ...]] = ("leaves", "one")
    schema: Literal["x/1", "x/2", "x/3"] = "x/1"
    leaves: list[Leaf] = []
    one: Leaf | None = None
    plain: tuple[Plain, ...] = ()

    def __post_init__(self) -> None:
        set_schema(self)


def structs_in(kind):
    if isinstance(kind, type) and issubclass(kind, Strict):
        yield kind
    for inner in get_args(kind):
        yield from structs_in(inner)


def nested(kind):
    """Fields whose structs have newer keys, by the annotations; every struct on the way is asserted to name its own."""
    out = []
    for field in msgspec.structs.fields(kind):
        for inner in structs_in(field.type):
            if nested(inner) or inner.SINCE or inner.own_version is not Strict.own_version:
                out.append(field.name)
    assert tuple(dict.fromkeys(out)) == kind.NESTED, kind
    return out


@pytest.mark.parametrize("kind", [Root, Process, job_json.Document])
def test_a_struct_names_the_fields_whose_structs_have_newer_keys(kind):
    assert nested(kind)


@pytest.mark.parametrize(
    ("made", "number"),
    [
        (Root(), 1),
        (Root(leaves=[Leaf(a=1), Leaf()]), 1),
        (Root(leaves=[Leaf(), Leaf(b=0)]), 2),
        (Root(one=Leaf(c=1)), 3),
        (Root(one=Leaf(b=1, c=1), leaves=[Leaf()]), 3),
        (Root(plain=(Plain(a=5),), schema="x/3"), 1),
        (Root(one=Leaf(b=2), schema="x/3"), 2),
    ],
)
def test_the_version_is_the_lowest_that_has_all_keys(made, number):
    assert (version(made), made.schema) == (number, f"x/{number}")


def test_a_replaced_value_moves_the_version_both_ways():
    plain = pmsl.find_process("default")
    timed = replace(plain, exposure_s=2.0)
    assert (plain.schema, timed.schema) == ("pmsl.process/1", "pmsl.process/2")
    assert replace(timed, exposure_s=UNSET) == plain


def test_a_process_without_anything_new_is_written_without_a_trace_of_it():
    plain, declared = parse(DEFAULT, Process, "a"), parse(TWO, Process, "a")
    assert msgspec.json.encode(plain) == msgspec.json.encode(declared)
    assert b"exposure_s" not in msgspec.json.encode(plain) and b"process/1" in msgspec.json.encode(plain)


def test_a_new_key_in_a_file_of_version_1_is_refused_with_what_to_write():
    text = DEFAULT.replace("layer_um = 10.0", "layer_um = 10.0\nexposure_s = 2.0")
    with pytest.raises(ProfileError, match=r"a\.toml: exposure_s came with pmsl\.process/2; write schema = 'pmsl\.process/2' instead"):
        parse(text, Process, "a.toml")
    assert parse(text.replace("process/1", "process/2"), Process, "a.toml").exposure_s == 2.0


def test_a_misspelt_new_key_has_its_near_match():
    with pytest.raises(ProfileError, match="did you mean 'exposure_s'"):
        parse(TWO.replace("layer_um = 10.0", "exposure = 2.0"), Process, "a.toml")


@pytest.mark.parametrize("bad", ["0", "-1", "nan", "inf", "'2'", "1e300", "[2.0]"])
def test_a_time_that_is_none_is_refused(bad):
    with pytest.raises(ProfileError, match="exposure_s"):
        parse(TWO.replace("layer_um = 10.0", f"exposure_s = {bad}"), Process, "a.toml")


def test_values_of_a_study_may_be_new_ones_and_replace_what_they_exclude():
    printer, resin, process = pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-405"), pmsl.find_process("default")
    marged = replace(process, margin_um=5.0)
    *_, timed = with_values(printer, resin, marged, {"process.exposure_s": 3.0})
    assert (timed.exposure_s, timed.margin_um, timed.schema) == (3.0, None, "pmsl.process/2")
    *_, back = with_values(printer, resin, timed, {"process.margin_um": 5.0})
    assert back == marged
    with pytest.raises(ProfileError, match="exclude each other"):
        with_values(printer, resin, process, {"process.exposure_s": 3.0, "process.margin_um": 5.0})


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """job.json of a plain job and of one whose process uses a new key."""
    folder = tmp_path_factory.mktemp("versions")
    out = {}
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    solid = pmsl.load_solid(ROOT.parent / "sample_meshes" / "f_orientation.stl")
    for name, changes in (("plain", {}), ("timed", {"exposure_s": 4.0})):
        job = pmsl.prepare(pmsl.place([solid], printer, resin), printer, resin, replace(pmsl.find_process("default"), **changes))
        pmsl.write(job, folder / name, facts=False)
        out[name] = json.loads((folder / name / "job.json").read_text())
        assert pmsl.verify(folder / name) == []
        assert pmsl.read(folder / name).process == job.process
    return out


def test_jobs_declare_the_version_they_need_and_fit_its_published_schema(jobs):
    published = {n: jsonschema.Draft202012Validator(json.loads((ROOT / f"formats/job-{n}.schema.json").read_text())) for n in (1, 2)}
    assert jobs["plain"]["schema"] == "pmsl.job/1" and jobs["timed"]["schema"] == "pmsl.job/2"
    assert jobs["timed"]["process"]["schema"] == "pmsl.process/2" and jobs["timed"]["requires"] == []
    for name, number in (("plain", 1), ("timed", 2)):
        published[number].validate(jobs[name])
        assert not published[3 - number].is_valid(jobs[name])


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("timed", lambda d: d.update(schema="pmsl.job/1"), "came with pmsl.job/2"),
        ("timed", lambda d: d["process"].update(schema="pmsl.process/1"), "process: exposure_s came with pmsl.process/2"),
        ("plain", lambda d: d.update(schema="pmsl.job/3"), "newer pmsl"),
    ],
)
def test_a_job_that_declares_less_than_it_uses_is_refused(jobs, name, change, words):
    table = json.loads(json.dumps(jobs[name]))
    change(table)
    with pytest.raises(JobError, match=words):
        job_json.decode(json.dumps(table).encode(), "job.json")


def test_a_job_that_declares_more_than_it_uses_is_read_and_written_as_what_it_is(jobs):
    table = {**jobs["plain"], "schema": "pmsl.job/2"}
    assert json.loads(job_json.encode(job_json.decode(json.dumps(table).encode(), "x"))) == jobs["plain"]


# --- batches -----------------------------------------------------------------------------------------------------


def test_every_option_is_of_version_1_or_says_since_when():
    first = json.loads((ROOT / "batch/batch-1.schema.json").read_text())["$defs"]["Document"]["properties"]["defaults"]["properties"]
    assert set(OPTIONS) - set(first) == set(SliceRequest.SINCE)


ONE = '[[job]]\nname = "a"\n'


@pytest.mark.parametrize(
    "text",
    [
        ONE + "exposure_s = 2.0\n",
        "bottom_dose_factors = [4, 2]\n" + ONE,  # of the defaults
        ONE + "[job.sweep]\nexposure_s = [1.0, 2.0]\n",
    ],
)
def test_a_new_key_needs_the_new_version_of_a_batch(tmp_path, text):
    with pytest.raises(BatchError, match=r"came with pmsl\.batch/2; write schema = 'pmsl\.batch/2'"):
        read_batch(batch_file(tmp_path, text))
    assert read_batch(batch_file(tmp_path, text, HEAD_2)).jobs


def test_options_of_exposure_are_typed_in_a_batch_as_on_the_command_line(tmp_path):
    other = ONE.replace('"a"', '"b"') + "bottom_dose_factors = []\n"
    file = batch_file(tmp_path, ONE + "exposure_s = 2\nbottom_dose_factors = [4, 2]\n" + other, HEAD_2)
    a, b = (job.request.profiles()[2] for job in read_batch(file).jobs)
    assert (a.exposure_s, a.bottom_dose_factors, b.bottom_dose_factors) == (2.0, (4.0, 2.0), ())
    assert (a.schema, b.schema) == ("pmsl.process/2", "pmsl.process/1")


def test_build_checks_the_version_of_any_struct_with_a_schema():
    assert build({"schema": "x/2", "one": {"b": 1}}, Root, "t").schema == "x/2"
    with pytest.raises(ProfileError, match=r"t: one\.b came with x/2"):
        build({"schema": "x/1", "one": {"b": 1}}, Root, "t")
