"""Features the optics cannot make, voids without a way out: named with their place, as lines and as findings."""

import json
from pathlib import Path

import manifold3d
import numpy as np
import pytest
from predictions import DP, PX, H, job_of
from solids import box

import pmsl
from pmsl.cli import main
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.predict.features.lost_features import LostFeatures

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
cases = pytest.mark.skipif(not CASES.is_dir(), reason="the case files are not beside this checkout")
Solid = manifold3d.Manifold


def cube(low, high):
    return Solid.cube([b - a for a, b in zip(low, high, strict=True)]).translate(list(low))


def solid_of(body):
    mesh = body.to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


BLOCK = cube((100, 100, 0), (420, 380, 200))
CAVITY = cube((200, 180, 60), (320, 300, 140))


def opening_of(body, cd_um=12.0, dp=20.0, sigma_px=0.36):
    found = pmsl.simulate(job_of([solid_of(body)], cd_um, dp, sigma_px=sigma_px))
    return found, found.openings[0]


def codes(found):
    return {f.code for f in found.findings}


def case_job(name):
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    return pmsl.prepare(pmsl.place([pmsl.load_solid(CASES / f"{name}.stl", unit="mm")], printer, resin), printer, resin)


@cases
def test_a_pillar_of_two_micrometres_is_lost_with_its_place():
    found = pmsl.simulate(case_job("pillar_2um"))
    (feature,) = found.lost
    assert feature["kind"] == "pillar" and feature["layers"] == [10, 39] and feature["size_um"] == pytest.approx(2.0, abs=0.01)
    (finding,) = (f for f in found.findings if f.code == "lost-feature")
    assert (finding.layers, finding.unit, finding.limit) == ((10, 39), "µm", 7.6) and finding.value == pytest.approx(2.0, abs=0.01)
    (x0, y0, z0), (x1, y1, z1) = finding.box_um
    assert x0 < 9728 < x1 and y0 < 6080 < y1 and (z0, z1) == pytest.approx((100, 400), abs=1e-3) and max(x1 - x0, y1 - y0) < 16


@cases
def test_a_closed_cavity_is_sealed():
    found = pmsl.simulate(case_job("sealed_cavity"))
    (opening,) = found.openings
    assert opening["state"] == "sealed" and opening["ports"] == 0 and not opening["on_plate"]
    (trap,) = (f for f in found.findings if f.code == "resin-trap")
    assert trap.value == pytest.approx(600 * 600 * opening["printed_um"]["height"], rel=0.03) and trap.layers == (15, 30)


def test_cavities_by_what_they_are_open_to():
    tall = cube((200, 180, 60), (320, 300, 300))
    for body, state, ports, plate in [
        (BLOCK - CAVITY, "sealed", 0, False),
        (BLOCK - cube((200, 180, -1), (320, 300, 140)), "sealed by the plate", 0, True),
        (BLOCK - CAVITY - cube((320, 220, 80), (500, 260, 120)), "dead end", 1, False),
        (BLOCK - CAVITY - cube((50, 220, 80), (500, 260, 120)), "open", 2, False),
        (BLOCK - CAVITY - cube((240, 220, 100), (280, 260, 300)), "dead end", 1, False),  # a chimney to the light
    ]:
        found, opening = opening_of(body)
        assert (opening["state"], opening["ports"], opening["on_plate"]) == (state, ports, plate), (state, opening)
        wanted = {"sealed": "resin-trap", "sealed by the plate": "sealed-on-plate", "dead end": "dead-end"}.get(state)
        assert {"resin-trap", "sealed-on-plate", "dead-end"} & codes(found) == ({wanted} if wanted else set())
    assert pmsl.simulate(job_of([solid_of(BLOCK - tall)], 12.0, 20.0)).openings == []  # a well


def test_cavities_joined_by_a_channel_are_one_void():
    low, high = cube((130, 180, 60), (210, 300, 140)), cube((310, 180, 60), (390, 300, 140))
    joined = low + high + cube((200, 220, 80), (320, 260, 120))
    found, opening = opening_of(BLOCK - joined)
    assert len(found.openings) == 1 and opening["state"] == "sealed"
    assert [f.code for f in found.findings].count("resin-trap") == 1
    found, _ = opening_of(BLOCK - low - high)
    assert [o["state"] for o in found.openings] == ["sealed", "sealed"]
    found, opening = opening_of(BLOCK - joined - cube((380, 220, 80), (500, 260, 120)))
    assert len(found.openings) == 1 and opening["state"] == "dead end"


def test_a_lid_on_a_cup_seals_it_though_no_mesh_has_a_cavity():
    cup = cube((100, 100, 0), (420, 380, 140)) - cube((200, 180, 60), (320, 300, 300))
    job = job_of([solid_of(cup), box((100, 100, 140), (420, 380, 200))], 12.0, 20.0)
    (opening,) = pmsl.simulate(job).openings
    assert opening["state"] == "sealed"


@pytest.mark.parametrize("at", [100.0, 103.0, 105.0, 107.5])
@pytest.mark.parametrize("wall", [12.0, 20.0])
def test_thin_walls_seal_and_open_ends_open_wherever_pixels_lie(at, wall):
    block = cube((at, at, 0), (at + 240, at + 200, 160))
    closed = cube((at + wall, at + 60, 40), (at + 240 - wall, at + 140, 100))
    ended = cube((at - 50, at + 60, 40), (at + 400, at + 140, 100))
    assert opening_of(block - closed)[1]["ports"] == 0
    assert opening_of(block - ended)[1]["ports"] == 2


def test_a_cavity_whose_only_opening_is_filled_keeps_its_resin():
    """A chimney of less than a pixel closes where light from both sides meets; one of four pixels stays open."""
    for width, sealed in ((8.0, True), (40.0, False)):
        chimney = cube((260 - width / 2, 240 - width / 2, 100), (260 + width / 2, 240 + width / 2, 300))
        found, opening = opening_of(BLOCK - CAVITY - chimney, 12.0, 20.0)
        assert ("resin-trap" in codes(found)) is sealed and (opening["trapped_um3"] > 0) is sealed
        assert opening["state"] == (("sealed in print" if opening["ports"] else "sealed") if sealed else "dead end")


@pytest.mark.parametrize("sigma_px", [0.36, 1.0])
def test_a_port_by_design_that_the_print_fills_is_sealed_in_print(sigma_px):
    """A chimney of a pixel and a half: open by design, with a place where it meets the light; filled above the void."""
    chimney = cube((252, 232, 100), (268, 248, 300))
    found, opening = opening_of(BLOCK - CAVITY - chimney, 12.0, 20.0, sigma_px)
    assert (opening["state"], opening["ports"], opening["blocked"]) == ("sealed in print", 1, False)
    (trap,) = (f for f in found.findings if f.code == "resin-trap")
    assert trap.value == opening["trapped_um3"] > 5e5 and "has no way out of the print" in trap.message
    _, beside = opening_of(BLOCK - CAVITY - chimney - cube((320, 220, 80), (500, 260, 120)), 12.0, 20.0, sigma_px)
    assert beside["trapped_um3"] == 0 and beside["state"] != "sealed in print"  # another way out


def test_a_channel_blocked_on_the_way_to_its_end_keeps_resin_behind():
    room, neck = cube((150, 180, 40), (250, 300, 160)), cube((240, 220, 60), (500, 260, 66))
    found, opening = opening_of(BLOCK - room - neck, 20.0)
    assert opening["blocked"] and opening["state"] == "blocked" and opening["trapped_um3"] > 0
    assert {"blocked-channel", "resin-trap"} <= codes(found)


PLATE = cube((100, 100, 0), (420, 380, 40))
FEATURES = {
    "pillar": (PLATE + cube((258.5, 238.5, 0), (260.5, 240.5, 160)), "pillar", 2.0),
    "pillar across four pixels": (PLATE + cube((259, 239, 0), (261, 241, 160)), "pillar", 2.0),
    "thin wall": (PLATE + cube((150, 241, 0), (370, 243, 160)), "wall", 2.0),
    "thin wall across": (PLATE + cube((150, 239, 0), (370, 241, 160)), "wall", 2.0),
    "thin membrane": (PLATE + cube((120, 120, 0), (160, 360, 160)) + cube((360, 120, 0), (400, 360, 160))
                      + cube((150, 120, 142), (370, 360, 144)), "membrane", 2.0),
    "slit": (cube((100, 100, 0), (420, 380, 160)) - cube((150, 238, -1), (370, 240, 200)), "gap", 2.0),
    "small hole": (cube((100, 100, 0), (420, 380, 160)) - cube((252, 232, -1), (256, 236, 200)), "hole", 4.0),
}  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
def test_what_is_below_the_resolution_is_lost_by_kind_size_and_place(name):
    body, kind, size = FEATURES[name]
    found = pmsl.simulate(job_of([solid_of(body)], 14.0, 20.0))
    (feature,) = found.lost
    assert feature["kind"] == kind and feature["size_um"] == pytest.approx(size, rel=0.1), feature
    (finding,) = (f for f in found.findings if f.code == "lost-feature")
    assert finding.severity == "warning" and finding.layers == tuple(feature["layers"]) and kind in finding.message
    low, high = feature["box_um"]
    bounds = np.array([[100, 100, 0], [420, 380, 160]])
    assert (np.array(low) >= bounds[0] - PX).all() and (np.array(high) <= bounds[1] + PX).all()


def test_a_needle_keeps_its_flanks_and_loses_its_tip():
    needle = Solid.cylinder(200, 60, 0.5, 48).translate([260, 240, 0])
    found = pmsl.simulate(job_of([solid_of(PLATE + needle)], 12.0, 20.0))
    (feature,) = found.lost
    assert feature["kind"] == "tip" and feature["layers"][1] == 19 and feature["layers"][0] > 12


@pytest.mark.parametrize("top", [160.0, 154.0, 157.0, 163.0])
def test_tops_between_layers_walls_and_wells_are_not_lost(top):
    body = cube((103, 104, 0), (417, 378, top)) - cube((181, 182, 61), (239, 301, 300))
    assert pmsl.simulate(job_of([solid_of(body)], 20.0, 40.0)).lost == []


def test_gentle_slopes_to_the_light_are_not_lost():
    lens = Solid.hull_points([(x, y, z) for x, y, z in [(110, 110, 0), (410, 110, 0), (410, 370, 0), (110, 370, 0), (260, 240, 55)]])
    assert [f["kind"] for f in pmsl.simulate(job_of([solid_of(lens)], 20.0, 20.0)).lost if f["volume_um3"] > 5 * PX * PX * H] == []


def test_a_line_printed_between_the_middles_of_pixels_is_not_lost():
    """Each of two pixels gets half the light; only their border passes the threshold."""
    line = box((150, 245, 0), (370, 255, H))
    job = job_of([line], DP * np.log(1 / 0.48))
    found = pmsl.simulate(job)
    assert found.printed_um3 > 0 and found.lost == []
    middles = []
    pmsl.simulate(job, watch=[lambda seen: middles.append(seen.lit.front.max())])
    assert middles[0] <= 0


def test_walls_too_far_out_are_findings_with_value_and_limit():
    found = pmsl.simulate(job_of([box((150, 150, 0), (350, 330, 200))]))
    (finding,) = (f for f in found.findings if f.code == "wall-overcure")
    assert finding.value == pytest.approx(found.epe_um["p95_abs"]) and finding.limit == 0.25 * PX and finding.box_um is not None
    thin = pmsl.simulate(job_of([box((150, 150, 0), (350, 330, 20))], 10.2))
    assert "wall-undercure" in codes(thin)


def test_the_command_fails_on_findings_and_lists_them(tmp_path, capsys, monkeypatch):
    job = str(tmp_path / "j.zip")
    pmsl.write(job_of([solid_of(BLOCK - CAVITY)], 12.0, 20.0), job)

    def run(*words):
        monkeypatch.setattr("sys.argv", ["pmsl", *words])
        return main(), *capsys.readouterr()

    code, out, err = run("simulate", job)
    assert code == 0 and "SEALED" in out and "resin-trap" in err
    code, out, err = run("simulate", job, "--json", "--fail-on", "warning")
    found = json.loads(out)
    assert code == 4 and "--fail-on warning" in err
    assert found["fail_on"] == "warning" and "resin-trap" in {f["code"] for f in found["findings"]}
    assert all(f["severity"] and f["message"] for f in found["findings"])


def test_many_pieces_in_a_large_field_are_told_apart():
    """Numbers of pieces times pixels of the field pass 32 bits: 30 × 30 pits in 1600 × 2560 pixels, every other one filled to the rim."""
    shape = (1600, 2560)
    grid = Grid(origin_um=(0, 0), pitch_um=5.0, shape=shape, z_edges_um=(0, 10))
    levels, filled, rim = np.full(shape, 255, np.uint8), [], []
    for n, (r, c) in enumerate((r, c) for r in range(20, 1520, 50) for c in range(20, 2420, 80)):
        levels[r : r + 6, c : c + 6] = 0
        inner = 0 if n % 2 else 1  # of the others a rim of liquid is left
        places = [(y, x) for y in range(r + inner, r + 6 - inner) for x in range(c + inner, c + 6 - inner)]
        filled += places
        rim += [not inner] * len(places)
    rows, cols = np.array(filled).T
    assert 900 * shape[0] * shape[1] > 2**31
    found = LostFeatures(grid, Window(0, 0, *shape))._enclosed(rows, cols, LayerMask.from_dense(0, levels))
    assert np.array_equal(found, np.array(rim))
