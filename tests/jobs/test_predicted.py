"""What slicing will cost, predicted from some layers, against what it does."""

from pathlib import Path

import pytest

from pmsl.formats.registry import SHIPPED
from pmsl.pipeline.estimate.cost_estimate import blocks_of, predicted, size_of
from pmsl.pipeline.estimate.layer_sample import thin
from pmsl.pipeline.estimate.memory_estimate import MIB, most_bytes, triangles_of
from pmsl.pipeline.slice_jobs import prepare_job, slice_job
from pmsl.pipeline.slice_request import SliceRequest

F = Path(__file__).resolve().parents[2] / "sample_meshes" / "f_orientation.stl"
SUFFIX = {"byu": ".zip", "sl1-prusa": ".sl1", "sl1s-prusa": ".sl1s", "3mf-slices": ".3mf"}


def order(out, **options):
    given = {"printer": "pmsl-10um", "resin": "pr48-405", "field": "160x160", "threads": 1, "layer_um": 4.0}
    return SliceRequest(meshes=[str(F)], out=str(out), **{**given, **options})


def held_against(asked, size=0.05, time=1e-9, resin=1e-6):
    told = predicted(asked)
    assert not Path(asked.out).exists()
    made = slice_job(asked)
    assert told.layers == made.job.n_layers and told.seconds > 0 and told.peak_bytes > 50 * MIB
    assert told.disk_bytes == pytest.approx(size_of(Path(asked.out)), rel=size)
    assert told.print_time_s == pytest.approx(made.written.estimate.print_time_s, rel=time)
    assert told.resin_ml == pytest.approx(made.written.estimate.resin_ml, rel=resin)
    return told


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dose": True},
        {"no_design": True, "coverage": "volume"},
        {"depth": 4},
        {"layer_um": 100.0, "values": {"process.bottom_dose_factors": []}},  # two layers
        {"layer_um": 60.0},
        {"values": {"process.layers": [[10, 2.0], [1, 7.3]]}},
    ],
    ids=str,
)
def test_native_jobs(tmp_path, options):
    """The part is a prism, so bytes are known too; its volume is not what a few thick layers print, the last of which stands out."""
    resin = {100.0: 1e-6, 60.0: 0.2}.get(options.get("layer_um"), 0.03 if "values" in options else 1e-4)
    held_against(order(tmp_path / "job", **options), size=0.1 if "depth" in options else 0.05, resin=resin)


@pytest.mark.parametrize("name", [s.name for s in SHIPPED if s.name not in ("native", "sl1-prusa", "sl1s-prusa")])
def test_every_format(tmp_path, name):
    suffix = next((s.suffixes[0] for s in SHIPPED if s.name == name and s.suffixes), SUFFIX.get(name, ""))
    asked = order(tmp_path / f"job{suffix}", format=name, lossy=True, layer_um=10.0)
    held_against(asked, size=0.25, time=0.15, resin=0.15)


def test_corrected_jobs_are_sampled_by_the_blocks_that_are_solved_at_once(tmp_path):
    values = {"resin.memory": "enclosed"}
    asked = order(tmp_path / "job", correct="edges,printthrough", accept_uncalibrated=True, values=values, layer_um=10.0, field="140x144")
    job = prepare_job(asked).job
    size = job.correction.block_layers
    for block in blocks_of(job, 4, asked):
        assert block.start % size == 0 and block.stop == min(block.start + size, job.n_layers)
    held_against(asked, size=0.3, time=0.3, resin=0.05)


def test_a_thin_job_has_the_layers_of_the_whole_one(tmp_path):
    job = prepare_job(order(tmp_path / "job")).job
    made, sampled = thin(job, [range(3, 6), range(40, 42)], design=False)
    assert made.n_layers == 5 and made.grid.z_edges_um.tolist() == [0, 4, 8, 12, 16, 20] and made.design == ()
    run = made.in_order()
    for i, k in enumerate((3, 4, 5, 40, 41)):
        (plan,) = run.plans([i])
        assert (plan.index, plan.z_top_um, plan.thickness_um) == (i, 4.0 * (i + 1), 4.0)
        assert plan.exposures[0].mask.sha256() == job[k].exposures[0].mask.sha256() == made[i].exposures[0].mask.sha256()
        run.passed(i)
    assert sampled.costs[0][0] == pytest.approx(job[3].duration_s)


@pytest.mark.parametrize("layers", [1, 2, 3, 7, 12, 50, 63, 64, 65, 255, 256, 1000])
def test_blocks_are_layers_of_the_job_and_do_not_overlap(tmp_path, layers):
    asked = order(tmp_path / "job", layer_um=200.0 / layers, values={"resin.dp_um": 200.0, "process.bottom_dose_factors": []})
    job = prepare_job(asked).job
    assert job.n_layers == layers
    for count in (4, 16):
        chosen = [k for block in blocks_of(job, count, asked) for k in block]
        assert chosen == sorted(set(chosen)) and chosen and chosen[0] >= 0 and chosen[-1] < layers


def test_memory_is_known_before_a_mesh_is_read(tmp_path):
    assert triangles_of(str(F)) == (F.stat().st_size - 84) / 50
    big = tmp_path / "big.stl"
    with open(big, "wb") as out:
        out.truncate(84 + 50 * 1_000_000)
    asked = SliceRequest(meshes=[str(big)], out=str(tmp_path / "job"))
    mended, sound = most_bytes(asked), most_bytes(SliceRequest(meshes=[str(big)], out=str(tmp_path / "job"), repair="none"))
    assert 600e6 < mended < 1.2e9 and sound < 0.5 * mended
    assert most_bytes(SliceRequest(meshes=[str(F)], out=str(tmp_path / "job"))) < 300 * MIB


def test_what_trimesh_reads_takes_more(tmp_path):
    """Held against a process that slices an OFF of a third of a million triangles: the estimate covers what it took."""
    sizes = {}
    for suffix in (".ply", ".off", ".glb"):
        mesh = tmp_path / f"a{suffix}"
        mesh.write_bytes(bytes(13_500_000))
        sizes[suffix] = most_bytes(SliceRequest(meshes=[str(mesh)], out=str(tmp_path / "job"), repair="none"))
    assert sizes[".off"] > 376 * MIB and sizes[".glb"] > sizes[".ply"] + 80 * MIB
