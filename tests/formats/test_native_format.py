"""The native job, folder and zip, as a format among others."""

import contextlib

from formats.conformance import Conformance

from pmsl.formats.container.containers import FolderSource


class TestFolder(Conformance):
    name = "native"


class TestZip(Conformance):
    name = "native"
    suffix = ".zip"


def test_a_folder_names_every_file_below_it_and_follows_no_linked_folder(tmp_path):
    folder, outside = tmp_path / "job", tmp_path / "outside"
    for path in (folder / "job.json", folder / "frames" / "0.png", folder / "a" / "b" / "deep.txt", outside / "other.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (folder / "empty").mkdir()
    expected = {"job.json", "frames/0.png", "a/b/deep.txt"}
    with contextlib.suppress(OSError, NotImplementedError):  # no right to make links on some systems
        (folder / "linked").symlink_to(outside, target_is_directory=True)
        (folder / "broken").symlink_to(tmp_path / "nothing")
        (folder / "linked.txt").symlink_to(outside / "other.txt")
        expected.add("linked.txt")
    assert FolderSource(folder).names() == expected
    assert expected == {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
