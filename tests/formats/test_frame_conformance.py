"""GOO, CTB, OME-TIFF and OME-Zarr show what every format must."""

import numpy as np
import pytest
from formats.conformance import Conformance, f_frame

import pmsl
from pmsl.errors import TargetError
from pmsl.formats.frames.device_frame import turn as turned
from pmsl.profiles.printer import Orientation

TURNS = [("-y", "+x"), ("+y", "+x"), ("-y", "-x"), ("-x", "+y"), ("+x", "-y")]


class FlipsOnly(Conformance):
    """A format that has marks for some turns of the frame and none for others."""

    marks = ()

    @pytest.mark.parametrize("turn", TURNS)
    def test_the_f_part_is_not_mirrored(self, tmp_path, turn):
        if turn in self.marks:
            super().test_the_f_part_is_not_mirrored(tmp_path, turn)
            return
        self.orientation = Orientation(row=turn[0], col=turn[1])
        job, path = self.job([f_frame(self.shape)]), tmp_path / f"job{self.suffix}"
        with pytest.raises(TargetError, match="orientation is rows along"):
            self.write(job, path, lossy=False)
        assert "lossy-orientation" in {f.code for f in self.write(job, path, lossy=True).findings}
        again = pmsl.read(path)
        frames = [turned(j[0].exposures[0].mask.dense(np.uint8), j.engines[0].orientation) for j in (job, again)]
        assert np.array_equal(*frames)  # what the device is shown


class TestGoo(FlipsOnly):
    name = "goo"
    suffix = ".goo"
    marks = TURNS[:3]


class TestCtb(FlipsOnly):
    name = "ctb"
    suffix = ".ctb"
    marks = (TURNS[0], TURNS[2])
    lossy = True
    grays_exact = False
    whole = False


class TestCtbXor(TestCtb):
    name = "ctb-xor"
    read_as = "ctb"


class TestOmeTiff(Conformance):
    name = "ome-tiff"
    suffix = ".tif"


class TestOmeZarr(Conformance):
    name = "ome-zarr"
    suffix = ".zarr"
