"""The loop end to end: a machine and a resin that nobody has told, three rounds of coupons from shipped profiles, and a chip that lands."""

import numpy as np
import pytest
from hidden_machine import ROUNDS, HiddenMachine, chip_job, measured_rounds, shipped

ROOF_UM = 122.5
WALLS_PX, ROOFS_UM = 0.1, 3.0


def check_chip_lands(seed, folder):
    machine = HiddenMachine(seed)
    plain, walls = machine.landed(chip_job(ROOF_UM, *shipped(machine), ()), ROOF_UM)
    assert np.abs(plain).min() > 3 * ROOFS_UM  # before; where the channel fills, it has no walls
    assert np.nanmedian(np.abs(walls)) > WALLS_PX
    rounds = list(measured_rounds(machine, folder))
    assert len(rounds) == len(ROUNDS) <= 3
    printer, resin = rounds[-1]
    assert resin.resin.memory.value == "contact" and printer.optics.psf.sigma_pitch.class_ == "measured"
    job = chip_job(ROOF_UM, printer, resin)
    roofs, walls = machine.landed(job, ROOF_UM)
    assert "exchange-unsettled" not in [f.code for f in job.findings]
    assert np.abs(roofs).max() <= ROOFS_UM, machine
    assert np.abs(walls).max() <= WALLS_PX, machine


@pytest.mark.slow
def test_a_chip_lands_on_a_machine_that_was_measured_in_three_rounds(tmp_path):
    check_chip_lands(2, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 6])
def test_it_lands_on_others_too(seed, tmp_path):
    check_chip_lands(seed, tmp_path)
