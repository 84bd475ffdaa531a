"""Mutated mesh files for every reader: bytes changed anywhere, numbers, words and lines changed in text, members in a zip that stays whole.

Used by the tests, a few inputs of each kind, and by ``benchmarks/fuzz_meshes.py``, as many as one likes.
"""

import io
import random
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import threemf_files
from formats.fuzz import _bytes, _inside, _text, patience
from mesh import gltf_files
from solids import box, icosphere

import pmsl
from pmsl.errors import MeshError, PmslError

PATIENCE_S = 10  # for one input of a few kB
FINE = ["0", "1", "2", "3", "5", "7", "-1", "-2", "-0", "12", "30", "1e-3", "1e9", "+4"]
STRANGE = ["1e308", "1e-308", "1e39", "4294967295", "99999999999999999999", "9" * 5000, "nan", "inf", "1,5", "1_0", "1e", "0x10"]
MODEL = "3D/3dmodel.model"
CORE = 'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"'
PRODUCTION = 'xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06"'


def seeds() -> dict[str, tuple[str, bytes]]:
    """Small real files, {kind: (suffix, bytes)}."""
    ball, cube = icosphere(1, 40, (50, 50, 50)), box((0, 0, 0), (30, 20, 10))
    return {
        "stl binary": (".stl", _binary_stl(ball)),
        "stl ascii": (".stl", _ascii_stl(cube)),
        "obj": (".obj", _obj(cube)),
        "obj utf-16": (".obj", _obj(cube).decode().encode("utf-16")),
        "ply ascii": (".ply", _ply(cube, "ascii")),
        "ply binary": (".ply", _ply(cube, "binary_little_endian")),
        "ply big endian": (".ply", _ply(cube, "binary_big_endian")),
        "3mf": (".3mf", _3mf(cube)),
        "3mf volumes": (".3mf", _project(threemf_files.ranged_project)),
        "3mf parts": (".3mf", _project(threemf_files.parts_project)),
        "off": (".off", gltf_files.off(cube.vertices_um, [*cube.faces[:-1].tolist(), [*cube.faces[-1].tolist(), 0, 1]], "COFF")),
        "glb": (".glb", _glb(cube)),
    }


def _project(write) -> bytes:
    """A slicer project with volumes of all kinds."""
    boxes = [box((4 * i, 0, 0), (4 * i + 10, 10 + i, 8 + i)) for i in range(5)]
    with tempfile.TemporaryDirectory() as folder:
        named = [(kind, f"{kind} {i}", solid) for i, (kind, solid) in enumerate(zip(threemf_files.KINDS, boxes, strict=True))]
        return write(Path(folder) / "a.3mf", named).read_bytes()


def _glb(solid) -> bytes:
    """A mesh of two primitives, twice, once below another node."""
    made = gltf_files.Glb()
    vertices = solid.vertices_um * 1e-6
    mesh = made.mesh(made.primitive(vertices, solid.faces[:10], "H"), made.primitive(vertices, solid.faces[10:], "B", stride=16))
    made.node(mesh=mesh, scale=[1, -1, 1], name="a")
    made.node(children=[0], matrix=[0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 1e-5, 2e-5, 0, 1])
    made.node(mesh=mesh, translation=[1e-4, 0, 0], rotation=[0, 0, 0, 1], extras={"by": "hand"})
    made.tree["scenes"][0]["nodes"] = [1, 2]
    return made.content()


def _binary_stl(solid) -> bytes:
    record = np.zeros(len(solid.faces), np.dtype([("n", "<f4", 3), ("c", "<f4", 9), ("a", "<u2")]))
    record["c"] = solid.vertices_um[solid.faces].reshape(-1, 9)
    return b"made by hand".ljust(80) + struct.pack("<I", len(record)) + record.tobytes()


def _ascii_stl(solid) -> bytes:
    facets = [
        "facet normal 0 0 1\n outer loop\n" + "".join(f"  vertex {x:g} {y:g} {z:g}\n" for x, y, z in t) + " endloop\nendfacet\n"
        for t in solid.vertices_um[solid.faces].tolist()
    ]
    return ("solid half\n" + "".join(facets[:6]) + "endsolid half\nsolid other\n" + "".join(facets[6:]) + "endsolid other\n").encode()


def _obj(solid) -> bytes:
    lines = ["# made by hand", *(f"v {x:g} {y:g} {z:g}" for x, y, z in solid.vertices_um.tolist()), "vt 0 0", "vn 0 0 1"]
    lines += [f"f {a + 1}/1/1 {b + 1}//1 {c + 1}" for a, b, c in solid.faces[:-2].tolist()]
    a, b, c = (solid.faces[-2] - len(solid.vertices_um)).tolist()
    last = (solid.faces[-1] + 1).tolist()
    return "\n".join([*lines, f"f {a} \\", f"{b} {c}", "g half", f"f {last[0]} {last[1]} {last[2]} {last[2]}", ""]).encode()


def _ply(solid, encoding) -> bytes:
    head = f"ply\nformat {encoding} 1.0\ncomment made by hand\nelement vertex {len(solid.vertices_um)}\n"
    head += "property float x\nproperty float y\nproperty float z\nproperty uchar red\n"
    head += f"element face {len(solid.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    if encoding == "ascii":
        body = "".join(f"{x:g} {y:g} {z:g} 7\n" for x, y, z in solid.vertices_um.tolist())
        return (head + body + "".join(f"3 {a} {b} {c}\n" for a, b, c in solid.faces.tolist())).encode()
    order = "<" if "little" in encoding else ">"
    vertices = b"".join(struct.pack(f"{order}fffB", *v, 7) for v in solid.vertices_um.tolist())
    polygons = [*solid.faces[:-1].tolist(), [*solid.faces[-1].tolist(), int(solid.faces[-1, 2])]]  # lists of two lengths
    return head.encode() + vertices + b"".join(struct.pack(f"{order}B{len(p)}i", len(p), *p) for p in polygons)


def _3mf(solid) -> bytes:
    vertices = "".join(f'<vertex x="{x:g}" y="{y:g}" z="{z:g}"/>\n' for x, y, z in solid.vertices_um.tolist())
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>\n' for a, b, c in solid.faces.tolist())
    mesh = f"<mesh><vertices>{vertices}</vertices>\n<triangles>{triangles}</triangles></mesh>\n"
    moved = 'transform="-1 0 0 0 1 0 0 0 1 10 0 0"'
    head = f'<?xml version="1.0"?>\n<model unit="micron" {CORE} {PRODUCTION} requiredextensions="p">'
    instances = ('objectid="1"', f'objectid="1" {moved}', 'p:path="/3D/b.model" objectid="1"')
    components = "\n".join(f"<component {instance}/>" for instance in instances)
    objects = [f'<object id="1">{mesh}</object>', f'<object id="2" type="support">{mesh}</object>']
    objects.append(f'<object id="3"><components>{components}</components></object>')
    build = "\n".join(f"<item {item}/>" for item in ('objectid="3"', 'objectid="2"', f'objectid="1" {moved}'))
    joined = "\n".join(objects)
    main = f"{head}<resources>{joined}</resources><build>{build}</build></model>"
    other = f"{head}<resources>{objects[0]}</resources><build/></model>"
    kind = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
    rels = f'<?xml version="1.0"?>\n<Relationships><Relationship Target="/{MODEL}" Id="rel0" Type="{kind}"/>\n</Relationships>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in {"_rels/.rels": rels, MODEL: main, "3D/b.model": other}.items():
            z.writestr(name, text)
    return out.getvalue()


def mutated(kind: str, seed: bytes, rng: random.Random) -> bytes:
    """One mutation of a file, or several."""
    text = kind in ("stl ascii", "obj", "ply ascii", "off") or (kind.startswith("ply") and rng.random() < 0.2)
    data = seed
    for _ in range(rng.choice((1, 1, 1, 2, 4, 12))):
        if data[:2] == b"PK" and rng.random() < 0.7:
            data = _zipped(data, rng)
        elif text and rng.random() < 0.6:
            data = _words(data, rng)
        else:
            data = _bytes(data, rng)
    return data


def _zipped(data: bytes, rng: random.Random) -> bytes:
    try:
        return _inside(data, rng)
    except Exception:
        return _bytes(data, rng)  # an earlier mutation broke the zip


def _words(data: bytes, rng: random.Random) -> bytes:
    """Change one word or one line of a text."""
    if rng.random() < 0.3:
        return _text(data, rng)
    lines = data.split(b"\n")
    i = rng.randrange(len(lines))
    words = lines[i].split(b" ")
    j = rng.randrange(len(words))
    how = rng.randrange(5)
    if how == 0:
        del words[j]
    elif how == 1:
        words.insert(j, words[rng.randrange(len(words))])
    elif how == 2:
        words[j] = rng.choice(lines).split(b" ")[0]
    else:
        words[j] = rng.choice(FINE if rng.random() < 0.6 else STRANGE).encode()
    lines[i] = b" ".join(words)
    return b"\n".join(lines)


def try_to_load(path: Path, deep: bool = False) -> bool:
    """Load a file, and with `deep` make masks of it; True where it could be read. Anything but a MeshError that names it is a failure."""
    with patience(PATIENCE_S):
        try:
            solid = pmsl.load_solid(path, "um")
        except MeshError as refused:
            assert path.name in str(refused) and len(str(refused)) > len(path.name) + 20, str(refused)
            assert len(str(refused)) < 2000, "a message nobody reads"
            return False
        assert solid.n_faces > 0 and np.isfinite(solid.vertices_um).all()
        assert solid.faces.min() >= 0 and solid.faces.max() < len(solid.vertices_um)
        if deep:
            _printed(solid)
        return True


def _printed(solid) -> None:
    """Look a solid over and make masks of it: done, or refused."""
    assert solid.health.volume_um3 >= 0 or np.isnan(solid.health.volume_um3)
    low, high = solid.bounds_um
    size = high - low
    for repair in ("auto", "none"):
        try:
            with np.errstate(over="ignore"):
                pitch = max(float(size[:2].max()) / 20, 1e-9)
            edges = np.linspace(low[2], low[2] + max(float(size[2]), 1e-6 * max(float(np.abs(low).max()), 1.0)), 6)
            field = pmsl.Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=(23, 23), z_edges_um=edges)
            maker = pmsl.masks.masks_of([solid], field, "area", repair)
            for k in range(5):
                assert 0 <= maker.mask(k).sum_px() <= 23 * 23
        except PmslError as refused:
            assert len(str(refused)) > 20
