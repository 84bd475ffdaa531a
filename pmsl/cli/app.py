"""Commands and options; the work is in `run`, `look` and `library`, imported when a command starts so that --help is quick."""

from __future__ import annotations

import io
import signal
import sys
import threading
import traceback
from enum import Enum
from typing import Annotated, Any, Optional, cast

from pmsl.cli import declare as typer
from pmsl.cli.convert import convert_command
from pmsl.cli.play import play_command
from pmsl.errors import PmslError

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="pmsl turns meshes into light: exact gray masks, exposure times and dose maps "
    "for projection micro-stereolithography and DLP printers.",
)


class Unit(str, Enum):
    """Unit of files that carry none."""

    um = "um"
    mm = "mm"
    cm = "cm"
    m = "m"
    inch = "inch"


class Coverage(str, Enum):
    """What the gray of a pixel means."""

    area = "area"
    volume = "volume"


class Unreachable(str, Enum):
    """What becomes of grays that never cure."""

    keep = "keep"
    lift = "lift"
    drop = "drop"


class Severity(str, Enum):
    """Severity of a finding."""

    info = "info"
    warning = "warning"
    error = "error"


class Png(str, Enum):
    """How long to look for short frame files."""

    fast = "fast"
    small = "small"


PrinterOption = Annotated[
    Optional[str], typer.Option("--printer", help="Library name or TOML file [default: microfluidics-7.6um].", metavar="P")
]
ResinOption = Annotated[Optional[str], typer.Option("--resin", help="Library name or TOML file [default: pegda-nps-1.0-385].", metavar="R")]
ProcessOption = Annotated[Optional[str], typer.Option("--process", help="Library name or TOML file [default: default].", metavar="F")]
LayerOption = Annotated[Optional[float], typer.Option("--layer-um", help="Layer height [µm]; overrides the process.", metavar="H")]
PitchOption = Annotated[Optional[str], typer.Option("--pitch-um", help="Pixel pitch at the image plane [µm].", metavar="P|PX,PY")]
FieldOption = Annotated[Optional[str], typer.Option("--field", help="Pixels of the field.", metavar="COLSxROWS")]
LightOption = Annotated[
    Optional[float], typer.Option("--irradiance", help="Measured irradiance of a white pixel [mW/cm²].", metavar="MW_CM2")
]
UnitOption = Annotated[Unit, typer.Option("--unit", help="Unit of the mesh; a format that carries its unit wins.")]
CoverageOption = Annotated[
    Optional[Coverage], typer.Option("--coverage", help="Gray is area in mid-slab, or volume of the slab [default: as the process says].")
]
CorrectOption = Annotated[
    Optional[str],
    typer.Option("--correct", help="Light that lands on the design: any of edges, printthrough, flatfield, or none.", metavar="LIST"),
]
UnreachableOption = Annotated[
    Optional[Unreachable], typer.Option("--unreachable", help="Grays away from white that never cure [default: as the process says].")
]
RotateOption = Annotated[Optional[str], typer.Option("--rotate", help="Degrees about fixed x, y, z, in that order.", metavar="RX,RY,RZ")]
ScaleOption = Annotated[Optional[str], typer.Option("--scale", help="Factor, or one for each axis.", metavar="S|SX,SY,SZ")]
ThreadsOption = Annotated[
    Optional[int], typer.Option("--threads", min=1, help="Layers worked on at a time [default: one a processor].", metavar="N")
]
FormatOption = Annotated[
    Optional[str], typer.Option("--format", help="Format [default: by suffix; a folder or .zip is native].", metavar="NAME")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a job of the same format, or an empty folder.")]
LossyOption = Annotated[bool, typer.Option("--lossy", help="Do what the format cannot hold as well as it can, and list it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable result on standard output.")]
Meshes = Annotated[list[str], typer.Argument(help="STL, OBJ, PLY or 3MF files; placed as one group.", metavar="MESH...")]


@app.command("slice")
def slice_command(
    meshes: Meshes,
    out: Annotated[str, typer.Option("-o", "--out", help="Job to write: a folder, a .zip, or a printer's file (.sl1, …).", metavar="OUT")],
    format: FormatOption = None,
    printer: PrinterOption = None,
    resin: ResinOption = None,
    process: ProcessOption = None,
    layer_um: LayerOption = None,
    pitch_um: PitchOption = None,
    field: FieldOption = None,
    coverage: CoverageOption = None,
    unreachable: UnreachableOption = None,
    irradiance: LightOption = None,
    unit: UnitOption = Unit.mm,
    at: Annotated[Optional[str], typer.Option("--at", help="Where the lower corner of the group's box goes [µm].", metavar="X,Y")] = None,
    rotate: RotateOption = None,
    scale: ScaleOption = None,
    keep_place: Annotated[bool, typer.Option("--keep-place", help="Coordinates as in the file; nothing is moved.")] = False,
    threads: ThreadsOption = None,
    dose: Annotated[bool, typer.Option("--dose", help="Also write the dose map of every layer.")] = False,
    no_design: Annotated[bool, typer.Option("--no-design", help="Leave the placed parts out of the job.")] = False,
    correct: CorrectOption = None,
    accept_uncalibrated: Annotated[
        bool, typer.Option("--accept-uncalibrated", help="Correct although values it rests on are placeholders.")
    ] = False,
    png: Annotated[
        Png, typer.Option("--png", help="Frames written fast, or searched long for smaller files; the pixels are the same.")
    ] = Png.fast,
    preview: Annotated[
        Optional[str], typer.Option("--preview", help="Write a contact sheet of masks and a side view.", metavar="FILE.png")
    ] = None,
    fail_on: Annotated[Severity, typer.Option("--fail-on", help="Findings at or above this stop the job (exit 4).")] = Severity.error,
    force: ForceOption = False,
    lossy: LossyOption = False,
    json: JsonOption = False,
) -> None:
    """Slice meshes into a print job: gray masks, exposure times, motion."""
    from pmsl.cli import run
    from pmsl.cli.wishes import Wishes

    gray: Any = coverage.value if coverage else None
    placed, faint = (at, rotate, scale, keep_place), cast(Any, unreachable.value if unreachable else None)
    wishes = Wishes(printer, resin, process, layer_um, pitch_um, field, irradiance, unit.value, *placed, gray, correct, faint)
    run.slice_job(
        meshes,
        out,
        wishes,
        format=format,
        threads=threads,
        dose=dose,
        design=not no_design,
        accept_uncalibrated=accept_uncalibrated,
        png=png.value,
        preview=preview,
        fail_on=fail_on.value,
        force=force,
        lossy=lossy,
        as_json=json,
    )


@app.command("info")
def info_command(
    path: Annotated[str, typer.Argument(help="A mesh, or a job folder or file of any format.", metavar="MESH|JOB")],
    printer: PrinterOption = None,
    resin: ResinOption = None,
    process: ProcessOption = None,
    layer_um: LayerOption = None,
    pitch_um: PitchOption = None,
    field: FieldOption = None,
    irradiance: LightOption = None,
    unit: UnitOption = Unit.mm,
    rotate: RotateOption = None,
    scale: ScaleOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a mesh or a job is: sizes, volume, layers, print time, resin, findings."""
    from pmsl.cli import look
    from pmsl.cli.wishes import Wishes

    look.info(
        path,
        Wishes(printer, resin, process, layer_um, pitch_um, field, irradiance, unit.value, None, rotate, scale, False),
        as_json=json,
    )


@app.command("verify")
def verify_command(
    path: Annotated[str, typer.Argument(help="A job folder or file of any format.", metavar="JOB")],
    threads: ThreadsOption = None,
    json: JsonOption = False,
) -> None:
    """Check a job on disk from end to end: 0 sound, 3 damaged."""
    from pmsl.cli import look

    look.verify(path, threads=threads, as_json=json)


app.command("play")(play_command)


@app.command("simulate")
def simulate_command(
    path: Annotated[str, typer.Argument(help="A job folder or a job .zip.", metavar="JOB")],
    design: Annotated[
        Optional[list[str]], typer.Option("--design", help="Mesh the job was made of, where the job holds no design.", metavar="MESH")
    ] = None,
    unit: UnitOption = Unit.mm,
    pictures: Annotated[
        Optional[str], typer.Option("--pictures", help="Folder for pictures of layers, sections, doses.", metavar="DIR")
    ] = None,
    layers: Annotated[Optional[str], typer.Option("--layers", help="Layers that get a picture [default: 8 of all].", metavar="A:B")] = None,
    section: Annotated[
        Optional[list[str]], typer.Option("--section", help="Also a picture of the cut there; may be given again.", metavar="x=UM|y=UM")
    ] = None,
    mesh: Annotated[Optional[str], typer.Option("--mesh", help="Write the predicted solid as a mesh.", metavar="OUT.stl")] = None,
    threads: ThreadsOption = None,
    json: JsonOption = False,
) -> None:
    """Predict what a job prints, and hold it against the design: edges, heights, channels, lost features, doses."""
    from pmsl.cli import simulate

    simulate.run(
        path,
        design or [],
        unit=unit.value,
        pictures=pictures,
        sections=section or [],
        layers=layers,
        mesh=mesh,
        threads=threads,
        as_json=json,
    )


app.command("convert")(convert_command)

profiles_app = typer.Typer(help="List the printers, resins and processes that are shipped, or show one.")
app.add_typer(profiles_app, name="profiles")


@profiles_app.callback(invoke_without_command=True)
def profiles_command(context: typer.Context, json: JsonOption = False) -> None:
    """List the printers, resins and processes that are shipped."""
    from pmsl.cli import library

    if context.invoked_subcommand is None:
        library.profiles(as_json=json)


@profiles_app.command("show")
def show_command(name: Annotated[str, typer.Argument(help="Library name.", metavar="NAME")]) -> None:
    """Print a profile as TOML, to save, edit and pass back by path."""
    from pmsl.cli import library

    library.show_profile(name)


@app.command("warmup")
def warmup_command() -> None:
    """Compile all kernels now, so that the first job need not."""
    from pmsl.cli import run

    run.warmup()


def _version(wanted: bool) -> None:
    if wanted:
        from pmsl.version import __version__

        typer.echo(f"pmsl {__version__}")
        raise typer.Exit


@app.callback()
def _top(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    pass


def main() -> int:
    """Run the command line; return the exit code.

    0 done, 1 a bug, 2 wrong usage, 3 input refused or damaged, 4 findings at or above --fail-on, 130 cancelled.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # µ and × must not stop a command on a terminal that cannot show them
            stream.reconfigure(errors="replace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up like Ctrl-C
    try:
        code = app(standalone_mode=False)
    except PmslError as err:
        print(f"error: {err}", file=sys.stderr)
        return err.exit_code
    except typer.ClickException as err:
        err.show()
        return 2
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        sys.stdout = None
        return 0
    except MemoryError:
        print("error: not enough memory; choose a smaller --field or fewer --threads", file=sys.stderr)
        return 3
    except OSError as err:  # files have errors of their own; what is left is standard output
        sys.stdout = None
        print(f"error: cannot write to standard output ({err.strerror or err})", file=sys.stderr)
        return 3
    except Exception:
        traceback.print_exc()
        print("error: this is a bug in pmsl; please report it with the lines above", file=sys.stderr)
        return 1
    if code == 130:
        print("cancelled; nothing half-written is left", file=sys.stderr)
    return code if isinstance(code, int) else 0
