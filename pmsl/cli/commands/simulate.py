"""``pmsl simulate``: the predicted print against the design."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say_findings
from pmsl.errors import FindingsError, OutputError, UsageError

if TYPE_CHECKING:
    from pmsl.job.print_job import PrintJob
    from pmsl.predict import Prediction, SeenLayer
    from pmsl.predict.cross_section import Section

MANY = 8  # layers with a picture where none are named
ROWS = 12  # of a list, on a terminal


class _Drawn(NamedTuple):
    """What is drawn and written of a prediction, as the options of the command say it."""

    pictures: str | None
    sections: Sequence[str]
    layers: str | None
    mesh: str | None
    force: bool


@click.command("simulate")
@click.argument("path", type=options.FILE, metavar="JOB", help="A job folder or a job .zip.")
@click.option("--design", multiple=True, type=options.FILE, metavar="MESH", help="Mesh the job was made of, where the job holds no design.")
@options.option("unit")
@options.option("weld_um")
@click.option("--pictures", type=options.FILE, metavar="DIR", help="Folder for pictures of layers, sections, doses.")
@click.option("--layers", metavar="A:B", help="Layers that get a picture [default: 8 that differ most].")
@click.option("--section", multiple=True, metavar="x=UM|y=UM", help="Also a picture of the cut there; may be given again.")
@click.option("--mesh", type=options.FILE, metavar="OUT.stl", help="Write the predicted solid as a mesh.")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error"]),
    default="error",
    show_default=True,
    help="Findings at or above this end with exit 4.",
)
@click.option("--stage-error", type=float, metavar="UM", help="How far the stage is off that moves fields: neighbours, in the worst case.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Instead of the worst case: at random, one standard deviation.")
@click.option("--force", is_flag=True, help="Replace pictures and a mesh that are there already.")
@options.option("threads")
@options.json
def simulate_command(
    path: str,
    design: tuple[str, ...],
    unit: str,
    weld_um: float | None,
    pictures: str | None,
    layers: str | None,
    section: tuple[str, ...],
    mesh: str | None,
    fail_on: Literal["info", "warning", "error"],
    stage_error: float | None,
    seed: int | None,
    force: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Predict what a job prints, and hold it against the design: edges, heights, channels, lost features, doses."""
    from pmsl import pipeline
    from pmsl.cli.depth_facts import depth_facts, depth_line
    from pmsl.cli.light_facts import light_facts
    from pmsl.core.finding import reaches
    from pmsl.fields.stage_error import StageError
    from pmsl.mesh import load_solid
    from pmsl.predict import simulate as predict
    from pmsl.predict.measure.design_layers import design_parts
    from pmsl.predict.predicted_mesh import MeshWriter
    from pmsl.predict.simulation import plate_of

    drawn = _Drawn(pictures, section, layers, mesh, force)
    if seed is not None and stage_error is None:
        raise UsageError("--seed chooses places at random; say how far the stage is off: --stage-error UM")
    off = None if stage_error is None else StageError(stage_error, seed)
    fields = pipeline.read(path)
    job = plate_of(fields, off)
    wanted = set() if drawn.pictures is None and drawn.layers is None else _layers(drawn.layers, job)
    cuts = [_section(text, job) for text in drawn.sections]
    if (cuts or drawn.layers is not None) and drawn.pictures is None:
        raise UsageError("--section and --layers choose pictures; say where they go: --pictures DIR")
    pixel_um = float(job.grid.pitch_um.min())
    _check_outputs(drawn, cuts, wanted)
    parts = design_parts(job, [load_solid(name, unit).repaired("auto", weld_um, pixel_um) for name in design])
    watch: list[Callable[[SeenLayer], None]] = list(cuts)
    with ExitStack() as stack:
        folder = None if drawn.pictures is None else _folder(drawn.pictures)
        if folder is not None:
            watch.append(_layer_pictures(job, folder, wanted))
        if drawn.mesh is not None:
            watch.append(stack.enter_context(MeshWriter(_stl(drawn.mesh), job.grid, job.printer.field_map)))
        stack.enter_context(compiler_notice())
        with layer_progress("simulating", as_json) as progress:
            found = predict(fields, parts, watch=watch, progress=progress, threads=threads, stage_error=off)
    if folder is not None:
        from pmsl.report import prediction_plots as pages

        pages.write_plots(job, found, cuts, folder)
    depths = depth_facts(light_facts(job), job.resin)
    if as_json:
        print_json({"job": path, "fail_on": fail_on, **found.as_dict(), "depths": depths})
    else:
        _print_prediction(path, found)
        if depths is not None:
            print_line(f"depths     {depth_line(depths)}")
        say_findings(found.findings)
    if reaches(found.findings, fail_on):
        raise FindingsError(f"{path}: there are findings at or above --fail-on {fail_on}", found.findings)


def _layers(text: str | None, job: PrintJob) -> set[int]:
    """Read ``A:B``, layers A to B - 1; without it some that differ most."""
    if text is None:
        from pmsl.report.distinct_layers import distinct_layers
        from pmsl.report.layer_crops import box_px

        return set(distinct_layers(job, box_px(job), MANY))
    n = job.n_layers
    first, colon, last = text.partition(":")
    try:
        a, b = int(first or 0), int(last or n) if colon else int(first) + 1
    except ValueError:
        raise UsageError(f"--layers {text!r}: expected A:B like 10:20, layers A to B - 1") from None
    if not 0 <= a < b <= n:
        raise UsageError(f"--layers {text}: no layers of this job; choose from 0:{n}")
    return set(range(a, b))


def _section(text: str, job: PrintJob) -> Section:
    """Read ``x=UM`` or ``y=UM``."""
    from pmsl.cli.section_option import section_place
    from pmsl.predict.cross_section import Section

    axis, at = section_place(text)
    return Section(job.grid, axis, at)


def _check_outputs(drawn: _Drawn, cuts: Sequence[Section], wanted: set[int]) -> None:
    """Refuse what would replace a file without --force, before the work."""
    from pmsl.files.output_file import check_new_file

    if drawn.mesh is not None:
        check_new_file(_stl(drawn.mesh), drawn.force, "--mesh")
    if drawn.pictures is None or not os.path.isdir(drawn.pictures):
        return
    from pmsl.report.prediction_plots import plot_names

    for name in (*plot_names(cuts), *(_layer_name(k) for k in sorted(wanted))):
        check_new_file(Path(drawn.pictures) / name, drawn.force, "--pictures")


def _layer_name(k: int) -> str:
    return f"layer-{k:05d}.png"


def _folder(name: str) -> Path:
    from pmsl.report.prediction_plots import check_plots

    check_plots()
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(f"--pictures {folder}: cannot be made ({err.strerror or err}); choose another folder") from err
    if not os.access(folder, os.W_OK):
        raise OutputError(f"--pictures {folder}: is not writable; choose another folder")
    return folder


def _stl(name: str) -> Path:
    path = Path(name)
    if path.suffix.lower() != ".stl":
        raise UsageError(f"--mesh {name}: the name must end in .stl")
    return path


def _layer_pictures(job: PrintJob, folder: Path, wanted: set[int]) -> Callable[[SeenLayer], None]:
    from pmsl.report.prediction_plots import layer_picture

    def draw(seen: SeenLayer) -> None:
        if seen.lit.index in wanted:
            layer_picture(seen, job.grid, job.engines[0].orientation, folder / _layer_name(seen.lit.index))

    return draw


def _print_prediction(path: str, found: Prediction) -> None:
    """Print the prediction for a person."""
    from pmsl.predict.model_facts import optional_text

    model = found.model
    print_line(f"{path}: predicted by the same model that made the masks, not measured")
    assumed = " (assumed)" if model["memory_assumed"] else ""
    if "renewal" in model:
        reach = "without end" if model["reach_um"] is None else f"{model['reach_um']:g} µm"
        assumed = f" (renewal {model['renewal']:g}, reach {reach})"
    solid = f"solid from {model['ec_mj_cm2']:g} mJ/cm²{optional_text(model)}"
    print_line(f"resin      {model['resin']}, memory {model['memory']}{assumed}, {solid}")
    iou = "nothing designed or printed" if found.iou is None else f"{found.iou:.4f}"
    print_line(f"IoU        {iou}   designed {found.design_um3 * 1e-9:.4g} mm³, printed {found.printed_um3 * 1e-9:.4g} mm³")
    e = found.epe_um
    print_line(_row("walls", e, f"{e['probes']} probes, {e['merged']} merged, {e['lost']} lost; + is outside the design"))
    for name, z in found.z_error_um.items():
        area = f"{z['area_um2'] * 1e-6:.4g} mm², {z['merged_um2'] * 1e-6:.4g} merged, {z['lost_um2'] * 1e-6:.4g} lost; + is higher"
        print_line(_row(f"faces {name}", z, area))
    doses = found.dose_mj_cm2
    for name in ("solid", "void"):
        q = doses[name]
        if q["median"] is not None:
            spread = "  ".join(f"{key} {value:.4g}" for key, value in q.items())
            print_line(f"dose {name:<6}{spread} mJ/cm²")
    _print_openings(found.openings)
    _print_lost(found.lost)
    if (seams := found.seams) is not None:
        dose, mean = seams["dose"], seams["pixel_dose"]
        print_line(
            f"seams      jog {seams['jog_um']:.3g} µm, gap {seams['gap_um']:.3g} µm, dose {dose['least']:+.2%} to {dose['most']:+.2%} "
            f"(means over pixels {mean['least']:+.2%} to {mean['most']:+.2%})"
        )


def _row(name: str, values: dict[str, Any], rest: str) -> str:
    if values["median"] is None:
        return f"{name:<11}none compared; {rest}"
    return f"{name:<11}median {values['median']:+.3f} µm, 95 % within {values['p95_abs']:.3f} µm ({rest})"


def _print_openings(openings: list[dict[str, Any]]) -> None:
    for o in openings[:ROWS]:
        sizes = [f"{what} {o[key]['height']:.4g} × {o[key]['width']:.4g}" for what, key in _SIZES]
        state = o["state"].upper() if o["blocked"] or o["state"].startswith("sealed") else o["state"]
        (x0, y0, z0), (x1, y1, z1) = o["box_um"]
        where = f"x {x0:.6g}..{x1:.6g}, y {y0:.6g}..{y1:.6g}, z {z0:.6g}..{z1:.6g}"
        print_line(f"opening    height × width: {', '.join(sizes)} µm: {state} ({where})")
    if len(openings) > ROWS:
        print_line(f"opening    and {len(openings) - ROWS} more; --json has all")


_SIZES = (("designed", "design_um"), ("open", "printed_um"), ("flushable", "flushable_um"))


def _print_lost(lost: list[dict[str, Any]]) -> None:
    for f in lost[:ROWS]:
        (x0, y0, z0), (x1, y1, z1) = f["box_um"]
        where = f"x {x0:.6g}..{x1:.6g}, y {y0:.6g}..{y1:.6g}, z {z0:.6g}..{z1:.6g} µm"
        print_line(f"lost       {f['kind']} of {f['size_um']:.3g} µm, {f['volume_um3']:.4g} µm³: {where}")
    if len(lost) > ROWS:
        print_line(f"lost       and {len(lost) - ROWS} more; --json has all")
