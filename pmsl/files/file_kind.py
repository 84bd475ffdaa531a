"""What a file that cannot be read is instead: a pointer of git-LFS, a page that was saved, an archive, another program's model.

Asked only when a reader has refused the content, so that nothing readable is turned away for how it begins.
"""

from __future__ import annotations

import re

HEAD = 4096  # bytes that are looked at

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/v",
        "a git-LFS pointer",
        "fetch it with `git lfs pull` (a download of single files or a zip of the repository has pointers only)",
    ),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ\0", "an xz archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first, or name it .3mf if it is one"),
    (b"PK\x05\x06", "an empty zip archive", "export or copy it again"),
    (b"ISO-10303-21", "a STEP file: surfaces, no triangles", "export it as STL, 3MF or OBJ from the CAD program"),
    (b"#VRML", "a VRML file", "export it as STL, 3MF or OBJ"),
    (b"glTF", "a binary glTF file", "if so, rename it to .glb"),
    (b"Kaydara FBX", "an FBX file", "export it as STL, 3MF or OBJ"),
    (b"BLENDER", "a Blender file", "export it as STL or OBJ"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of a CAD or office program", "export it as STL, 3MF or OBJ from that program"),
    (b"%PDF", "a PDF document", "ask for the model itself"),
    (b"\x89PNG", "a PNG picture", "ask for the model itself"),
    (b"\xff\xd8\xff", "a JPEG picture", "ask for the model itself"),
    (b"GIF8", "a GIF picture", "ask for the model itself"),
    (b"ply", "a PLY file", "if so, rename it to .ply"),
)
_JSON = re.compile(rb"\{\s*[\"}]|\[\s*([{\"\d-]|\[\s*[\[{\"\d-])")  # a table of TOML has its name after the brackets
_PAGE = "a web page or an error of a server, saved in place of the file"


def kind_and_remedy(head: bytes) -> tuple[str, str] | None:
    """Return what content is and what to do about it, None where that is not known.

    Parameters
    ----------
    head : bytes
        How it begins, `HEAD` bytes or all.

    Returns
    -------
    (str, str) or None
        A noun phrase, and an advice: ``"a gzip archive", "unpack it first"``.
    """
    if not head:
        return None  # readers have words of their own for that
    if len(head) >= 512 and not head[:512].strip(b"\0"):
        return "all zeros, as an interrupted copy leaves it", "copy it again"
    for begin, what, remedy in _BEGINNINGS:
        if head.startswith(begin):
            return what, remedy
    return _of_text(head)


def _of_text(head: bytes) -> tuple[str, str] | None:
    """Look at content as text."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (text.startswith(b"<?xml") and b"<error>" in text):
        return _PAGE, "download the file itself, not the page that shows it"
    if text.startswith(b"<"):
        return ("an AMF file", "export it as STL, 3MF or OBJ") if b"<amf" in text else ("XML text", "export or copy the file again")
    if _JSON.match(text) and b'"' in text[:200]:
        return "JSON text", "check which file this is"
    if len(head) >= 80 and head[72:73] == b"S" and head[73:80].strip().isdigit():
        return "an IGES file: surfaces, no triangles", "export it as STL, 3MF or OBJ from the CAD program"
    if text.startswith(b"0") and b"section" in text[:40]:
        return "a DXF drawing", "export the solid as STL, 3MF or OBJ"
    if text.startswith(b"solid") and b"facet" in text:
        return "an ASCII STL file", "if so, rename it to .stl"
    return None


def refusal(name: str, head: bytes, wanted: str) -> str | None:
    """Return the sentence that refuses a file by what it is instead of `wanted`; None where that is not known."""
    found = kind_and_remedy(head)
    return None if found is None else f"{name}: is {found[0]}, not {wanted}; {found[1]}"


def refusal_of_pointer(name: str, data: bytes) -> str | None:
    """Return the sentence that refuses a pointer of git-LFS in place of a file of a job or profile; None for anything else."""
    return refusal(name, data[:HEAD], "the file itself") if data.startswith(_BEGINNINGS[0][0]) else None
