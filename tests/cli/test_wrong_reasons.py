"""What is refused is refused for its own reason: heights beside Dp, lengths in another unit, sizes without one."""

import msgspec
import pytest
from solids import box

import pmsl
from pmsl.cli.app import app
from pmsl.cli.commands.batch import memory_bytes
from pmsl.errors import ExposureError, MeshError, PmslError, ProfileError, UsageError
from pmsl.exposure.height_limits import check_heights
from pmsl.pipeline.estimate.memory_estimate import WORKER_BYTES
from pmsl.profiles.tables.strict_struct import Value

PRINTER, RESIN, PROCESS = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385"), pmsl.find_process("default")
PART = box((1000, 1000, 0), (3000, 3000, 1000))
replace = msgspec.structs.replace


def prepared(printer=PRINTER, resin=RESIN, **process):
    return pmsl.prepare([PART], printer, resin, replace(PROCESS, **process))


def said(value, **changes):
    return replace(value, value=changes["value"])


def printer_with(**optics):
    return replace(PRINTER, optics=replace(PRINTER.optics, **optics))


def resin_with(**values):
    return replace(RESIN, resin=replace(RESIN.resin, **{k: replace(getattr(RESIN.resin, k), value=v) for k, v in values.items()}))


# --- layer height and penetration depth ---------------------------------------------------------------------------


@pytest.mark.parametrize("height", [150, 200, 500, 1000, 60_000])
def test_a_layer_far_higher_than_dp_is_blamed_on_its_height(height):
    with pytest.raises(ExposureError) as caught:
        prepared(layer_um=float(height))
    text = str(caught.value)
    assert f"{height:g} µm" in text and "penetration depth Dp" in text and "20.94 µm" in text and "--layer-um" in text
    assert "limit" not in text and "exposure time" not in text
    highest = float(text.split("layers of at most ")[1].split(" µm")[0])
    assert prepared(layer_um=highest).n_layers > 0  # what it says is true
    with pytest.raises(ExposureError):
        prepared(layer_um=1.05 * highest)


def test_a_layer_of_many_heights_is_named():
    with pytest.raises(ExposureError, match="layer 2: its 300 µm"):
        prepared(layers=[(2, 10.0), (1, 300.0), (1, 10.0)])


def test_a_large_margin_is_named():
    with pytest.raises(ExposureError, match="its 10 µm and margin_um = 300 µm.*lower margin_um"):
        prepared(margin_um=300.0)


def test_resins_with_a_tail_are_held_to_their_longest_decay():
    extra = pmsl.profiles.resin.Resin
    assert extra is type(RESIN)
    tailed = replace(RESIN, resin=replace(RESIN.resin, tail=Value(value=1e-6, class_="placeholder", source="t")))
    with pytest.raises(ExposureError, match="penetration depth"):
        prepared(resin=tailed, layer_um=500.0)


def test_a_weak_light_and_large_factors_keep_their_own_reason():
    weak = [replace(PRINTER.optics.settings[0], irradiance_mw_cm2=Value(value=0.001, class_="measured", source="t"))]
    with pytest.raises(ExposureError, match="exposure time.*light setting"):
        prepared(printer_with(settings=weak))
    with pytest.raises(ExposureError, match="dose factors"):
        prepared(bottom_dose_factors=(1e6,))
    assert check_heights(prepared().grid, PRINTER, RESIN, PROCESS) is None


# --- lengths in another unit --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer_um": 0.01}, "layer_um = 0.01.*is in µm.*If 0.01 mm was meant, write 10"),
        ({"layer_um": 0.1}, "If 0.1 mm was meant, write 100"),
        ({"layers": [(3, 10.0), (1, 0.02)]}, "layers = 0.02.*write 20"),
    ],
)
def test_layers_in_mm_are_asked_for_their_unit(changes, words):
    with pytest.raises(ProfileError, match=words):
        prepared(**changes)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--layer-um", "0.010"], "If 0.01 mm was meant, write 10"),
        (["--pitch-um", "0.0076"], "pitch_um = 0.0076.*If 0.0076 mm was meant, write 7.6"),
        (["--pitch-um", "7600"], "If 7600 nm was meant, write 7.6"),
        (["--field", "19.456x12.16"], "whole numbers of pixels"),
        (["--field", "20x12"], "--field, in pixels"),
    ],
)
def test_options_in_another_unit(option, words, samples, tmp_path):
    for command in (["slice", "-o", str(tmp_path / "j")], ["check"], ["info"]):
        if command[0] == "check" or (command[0] == "info" and option[0] == "--field" and option[1] == "20x12"):
            continue  # check has no printer; info tells a refusal
        with pytest.raises(PmslError, match=words):
            app([command[0], str(samples / "f_orientation.stl"), *command[1:], *option], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_lengths_of_printer_and_resin_in_another_unit():
    optics = PRINTER.optics
    with pytest.raises(ProfileError, match="dp_um = 0.0209.*write 20.9"):
        prepared(resin=resin_with(dp_um=0.0209))
    with pytest.raises(ProfileError, match="wavelength_nm = 0.385.*write 385"):
        prepared(printer_with(wavelength_nm=replace(optics.wavelength_nm, value=0.385)))
    with pytest.raises(ProfileError, match="wavelength_nm = 3850.*write 385"):
        prepared(printer_with(wavelength_nm=replace(optics.wavelength_nm, value=3850.0)))
    with pytest.raises(ProfileError, match="pitch_um = 0.0076"):
        prepared(printer_with(pitch_um=replace(optics.pitch_um, value=(7.6, 0.0076))))
    low = replace(PRINTER, stage=replace(PRINTER.stage, travel_um=replace(PRINTER.stage.travel_um, value=50.0)))
    with pytest.raises(MeshError, match="travel_um of the printer, in µm"):
        pmsl.place([PART], low, RESIN)


def suspicious(**process):
    return [f for f in prepared(**process).findings if f.code == "unit-suspicious"]


def test_odd_lengths_are_asked_about():
    motion = PROCESS.motion
    assert suspicious() == []
    (thin,) = suspicious(layers=[(4, 0.3), (1, 10.0)])
    assert thin.layers == (0, 3) and "if mm was meant, write 300" in thin.message and thin.severity == "warning"
    (lift,) = suspicious(motion=replace(motion, lift_um=5.0))
    assert "motion.lift_um" in lift.message and "write 5000" in lift.message and suspicious(motion=replace(motion, lift_um=0.0)) == []
    slow = suspicious(motion=replace(motion, lift_um_s=2.0, retract_um_s=2.0))
    assert ["motion.lift_um_s" in slow[0].message, "motion.retract_um_s" in slow[1].message] == [True, True]
    (margin,) = suspicious(margin_um=0.02)
    assert "margin_um: 0.02 µm" in margin.message
    (membrane,) = suspicious(regions=pmsl.profiles.process.Regions(membrane=1.5, membrane_um=0.02))
    assert "regions.membrane_um" in membrane.message


def test_the_million_layers_ask_for_the_unit_too():
    with pytest.raises(ProfileError, match="is the unit right.*if mm were meant, write 160"):
        pmsl.slicing.z_edges_um(1e6, replace(PROCESS, layer_um=0.16))


# --- sizes of memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("150", r"read as 150 bytes.*no unit.*150MB or 150GB"),
        ("150B", "read as 150 bytes"),
        ("500000", "no unit"),
        ("1.5", "1.5MB or 1.5GB"),
        ("50MB", "less than one process"),
        ("0", "above 0"),
        ("-150", "above 0"),
        ("-150MB", "above 0"),
        ("nan", "above 0"),
    ],
)
def test_memory_that_is_too_little_says_what_it_was_read_as(text, words):
    with pytest.raises(UsageError, match=words) as caught:
        memory_bytes(text)
    assert ("no unit" in str(caught.value)) == (text in ("150", "500000", "1.5"))


def test_memory_that_is_enough():
    assert memory_bytes("150MB") == 150_000_000 and memory_bytes("1.5G") == 1_500_000_000
    assert memory_bytes(str(WORKER_BYTES)) == WORKER_BYTES
