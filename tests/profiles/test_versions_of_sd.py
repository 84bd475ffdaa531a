"""A standard deviation is a key of version 2, and a file that declares version 1 is told which value has one."""

import msgspec
import pytest

import pmsl
from pmsl.errors import PmslError
from pmsl.profiles.tables.versions import newer, version


def test_every_value_with_an_sd_is_named():
    resin = pmsl.find_resin("pr48-405")
    assert version(resin) == 2 and resin.schema == "pmsl.resin/2"
    assert list(newer(resin, 1)) == ["resin.dp_um.sd", "resin.ec_mj_cm2.sd"] and list(newer(resin, 2)) == []
    plain = msgspec.structs.replace(resin.resin.dp_um, sd=msgspec.UNSET)
    assert list(newer(msgspec.structs.replace(resin, resin=msgspec.structs.replace(resin.resin, dp_um=plain)), 1)) == ["resin.ec_mj_cm2.sd"]


def test_a_profile_that_declares_version_1_is_refused_by_name(tmp_path):
    text = (
        'schema = "pmsl.resin/1"\nname = "r"\ndescription = "d"\n[resin]\n'
        'wavelength_nm = { value = 385.0, class = "measured", source = "s" }\n'
        'dp_um = { value = 20.0, class = "measured", source = "s", sd = 1.0 }\n'
        'ec_mj_cm2 = { value = 10.0, class = "measured", source = "s" }\n'
        'shrinkage = { value = [0.0, 0.0, 0.0], class = "placeholder", source = "s" }\n'
    )
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(PmslError, match=r"resin\.dp_um\.sd came with pmsl\.resin/2; write schema = 'pmsl\.resin/2'"):
        pmsl.find_resin(str(tmp_path / "r.toml"))
