"""Findings of meshes, of their repair and of their files."""

from __future__ import annotations

from pmsl.core.finding_codes.code import Code

MESHES: dict[str, dict[str, Code]] = {
    "Meshes and how they close": {
        "size-suspicious": Code(
            ("warning",),
            "A mesh is so small or so large that it may have been read in another unit.",
            "Say the unit with --unit.",
        ),
        "open-edges": Code(
            ("warning",),
            "Edges have a face on one side only: the surface has holes.",
            "Close them in the program that made the mesh, or let --repair auto do it.",
        ),
        "non-manifold-edges": Code(
            ("warning",),
            "Edges are shared by more than two faces: surfaces touch or overlap.",
            "Unite the bodies, or let --repair auto do it.",
        ),
        "inconsistent-winding": Code(
            ("warning",),
            "Faces on both sides of an edge turn opposite ways.",
            "Make the normals consistent, or let --repair auto do it.",
        ),
        "inside-out": Code(
            ("warning",),
            "A mesh is closed, but all its faces look inward; what they enclose is printed.",
            "Turn the normals.",
        ),
        "degenerate-faces": Code(
            ("info",),
            "Triangles have no area; they cover nothing.",
            "Nothing has to be done.",
        ),
        "duplicate-faces": Code(
            ("warning",),
            "Triangles repeat another one with the same corners.",
            "Remove the copies.",
        ),
        "slivers": Code(
            ("info",),
            "Triangles are so slender that their normals are noise; what they cover is right all the same.",
            "Nothing has to be done.",
        ),
        "self-intersection": Code(
            ("warning",),
            "Triangles of one body pass through one another; masks unite what it encloses.",
            "Look whether that is what was meant.",
        ),
        "overlapping-bodies": Code(
            ("warning",),
            "Bodies overlap; their union is printed.",
            "Look whether that is what was meant.",
        ),
        "nested-bodies": Code(
            ("warning",),
            "Bodies lie wholly inside another, which is printed solid.",
            "Turn the normals of those that were meant as cavities.",
        ),
        "cavities": Code(
            ("info",),
            "Closed cavities keep their resin.",
            "Give them openings if they are to be empty.",
        ),
        "reversed-bodies": Code(
            ("warning",),
            "Bodies look inward without lying wholly inside another.",
            "Turn their normals.",
        ),
        "no-solid": Code(
            ("error",),
            "What is solid in a mesh cannot be known.",
            "Do what the message says, or close the mesh in the program that made it.",
        ),
        "refused": Code(
            ("error",),
            "Slicing would refuse the mesh, for the reason in the message.",
            "Do what the message says, or choose another --repair.",
        ),
    },
    "What repair changed": {
        "repaired-holes": Code(
            ("warning",),
            "Holes were closed with new faces.",
            "Look whether the largest of them is what was meant.",
        ),
        "repaired-cracks": Code(
            ("warning",),
            "Vertices at open edges were joined to others nearby.",
            "Say with --weld-um how far they may be moved.",
        ),
        "repaired-winding": Code(
            ("warning",),
            "Faces that ran against their neighbours were turned.",
            "Look whether that is what was meant.",
        ),
        "repaired-shells": Code(
            ("warning",),
            "Bodies that looked inward without lying wholly inside another were turned.",
            "Look whether that is what was meant.",
        ),
        "repaired-sheets": Code(
            ("warning",),
            "Surfaces that enclose no volume were left out.",
            "Close them if they were meant as bodies.",
        ),
        "repaired-duplicate-faces": Code(
            ("warning",),
            "Faces that repeat another one were taken out.",
            "Look whether that is what was meant.",
        ),
        "repaired-cavities": Code(
            ("warning",),
            "Cavities that cross, repeat, nest or touch were united, and their union left out of the bodies.",
            "Look whether that is what was meant.",
        ),
        "repaired-bodies-in-cavities": Code(
            ("warning",),
            "What of a body reaches into the cavity of another one was left out.",
            "Give it as a file of its own to keep it.",
        ),
    },
    "Mesh files": {
        "no-endsolid": Code(
            ("warning",),
            "A text STL ends without endsolid: it may be cut off.",
            "Look whether the part is whole, or export it again.",
        ),
        "trailing-bytes": Code(
            ("warning",),
            "Bytes follow the end of a mesh; they were not read.",
            "Export it again.",
        ),
        "unknown-lines": Code(
            ("warning",),
            "Lines of an OBJ are of no known kind and were not read.",
            "Check that the part is whole.",
        ),
        "repeated-polygon": Code(
            ("info",),
            "Faces of an OBJ run the same round several times; one round was kept.",
            "Nothing has to be done.",
        ),
        "unit-from-file": Code(
            ("info",),
            "The file gives its unit, which wins over --unit.",
            "Nothing has to be done.",
        ),
        "y-up": Code(
            ("info",),
            "Coordinates of a GLB are kept as they are, though glTF wants y upward.",
            "Turn it with --rotate 90,0,0 where it was made with y upward.",
        ),
        "objects-left-out": Code(
            ("warning",),
            "Objects of a file that are not to be printed, or are no triangles, were left out.",
            "Mark them as printable, or export triangles, to print them.",
        ),
        "volumes-left-out": Code(
            ("warning",),
            "Volumes of a 3MF that are not printed, as modifiers, were left out.",
            "Make them parts in the slicer to print them.",
        ),
        "repeated-objects": Code(
            ("warning",),
            "Objects of a file lie where the same one lies already; each is printed once.",
            "Take the copies out, or move them.",
        ),
        "solid-supports": Code(
            ("info",),
            "Objects of type solidsupport are printed like the model.",
            "Take them out if they are not to be printed.",
        ),
        "objects-not-built": Code(
            ("info",),
            "Objects of a file are not in its build or scene; they are not printed.",
            "Add them to it to print them.",
        ),
        "project-settings": Code(
            ("warning",),
            "Settings of a slicer's project that can change the shape are not read.",
            "Make them part of the mesh if they are needed.",
        ),
        "project-plates": Code(
            ("info",),
            "A slicer's project has several plates; the objects of all are read, where they lie.",
            "Save one plate to print it alone.",
        ),
        "start-parts": Code(
            ("warning",),
            "A 3MF names several start parts; only the first was read.",
            "Export it again with one.",
        ),
        "parts-not-built": Code(
            ("info",),
            "Nothing leads to some model parts of a 3MF; they are not printed.",
            "Add their objects to the build to print them.",
        ),
        "extensions-not-read": Code(
            ("warning",),
            "Elements or extensions of the file are not read.",
            "Export plain triangles if they change the shape.",
        ),
        "negative-volumes": Code(
            (
                "info",
                "warning",
            ),
            "Negative volumes were subtracted; a warning where they do not reach into the object.",
            "Check where they lie.",
        ),
        "project-misfit": Code(
            ("warning",),
            "A side file of a slicer's project does not fit its model.",
            "Save the project again if that is not meant.",
        ),
    },
}
