"""What of placing, copies and packing goes together, and how the jobs of several fields are called."""

from pathlib import Path

import pytest
from solids import box

import pmsl
from pmsl.errors import MeshError, UsageError
from pmsl.mesh.placing.copies import Copy
from pmsl.pipeline.plates.plate_layout import PlateLayout

PRINTER, RESIN = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"copies": (2, 2), "placement": {"keep_place": True}}, "--copies and --keep-place exclude each other"),
        ({"clearance_um": 5.0, "placement": {"keep_place": True}}, "--pack and --keep-place exclude each other"),
        ({"clearance_um": 0.0, "placement": {"at_um": (1, 2)}}, "--pack and --at exclude each other"),
        ({"clearance_um": 5.0, "copies": (2, 3)}, "--pack: --copies is how often each part is packed"),
        ({"copies": 4}, "--copies 4: an array is like 4x1; or add --pack CLEARANCE_UM"),
        ({"plates": 2}, "--plates: several fields are filled by --pack"),
        ({"plates": 2, "copies": (2, 2)}, "--plates: several fields are filled by --pack"),
        ({"spacing_um": (5.0, 5.0)}, "--spacing-um: is for an array of copies"),
        ({"spacing_um": (5.0, 5.0), "copies": 3, "clearance_um": 1.0}, "--spacing-um: is for an array of copies"),
        ({"spacing_um": (5.0, 5.0), "copies": [Copy(x_um=1.0, y_um=2.0)]}, "--spacing-um: is for an array of copies"),
    ],
)
def test_what_excludes_each_other_is_refused_at_once(asked, words):
    with pytest.raises(UsageError, match=words):
        PlateLayout(**asked)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"placement": {"keep_place": True}},
        {"placement": {"at_um": (10.0, 20.0)}},
        {"copies": (2, 3), "spacing_um": (5.0, 5.0)},
        {"copies": (2, 3), "placement": {"at_um": (300.0, 300.0)}},
        {"copies": [Copy(x_um=500.0, y_um=600.0)]},
        {"clearance_um": 5.0, "copies": 3},
        {"clearance_um": 5.0, "plates": 2},
    ],
)
def test_what_goes_together_is_placed(asked):
    solid = box((0, 0, 0), (100, 60, 40))
    (placed,) = PlateLayout(**asked).placed([solid], PRINTER, RESIN)
    copies = asked.get("copies", 1)
    assert len(placed.parts) == (copies if isinstance(copies, int) else len(copies) if isinstance(copies, list) else copies[0] * copies[1])
    assert all(part.solid is solid for part in placed.parts)


def test_packed_parts_fill_as_many_fields_as_they_need():
    width, height = (n * p for n, p in zip(PRINTER.field_px[::-1], PRINTER.optics.pitch_um.value, strict=True))
    large = box((0, 0, 0), (0.6 * width, 0.6 * height, 40))
    layout = PlateLayout(clearance_um=5.0, copies=3, plates=4)
    placed = layout.placed([large], PRINTER, RESIN)
    assert [len(p.parts) for p in placed] == [1, 1, 1]
    names = layout.names(Path("out") / "night.zip", len(placed))
    assert len(set(names)) == 3 and all(n.parent == Path("out") and n.suffix == ".zip" and "night" in n.name for n in names)
    with pytest.raises(MeshError, match="2 of 3 parts do not fit on 1 plate with 5 µm between them; all fit on 3"):
        PlateLayout(clearance_um=5.0, copies=3).placed([large], PRINTER, RESIN)


def test_the_job_of_one_field_has_the_name_that_was_asked_for():
    assert PlateLayout().names(Path("a.zip"), 1) == [Path("a.zip")]
    (name,) = PlateLayout(clearance_um=1.0, plates=5).names(Path("a.zip"), 1)
    assert name != Path("a.zip"), "where several were allowed, also one is numbered"
