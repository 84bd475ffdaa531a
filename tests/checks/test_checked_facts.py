"""Islands and sealed areas among the facts of layers, where a job was checked while it was written."""

import msgspec
import pytest
from checks_parts import job_of
from solids import box

import pmsl


def facts_of(job, folder, **how):
    pmsl.write(job, folder, **how)
    return [plan.facts for plan in pmsl.read(folder).layers()]


WALLS = ((0, 0, 200, 1500), (1300, 0, 1500, 1500), (0, 0, 1500, 200), (0, 1300, 1500, 1500))
CUP = [box((0, 0, 0), (1500, 1500, 100)), *(box((x0, y0, 0), (x1, y1, 900)) for x0, y0, x1, y1 in WALLS)]


def test_a_cup_seals_its_area_in_every_layer_of_its_walls(tmp_path):
    job = job_of(CUP, pitch_um=20.0, field=(200, 200))
    facts = facts_of(job, tmp_path / "job", checks=True)
    assert [f.islands for f in facts] == [0] * 18
    assert [f.sealed_um2 for f in facts[:2]] == [0, 0] and [f.sealed_um2 for f in facts[2:]] == pytest.approx([1100**2] * 16, rel=2e-3)
    assert facts_of(job, tmp_path / "apart", checks=True, processes=2) == facts
    assert facts_of(job_of(CUP, "free-surface", 20.0, (200, 200)), tmp_path / "open", checks=True)[5].sealed_um2 == 0
    assert facts_of(job, tmp_path / "plain")[5].sealed_um2 is msgspec.UNSET


def test_a_second_copy_of_a_checked_job_has_the_same_facts(tmp_path):
    facts = facts_of(job_of(CUP, pitch_um=20.0, field=(200, 200)), tmp_path / "job", checks=True)
    assert facts_of(pmsl.read(tmp_path / "job"), tmp_path / "again") == facts
    assert (tmp_path / "again" / "job.json").read_bytes() == (tmp_path / "job" / "job.json").read_bytes()


def test_a_body_that_begins_in_mid_air_is_an_island_of_its_layer(tmp_path):
    solids = [box((0, 0, 0), (300, 300, 600)), box((600, 0, 300), (900, 300, 600)), box((0, 0, 500), (900, 300, 600))]
    facts = facts_of(job_of(solids, pitch_um=20.0, field=(100, 100)), tmp_path / "job", checks=True)
    assert [f.islands for f in facts] == [0] * 6 + [1] + [0] * 5
    assert facts[6].components == 2 and facts[6].overhang_um2 == 300 * 300
