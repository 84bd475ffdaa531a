"""`info` and `simulate` say how deep layers cure, and how well that is known."""

import json

import pmsl
from pmsl.core.measure_text import plus_minus
from pmsl.cure.uncertainty import depth_bands


def test_info_and_simulate_say_the_band(run, samples):
    name = str(samples / "f_orientation.stl")
    code, out, _ = run("info", name)
    (line,) = [one for one in out.splitlines() if one.startswith("depths")]
    assert code == 0 and "±10 % of dp_um and ec_mj_cm2 assumed" in line
    assert run("slice", name, "-o", "job", "--accept-uncalibrated")[0] == 0
    said = [json.loads(run(*words, "--json")[1]) for words in (("info", name), ("info", "job"), ("simulate", "job"))]
    depths = [said[0]["print"]["depths"], said[1]["depths"], said[2]["depths"]]
    assert depths[0] == depths[1] == depths[2]
    job = pmsl.read("job")
    bands = depth_bands(job.resin, depths[0]["dose_mj_cm2"], 10.0)
    assert depths[0]["cured_depth_um"] == {"value": bands.cured_depth_um.value, "sd": bands.cured_depth_um.sd}


def test_a_job_whose_doses_are_not_known_has_none(run, samples):
    assert run("slice", samples / "f_orientation.stl", "-o", "x.sl1", "--printer", "prusa-sl1", "--lossy", "--accept-uncalibrated")[0] == 0
    code, out, _ = run("info", "x.sl1", "--json")
    assert code == 0 and json.loads(out)["depths"] is None


def test_two_digits_of_the_standard_deviation():
    assert [plus_minus(*v) for v in ((18.512, 2.84), (135.58, 5.39), (7.1, 0.0264), (1234.0, 56.0), (3.0, 0.0))] == [
        "18.5 ± 2.8",
        "135.6 ± 5.4",
        "7.100 ± 0.026",
        "1234 ± 56",
        "3.000 ± 0.000",
    ]
