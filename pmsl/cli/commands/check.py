"""``pmsl check``: look meshes over."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, print_json, print_line, say_findings
from pmsl.errors import FindingsError


@click.command("check")
@click.argument("meshes", nargs=-1, required=True, type=options.FILE, metavar="MESH...", help="STL, OBJ, PLY, 3MF, OFF or GLB files.")
@options.options("unit", "repair", "weld_um")
@options.option("printer", help="Whose pixel says how far vertices may be joined [default: microfluidics-7.6um].")
@options.option("pitch_um")
@options.option("fail_on", default="warning", help="Findings at or above this end with exit 4.")
@options.json
def check_command(meshes: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Look meshes over: holes, winding, bodies that overlap, sizes; what repair would do. Nothing is written."""
    from pmsl.cli.mesh_facts import examined, mesh_facts
    from pmsl.core.finding import reaches
    from pmsl.mesh import load_solid
    from pmsl.pipeline.slice_request import SliceRequest

    request = SliceRequest(meshes=list(meshes), out="job", **settings)
    paths, fail_on = request.meshes, request.fail_on
    weld_um = request.weld_within_um(request.profiles()[0])
    with compiler_notice():
        seen = [examined(load_solid(path, request.unit), request.repair, weld_um) for path in paths]
    if as_json:
        looked = [mesh_facts(found) | {"sound": not reaches(found.findings, fail_on)} for found in seen]
        print_json({"sound": all(m["sound"] for m in looked), "fail_on": fail_on, "meshes": looked})
    for path, found in zip(paths, seen, strict=True):
        say_findings(found.findings)
        if not as_json:
            word = "findings" if reaches(found.findings, fail_on) else "sound"
            print_line(f"{path}: {word}, {len(found.solid.faces)} triangles, {found.volume_um3 * 1e-9:.6g} mm³")
    failed = [path for path, found in zip(paths, seen, strict=True) if reaches(found.findings, fail_on)]
    if failed:
        findings = tuple(f for found in seen for f in found.findings)
        raise FindingsError(f"{', '.join(failed)}: there are findings at or above --fail-on {fail_on}", findings)
