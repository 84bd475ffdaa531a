"""Checks by design: named with their width at any pitch and turn, limits of light and dose, and no false alarms."""

import math
from statistics import NormalDist

import msgspec
import pytest
from checks_parts import BRIDGE, LEDGE, SHARED, job_at, of, printer, turned
from solids import box

import pmsl
from pmsl.checks.by_design import MOST, design_findings
from pmsl.checks.design_limits import DesignLimits, threshold_share
from pmsl.mesh.part import Part
from pmsl.profiles.checks import ProcessChecks

SMALL = [box((0, 0, 0), (4, 90, 60)), box((30, 0, 0), (32, 2, 80)), box((60, 0, 0), (100, 40, 60)), box((103, 5, 0), (140, 40, 50))]


@pytest.mark.parametrize("pitch", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("turn", [0.0, 17.3, 45.0, 90.0])
def test_a_wall_a_gap_and_a_pillar_are_named_with_their_width(pitch, turn):
    findings = design_findings(job_at(SMALL, pitch, turn))
    walls, gaps = of(findings, "thin-wall"), of(findings, "thin-gap")
    assert sorted((round(f.value, 3), f.layers) for f in walls) == [(2.0, (0, 7)), (4.0, (0, 5))]
    assert [(round(f.value, 3), f.layers) for f in gaps] == [(3.0, (0, 4))]
    assert all(f.severity == "warning" and f.limit >= pitch and f.box_um is not None and "wider" in f.message for f in walls + gaps)
    assert not of(findings, "overhang")


def test_limits_come_from_blur_and_dose_and_never_fall_below_a_pixel():
    job = job_at(SMALL, 10.0)
    limits, share = DesignLimits.of(job), threshold_share(job)
    psf = job.printer.optics.psf.length_px((10.0, 10.0))[0] * 10.0
    blur = math.sqrt(psf**2 + 100.0 / 6.0)
    assert limits.blur_um == pytest.approx(blur)
    assert limits.min_wall_um == pytest.approx(max(2 * blur * NormalDist().inv_cdf((1 + share) / 2), 10.0))
    assert limits.min_gap_um == pytest.approx(max(2 * blur * NormalDist().inv_cdf((2 - share) / 2), 10.0))
    dp = job.resin.resin.dp_um.value
    assert share == pytest.approx(1.0 / (1.5 * math.exp(5.0 / dp)), rel=1e-6)
    more = msgspec.structs.replace(job.process, margin_um=60.0)
    assert threshold_share(pmsl.prepare(turned(SMALL, 0), job.printer, job.resin, more)) < share


def test_limits_of_the_process_count():
    job = job_at(SMALL, 10.0, checks=ProcessChecks(min_wall_um=3.0, min_gap_um=2.0, max_overhang_um=50.0))
    assert job.process.schema == "pmsl.process/2"
    findings = design_findings(job)
    assert [round(f.value, 3) for f in of(findings, "thin-wall")] == [2.0] and not of(findings, "thin-gap")


@pytest.mark.parametrize("turn", [0.0, 30.0])
@pytest.mark.parametrize("pitch", [5.0, 20.0])
@pytest.mark.parametrize("solids", [LEDGE, BRIDGE])
def test_a_ledge_and_a_bridge_are_overhangs_of_300(solids, pitch, turn):
    for most, severity in ((None, "info"), (250.0, "warning")):
        checks = None if most is None else ProcessChecks(max_overhang_um=most)
        (found,) = of(design_findings(job_at(solids, pitch, turn, checks)), "overhang")
        assert found.value == pytest.approx(300, abs=0.2) and found.severity == severity and found.layers[0] == found.layers[1]


def test_a_ledge_is_an_overhang_only_and_an_i_an_island():
    ledge = pmsl.check(job_at(LEDGE, 10.0))
    assert [f.code for f in ledge if f.code in ("island", "loose-body", "overhang")] == ["overhang"]
    dot = [
        box((0, 0, 0), (100, 100, 100)),
        box((0, 0, 140), (100, 100, 200)),
        box((100, 0, 0), (200, 100, 20)),
        box((180, 0, 0), (200, 100, 190)),
    ]
    arm = box((90, 0, 170), (200, 100, 190))
    found = pmsl.check(job_at([*dot, arm], 10.0))
    assert [f.code for f in found if f.code in ("island", "loose-body")] == ["island"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/cases")
def test_the_shared_case():
    solid = pmsl.load_solid(SHARED / "cases" / "bad_island_cavity_thinwall.stl")
    machine, resin = printer(), pmsl.find_resin("pegda-nps-0.5-385")
    found = pmsl.check(pmsl.prepare(pmsl.place([solid], machine, resin), machine, resin))
    assert {"thin-wall"} <= {f.code for f in found} and {"island", "loose-body"} & {f.code for f in found}


def test_parts_at_the_edge_are_said_once():
    machine, resin = printer("window", 10.0, (100, 100)), pmsl.find_resin("pegda-nps-0.5-385")
    near = [Part(solid=box((0, 0, 0), (100, 100, 50))), Part(solid=box((600, 300, 0), (995, 400, 50)))]
    (found,) = of(design_findings(pmsl.prepare(near, machine, resin)), "near-edge")
    assert found.value == 0 and found.severity == "info" and "1 other part" in found.message
    assert not of(design_findings(pmsl.prepare([Part(solid=box((300, 300, 0), (600, 600, 50)))], machine, resin)), "near-edge")


def test_many_of_a_kind_are_counted():
    pillars = [box((40 * i, 40 * j, 0), (40 * i + 2 + 0.01 * i, 40 * j + 3, 20)) for i in range(10) for j in range(8)]
    walls = of(design_findings(job_at(pillars, 10.0)), "thin-wall")
    assert len(walls) == MOST and "30 more are not listed" in walls[-1].message
    assert max(f.value for f in walls) <= 2.06


def test_findings_do_not_depend_on_threads():
    assert design_findings(job_at(SMALL, 10.0), threads=3) == design_findings(job_at(SMALL, 10.0))
