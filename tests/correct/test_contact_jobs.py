"""Jobs corrected by contact: the same bytes from worker processes; an uneven field that is evened out beside."""

import numpy as np
import pytest
from contact_oracle import Print
from contact_parts import COLS, DP, EC, ROOF, ROWS, H, P, Printed, channel, resin
from forward_model import printer_of, stated
from msgspec.structs import replace

import pmsl
from pmsl.optics import flat_field
from pmsl.pipeline.workers.local_pool import LocalPool
from pmsl.profiles.printer import FlatField

RULE = {"renewal": 1.0, "reach_um": "inf"}


def test_worker_processes_make_the_same_bytes(tmp_path):
    """Each finds the exchange for itself; it does not depend on who does."""
    printer = printer_of((ROWS, COLS), pitch=P)
    process = replace(pmsl.find_process("default"), corrections=("edges", "printthrough"), bottom_dose_factors=(1.0,))

    def job():
        return pmsl.prepare([channel(True)], printer, resin("contact", **RULE), process, accept_uncalibrated=True)

    pmsl.write(job(), tmp_path / "one.zip")
    with LocalPool(2) as workers:
        pmsl.write(job(), tmp_path / "two.zip", workers=workers)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.slow
def test_an_uneven_field_is_evened_out_beside():
    """Frames are darker where the field is brighter; the liquid sees the same doses, and walls and roofs land."""
    plain = printer_of((ROWS, COLS), pitch=P)
    uneven = replace(plain, optics=replace(plain.optics, flat_field=FlatField(vignetting=stated(0.2), reference="mean")))
    process = replace(
        pmsl.find_process("default"), corrections=("edges", "printthrough", "flatfield"), bottom_dose_factors=(1.0,), layer_um=H
    )
    job = pmsl.prepare([channel(True)], uneven, resin("contact", **RULE), process, accept_uncalibrated=True)
    field, frames, white = flat_field(uneven), [], []
    for plan in job.layers():
        (exposure,) = plan.exposures
        frames.append(exposure.mask.dense(np.uint8) / 255 * field)
        white.append(exposure.dose_mj_cm2)
    truth = Print(np.array(frames), np.array(white), H, P, 0.36, DP, EC, 1.0, np.inf)
    roofs = truth.roof_um(np.array([14.2, 15.1, 16.4]), np.array([12.1, 13.3, 14.6]), ROOF - 50, ROOF + 50) - ROOF
    walls = [truth.wall_px(y, 23.0, 1, z) for z in (35.0, 55.0) for y in (13.1, 15.6)]
    assert np.abs(roofs).max() <= 0.6 and np.abs(walls).max() <= 0.03


def test_without_an_end_of_the_reach_a_channel_that_is_open_is_of_open_liquid():
    """Over its middle, to its end."""
    one = Printed(channel(False), resin("contact", **RULE))
    two = Printed(channel(False), resin("open"))
    middle = np.s_[:, 13:17, 12:14]
    assert np.abs(one.frames[middle] - two.frames[middle]).max() <= 1.01 / 255


@pytest.mark.slow
def test_a_reach_so_short_that_nothing_in_the_channel_is_exchanged():
    """Its roof lands as of enclosed liquid, and walls outside of all that is solid as of open liquid: these border on the vat itself."""
    printed = Printed(channel(False), resin("contact", renewal=1.0, reach_um=0.01))
    truth = printed.truth(1.0, 0.01)
    assert abs(printed.roofs_um(truth)) <= 0.3 and abs(printed.walls_px(truth)) <= 0.02
