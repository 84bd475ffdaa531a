"""Batch files: what they may say, what they mean, and what is refused."""

import json

import jsonschema
import pytest
from batched import HEAD, LADDER, PART, batch_file

from pmsl.batch import read_batch
from pmsl.batch.batch_file import NOT_OF_A_JOB, OPTIONS, SCHEMA_FILE, json_schema
from pmsl.cli.commands.batch import memory_bytes
from pmsl.cli.commands.slice import slice_command
from pmsl.errors import BatchError, UsageError
from pmsl.pipeline.request.request_fields import request_fields
from pmsl.pipeline.slice_request import SliceRequest

ONE = '[[job]]\nname = "a"\n'


def test_every_option_of_slice_is_a_key():
    options = {p.name for p in slice_command.params} - {"as_json"}
    assert options == {name for name in SliceRequest.__struct_fields__ if name != "values"}
    assert set(OPTIONS) == (options | {"values"}) - set(NOT_OF_A_JOB)
    typed = slice_command.make_context("slice", ["a", "-o", "b"]).params
    del typed["as_json"]
    assert SliceRequest(**typed | {"meshes": ["a"]}) == SliceRequest(meshes=["a"], out="b")


def test_paths_are_relative_to_the_file_and_values_are_typed_as_options_are(tmp_path):
    (tmp_path / "mine.toml").write_text("")
    text = (
        '[[job]]\nname = "a"\nmeshes = ["x.stl", "sub/y.stl"]\nresin = "mine.toml"\nat = [1000, 500.5]\nscale = 1.02\n'
        "pitch_um = [7.6, 7.5]\n"
        'correct = ["edges", "printthrough"]\npreview = "night/{name}.png"\nformat = "sl1"\n'
    )
    (job,) = read_batch(batch_file(tmp_path, text)).jobs
    o = job.request
    assert o.meshes == [str(tmp_path / "x.stl"), str(tmp_path / "sub/y.stl")] and o.resin == str(tmp_path / "mine.toml")
    assert (o.at, o.scale, o.pitch_um, o.correct, o.printer) == ("1000,500.5", "1.02", "7.6,7.5", "edges,printthrough", "pmsl-10um")
    assert (job.name, o.out, o.preview) == ("a.sl1", str(tmp_path / "night" / "a.sl1"), str(tmp_path / "night" / "a.png"))


def test_a_sweep_is_a_grid_with_readable_names(tmp_path):
    jobs = read_batch(batch_file(tmp_path, LADDER.replace("[8, 4]", "[8, 6, 4]"))).jobs
    assert [j.name for j in jobs] == [
        *(f"ladder_layer_um={h}_depth={d}" for h in (10, 20) for d in (8, 6, 4)),
        *(f"packed_rotate={r}.zip" for r in ("0-0-0", "0-0-90")),
    ]
    assert [(j.request.values, j.request.depth) for j in jobs[:4]] == [
        ({"process.layer_um": 10}, 8),
        ({"process.layer_um": 10}, 6),
        ({"process.layer_um": 10}, 4),
        ({"process.layer_um": 20}, 8),
    ]
    printer, resin, process = jobs[3].request.profiles()
    assert process.layer_um == 20 and printer.name == "pmsl-10um"


def test_values_of_defaults_job_and_sweep_are_joined_and_the_inner_wins(tmp_path):
    text = (
        '[defaults.values]\n"resin.dp_um" = 30\n"process.motion.settle_s" = 2\n' + ONE + '[job.values]\n"resin.dp_um" = 40\n'
        '[job.sweep]\n"resin.dp_um" = [50]\n"resin.resin.ec_mj_cm2" = [10]\n"process.bottom_dose_factors" = [[]]\n'
    )
    (job,) = read_batch(batch_file(tmp_path, text)).jobs
    _, resin, process = job.request.profiles()
    assert (resin.resin.dp_um.value, resin.resin.ec_mj_cm2.value, process.motion.settle_s) == (50, 10, 2)
    assert process.bottom_dose_factors == () and resin.resin.dp_um.class_ == "placeholder"
    assert job.name == "a_dp_um=50_ec_mj_cm2=10_bottom_dose_factors=none"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "not valid TOML"),
        ('[[job]]\nname = "a"\nlayr_um = 5\n', "job 'a': unknown key 'layr_um'; did you mean 'layer_um'"),
        ("[[jobs]]\n", "did you mean 'job'"),
        ('[[job]]\nmeshes = ["a.stl"]\n', "job 1: give it a name"),
        ('[[job]]\nname = "a"\nlayer_um = "thick"\n', "layer_um: expected `float | null`"),
        ('[[job]]\nname = "a"\nmeshes = "a.stl"\n', "meshes: expected `array`"),
        ('[[job]]\nname = "a"\nmeshes = []\n', "meshes"),
        ('[[job]]\nname = "a"\ndose = "yes"\n', "dose: expected `bool`"),
        ('[[job]]\nname = "a"\nthreads = 0\n', "threads"),
        ('[[job]]\nname = "a"\ncoverage = "both"\n', "'area' or 'volume'"),
        ('[[job]]\nname = "a"\nout = "b"\n', "unknown key 'out'"),
        ('[[job]]\nname = "a"\nformat = "nothing"\n', "format 'nothing' is not known"),
        ('[[job]]\nname = "a.xyz"\n', "no format writes '.xyz' files"),
        (ONE + ONE, "two jobs are called 'a' and 'a'"),
        (ONE + '[[job]]\nname = "A"\n', "two jobs are called 'a' and 'A'"),
        (ONE + "[job.sweep]\nlayer_um = [5, 5]\n", "two jobs are called 'a_layer_um=5'"),
        (ONE + "[job.sweep]\nlayer_um = 5\n", "expected a list of values"),
        (ONE + "[job.sweep]\nlayer_um = []\n", "expected a list of values"),
        (ONE + "[job.sweep]\nlayr_um = [5]\n", "did you mean 'layer_um'"),
        (ONE + "[job.sweep]\nname = ['b']\n", "unknown key 'name'"),
        (ONE + '[job.sweep]\n"resin.dpum" = [5]\n', "did you mean 'dp_um'"),
        (ONE + '[job.sweep]\n"resn.dp_um" = [5]\n', "did you mean 'resin.dp_um'"),
        (ONE + '[job.values]\n"process.motion.settle" = 5\n', "did you mean 'settle_s'"),
        (ONE + "[job.values]\nlayer_um = 5\n", "begins with printer., resin. or process."),
        (ONE + 'preview = "night/p.png"\n[job.sweep]\nlayer_um = [5, 6]\n', "have one preview"),
        (ONE + "sweep = 5\n", "expected a table"),
        (ONE + f"[job.sweep]\nlayer_um = {list(range(1, 400))}\nirradiance = {list(range(1, 400))}\n", "159201 combinations"),
        *(
            (f"[[job]]\nname = '{name}'\n", "is no name for a job")
            for name in ("a/b", "..", ".a", "", "a\\b", "a ", "b.", "con", "LPT1.zip")
        ),
        ('[[job]]\nname = "a\\u0000b"\n', "is no name for a job"),
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, text, words):
    with pytest.raises(BatchError) as err:
        read_batch(batch_file(tmp_path, text))
    assert words in str(err.value) and "batch" in str(err.value)
    assert [p.name for p in tmp_path.iterdir()] == ["batch.toml"]


def test_heads_that_are_none(tmp_path):
    for head, words in (
        (HEAD.replace("batch/1", "batch/3"), "pmsl.batch/1"),
        (HEAD.replace('out = "night"', 'out = " "'), "name the folder"),
        (HEAD.replace('out = "night"', ""), "'out' is missing"),
        (HEAD.replace("[defaults]", "[default]"), "did you mean 'defaults'"),
        (HEAD.replace("resin =", "resn ="), "did you mean 'resin'"),
    ):
        with pytest.raises(BatchError, match=words):
            read_batch(batch_file(tmp_path, ONE, head))
    with pytest.raises(BatchError, match="No such file"):
        read_batch(tmp_path / "nothing.toml")
    with pytest.raises(BatchError, match="'job' is missing"):
        read_batch(batch_file(tmp_path, ""))


def test_long_names_are_shortened_and_stay_apart(tmp_path):
    words = ", ".join(f'"{"x" * 150}{i}.toml"' for i in range(3))
    names = [j.name for j in read_batch(batch_file(tmp_path, ONE + f"[job.sweep]\nresin = [{words}]\n")).jobs]
    assert len(set(names)) == 3 and max(map(len, names)) <= 160


def test_sizes_of_memory():
    sizes = {"8GB": 8e9, "512MiB": 512 * 2**20, "8e9": 8e9, " 1.5 g ": 1.5e9, "120000k": 1.2e8}
    assert {text: memory_bytes(text) for text in sizes} == sizes
    for wrong in ("", "8XB", "-1", "0", "1e30", "1.2.3", "nan", "GB"):
        with pytest.raises(UsageError, match="8GB"):
            memory_bytes(wrong)


def test_the_published_schema_is_that_of_the_code_and_knows_batches(tmp_path):
    import tomllib

    from pmsl.batch import batch_file

    published = (batch_file.Path(batch_file.__file__).parent / SCHEMA_FILE).read_bytes()
    assert published == json_schema()
    first = batch_file.Path(batch_file.__file__).parent / "batch-1.schema.json"
    check = jsonschema.Draft202012Validator(json.loads(published))
    check.validate(tomllib.loads(HEAD.replace("batch/1", "batch/2") + LADDER))
    jsonschema.Draft202012Validator(json.loads(first.read_bytes())).validate(tomllib.loads(HEAD + LADDER))
    for wrong in (HEAD, HEAD + '[[job]]\nname = "a"\nlayr_um = 5\n', HEAD + LADDER + "x = 1\n", HEAD.replace("batch/1", "batch/3") + ONE):
        assert not check.is_valid(tomllib.loads(wrong))
    assert PART.exists()


def test_python_asks_as_a_batch_and_the_command_line_do():
    """Numbers and lists stand for what is typed; wrong keys and values are refused with their names; every field says what it is."""
    asked = SliceRequest.parse({"meshes": ["a.stl"], "out": "b", "at": [1000, 500], "scale": 2, "bottom_dose_factors": [], "depth": 4})
    assert asked == SliceRequest(meshes=["a.stl"], out="b", at="1000,500", scale="2", bottom_dose_factors="none", depth=4)
    for wrong, word in (({"layer": 5}, "layer"), ({"depth": 9}, "depth"), ({"unit": "feet"}, "unit"), ({"keep_place": 1}, "keep_place")):
        with pytest.raises(UsageError, match=word):
            SliceRequest.parse({"meshes": ["a.stl"], "out": "b"} | wrong)
    fields = request_fields()
    assert all(f.text.endswith((".", "…")) or f.text.endswith("]") for f in fields.values())
