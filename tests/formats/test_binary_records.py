"""Files of fixed records: fields round trip as `struct` has them, every piece stays inside its file, what is written is read back."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.errors import JobError, OutputError
from pmsl.formats import binary_records
from pmsl.formats.binary_records import BinaryRecord, ChunkReader, Draft, decimals, text, text_of
from pmsl.formats.container import read_limits

FIELDS = "a:B b:H c:I d:f e:6s"
RECORDS = {order: BinaryRecord(order, FIELDS) for order in "<>"}
rows = st.fixed_dictionaries(
    {
        "a": st.integers(0, 255),
        "b": st.integers(0, 2**16 - 1),
        "c": st.integers(0, 2**32 - 1),
        "d": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "e": st.binary(min_size=0, max_size=6).map(lambda b: b.rstrip(b"\0")),
    }
)


@given(st.sampled_from("<>"), rows)
def test_a_record_is_what_struct_makes_of_it_and_comes_back(order, values):
    record = RECORDS[order]
    data = record.pack(**values)
    assert data == struct.pack(f"{order}BHIf6s", *(values[name] for name in "abcde")) and len(data) == record.size == 17
    back = record.unpack(data, "here")
    assert back.pop("e") == values["e"].ljust(6, b"\0")
    assert back == {name: value for name, value in values.items() if name != "e"}


@given(st.sampled_from("<>"), st.lists(rows, min_size=1, max_size=5))
def test_a_table_has_the_fields_of_every_record(order, many):
    table = RECORDS[order].table(b"".join(RECORDS[order].pack(**row) for row in many), "here")
    for name in "abcde":
        assert table[name].tolist() == [row[name] for row in many]


def test_what_is_not_said_is_zero_and_what_is_unknown_is_a_mistake_of_the_program():
    record = RECORDS["<"]
    assert record.pack() == bytes(17) and record.pack(b=258) == bytes((0, 2, 1)) + bytes(14)
    with pytest.raises(TypeError, match=r"no field \['f', 'g'\]"):
        record.pack(a=1, g=2, f=3)


@pytest.mark.parametrize("values", [{"a": 256}, {"a": -1}, {"b": 2**16}, {"c": 2**32}, {"d": 1e39}])
def test_a_number_that_does_not_fit_is_refused(values):
    with pytest.raises(OutputError, match="a number does not fit its field .* choose another"):
        RECORDS["<"].pack(**values)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_a_float_that_is_not_finite_is_refused_by_field_and_record(wrong):
    record = RECORDS[">"]
    one = struct.pack(">BHIf6s", 0, 0, 0, wrong, b"")
    with pytest.raises(JobError, match=rf"^layer 3: d is {wrong}; the file is damaged"):
        record.unpack(one, "layer 3")
    with pytest.raises(JobError, match=rf"^table: d of record 2 is {wrong}"):
        record.table(record.pack() * 2 + one, "table")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(range(100)))
    return path


@given(at=st.integers(-5, 110), size=st.integers(-5, 110))
def test_pieces_lie_inside_the_file_or_are_refused(tmp_path_factory, at, size):
    path = tmp_path_factory.getbasetemp() / "pieces.bin"
    if not path.exists():
        path.write_bytes(bytes(range(100)))
    reader = ChunkReader(path)
    if at >= 0 and size >= 0 and at + size <= 100:
        assert reader.read(at, size, "a piece") == bytes(range(at, at + size))
    else:
        with pytest.raises(JobError, match=rf"a piece would lie at bytes {at} to {at + size}, the file has 100; it is cut off or damaged"):
            reader.read(at, size, "a piece")


def test_no_more_is_read_at_once_than_the_limit_of_a_file(file, monkeypatch):
    monkeypatch.setattr(read_limits, "FILE", 10)
    assert len(ChunkReader(file).read(5, 10, "it")) == 10
    with pytest.raises(JobError, match="it takes 11 bytes, at most 10 are read"):
        ChunkReader(file).read(5, 11, "it")


def test_a_file_that_is_not_there_or_goes_or_shrinks(file):
    with pytest.raises(JobError, match="none.bin: cannot be read"):
        ChunkReader(file.with_name("none.bin"))
    reader = ChunkReader(file)
    with reader.reading() as read:
        file.write_bytes(b"short")
        assert read(0, 5, "it") == b"short"
        with pytest.raises(JobError, match="became shorter while it was read; copy it again"):
            read(50, 10, "it")
    file.unlink()
    with pytest.raises(JobError, match="file.bin: cannot be read"):
        reader.read(0, 1, "it")


pieces = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=6)


@given(pieces, st.data())
def test_a_draft_holds_what_was_written_last_at_every_place(tmp_path_factory, many, data):
    path = tmp_path_factory.getbasetemp() / "draft.bin"
    with Draft(path) as draft:
        places = [draft.add(piece) for piece in many]
        assert places == [sum(map(len, many[:i])) for i in range(len(many))] and draft.end == sum(map(len, many))
        again = data.draw(st.sets(st.integers(0, len(many) - 1)))
        for i in again:
            many[i] = many[i][::-1]
            draft.put(places[i], many[i])
        draft.check()
    assert path.read_bytes() == b"".join(many)


@pytest.mark.parametrize("changed", [0, 7, 19])
def test_a_disk_that_keeps_something_else_is_found(tmp_path, changed):
    path = tmp_path / "draft.bin"
    with Draft(path) as draft:
        draft.add(bytes(10))
        draft.add(b"0123456789")
        draft.check()
        with open(path, "r+b") as other:
            other.seek(changed)
            other.write(b"\xff")
        with pytest.raises(JobError, match="what was read back is not what was written; the disk is not to be trusted"):
            draft.check()
        with open(path, "r+b") as other:
            other.truncate(15)
        with pytest.raises(JobError):
            draft.check()


@given(st.text(max_size=12), st.integers(1, 12))
def test_text_leaves_room_for_its_zero_and_comes_back_as_ascii(value, size):
    field = text(value, size)
    assert len(field) < size and field.isascii()
    plain = "".join(c if c.isascii() else "?" for c in value)[: size - 1]
    assert text_of(field.ljust(size, b"\0")) == plain.split("\0")[0]


def test_text_of_other_writers():
    assert text_of(b"part\0rest") == "part" and text_of(b"\0x") == "" and text_of(b"\xe4b") == "\N{REPLACEMENT CHARACTER}b"


@given(st.floats(0, 1e6, width=32))
def test_decimals_are_the_shortest_that_stand_for_the_same_float(value):
    (found,) = decimals(np.array([value]))
    assert np.float32(found) == np.float32(value)
    assert len(repr(float(found))) <= len(repr(float(np.float32(value))))


def test_decimals_of_what_people_write():
    assert decimals(np.array([[0.01, 2.5], [35.2, 1e-7]], np.float32)).tolist() == [0.01, 2.5, 35.2, 1e-7]
    assert binary_records.decimals(np.array([])).shape == (0,)
