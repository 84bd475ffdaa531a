"""What `pmsl slice` is asked for, as one struct: from the command line, from a batch, or from Python.

A field here is an option of the command, a key of a batch and an argument in Python at once; its default, its unit and what is said
of it stand with it and nowhere else. `pmsl.pipeline.slice_jobs` runs a request.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from msgspec import Meta

from pmsl.core.finding import Severity
from pmsl.errors import PmslError, UsageError
from pmsl.pipeline.request import option_parsing
from pmsl.pipeline.request.profile_overrides import override_printer, override_process
from pmsl.pipeline.request.region_file import RegionTable, dose_scales, engines, regions_wanted
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.process import Unreachable
from pmsl.profiles.tables.schema import build
from pmsl.profiles.tables.strict_struct import Strict

if TYPE_CHECKING:
    from pmsl.formats.protocol import Format
    from pmsl.pipeline.plates.plate_layout import PlateLayout

Count = Annotated[int, Meta(ge=1)]
Bits = Annotated[int, Meta(ge=1, le=8)]
PROFILE = "Library name or TOML file"


def _option(text: str, metavar: str | None = None, path: bool = False) -> Meta:
    """Return what is said of a field: its help, how its value is written, whether it is the path of a file."""
    return Meta(description=text, extra={"metavar": metavar, "path": path})


class SliceRequest(Strict, frozen=True, kw_only=True):
    """One job to be sliced: meshes, target, and the options of `pmsl slice`, lists as they are typed there (``at="1000,500"``)."""

    SINCE: ClassVar[dict[str, int]] = dict.fromkeys(  # version of batch files that has the key
        (
            "layer_heights",
            "no_checks",
            "exposure_s",
            "bottom_dose_factors",
            "xy_offset_um",
            "bottom_xy_offset_um",
            "dose_scale",
            "region",
            "regions",
            "weld_um",
            "fields",
            "pause",
            "engine",
        ),
        2,
    )

    meshes: Annotated[
        list[str], Meta(min_length=1), _option("STL, OBJ, PLY, 3MF, OFF or GLB files; placed as one group.", "MESH...", path=True)
    ]
    out: Annotated[str, _option("Job to write: a folder, a .zip, or a printer's file (.sl1, …).", "OUT", path=True)]
    format: Annotated[str | None, _option("Format [default: by suffix; a folder or .zip is native].", "NAME")] = None
    printer: Annotated[str | None, _option(f"{PROFILE} [default: {DEFAULT_PRINTER}].", "P")] = None
    resin: Annotated[str | None, _option(f"{PROFILE} [default: {DEFAULT_RESIN}].", "R")] = None
    process: Annotated[str | None, _option(f"{PROFILE} [default: {DEFAULT_PROCESS}].", "F")] = None
    layer_um: Annotated[float | None, _option("Layer height [µm]; overrides the process.", "H")] = None
    layer_heights: Annotated[
        str | None, _option("Heights that follow the geometry: planes on facets, thin on flat slopes [µm].", "auto:MIN,MAX[,STAIR]")
    ] = None
    exposure_s: Annotated[float | None, _option("How long white is shown in ordinary layers [s]; instead of a margin.", "S")] = None
    bottom_dose_factors: Annotated[str | None, _option("Dose factors of the first layers, from the plate up, or none.", "F,F,…")] = None
    xy_offset_um: Annotated[float | None, _option("Move contours outward (or in, below 0) before coverage [µm].", "D")] = None
    bottom_xy_offset_um: Annotated[float | None, _option("Instead of that in layers with a bottom dose factor above 1.", "D")] = None
    pitch_um: Annotated[str | None, _option("Pixel pitch at the image plane [µm].", "P|PX,PY")] = None
    field: Annotated[str | None, _option("Pixels of the field.", "COLSxROWS")] = None
    fields: Annotated[
        str | None, _option("Fields of a plate larger than one, along x and y; auto: as many as the parts need.", "auto|NXxNY")
    ] = None
    coverage: Annotated[
        Literal["area", "volume"] | None, _option("Gray is area in mid-slab, or volume of the slab [default: as the process says].")
    ] = None
    unreachable: Annotated[Unreachable | None, _option("Grays away from white that never cure [default: as the process says].")] = None
    irradiance: Annotated[float | None, _option("Measured irradiance of a white pixel [mW/cm²].", "MW_CM2")] = None
    unit: Annotated[Literal["um", "mm", "cm", "m", "inch"], _option("Unit of the mesh; a format that carries its unit wins.")] = "mm"
    repair: Annotated[
        Literal["auto", "none", "strict"],
        _option("Mend meshes that are open, doubled or turned, and say so; leave them; or refuse them."),
    ] = "auto"
    weld_um: Annotated[
        float | None,
        _option("Join vertices at open edges within U µm of the mesh, 0 for none [default: a twentieth of a pixel].", "U"),
    ] = None
    at: Annotated[str | None, _option("Where the lower corner of the group's box goes [µm].", "X,Y")] = None
    rotate: Annotated[str | None, _option("Degrees about fixed x, y, z, in that order.", "RX,RY,RZ")] = None
    scale: Annotated[str | None, _option("Factor, or one for each axis.", "S|SX,SY,SZ")] = None
    keep_place: Annotated[bool, _option("Coordinates as in the file; nothing is moved.")] = False
    copies: Annotated[
        str | None, _option("An array of copies; a .csv or .toml list of them; with --pack: how many of each.", "NXxNY|FILE|N")
    ] = None
    spacing_um: Annotated[str | None, _option("Gap between the boxes of an array's copies [µm; default: 10 pixels].", "SX,SY")] = None
    pack: Annotated[float | None, _option("Place each mesh by itself, none nearer to another than this [µm].", "CLEARANCE_UM")] = None
    plates: Annotated[Count | None, _option("Fields that --pack may fill; their jobs are OUT-1, OUT-2, …", "N")] = None
    dose_scale: Annotated[str | None, _option("Dose factor of all meshes, or of each.", "F[,F…]")] = None
    engine: Annotated[str | None, _option("Light engine of all meshes, or of each, of a printer that has several.", "NAME[,NAME…]")] = None
    region: Annotated[list[str | RegionTable], _option("Dose factor of what lies inside another mesh; may be repeated.", "MESH=F")] = []
    regions: Annotated[
        str | None, _option("Regions as tables [[region]], with focus, power, waits, a dilation.", "FILE.toml", path=True)
    ] = None
    pause: Annotated[
        list[str],
        _option("Wait for the operator before a layer, by number or height [µm], and say why; may be repeated.", "LAYER|Zum=MESSAGE"),
    ] = []
    threads: Annotated[Count | None, _option("Layers worked on at a time [default: one a processor].", "N")] = None
    processes: Annotated[Count | None, _option("Make the layers in N processes instead of threads.", "N")] = None
    scheduler: Annotated[str | None, _option("Make them on a Dask cluster: tcp://HOST:PORT, or local (with --processes N).", "ADDRESS")] = (
        None
    )
    depth: Annotated[
        Bits | None,
        _option("Only the grays a device of so many bits shows: the nearest light, dithered from 4 bits down.", "BITS"),
    ] = None
    dose: Annotated[bool, _option("Also write the dose map of every layer.")] = False
    no_design: Annotated[bool, _option("Leave the placed parts out of the job.")] = False
    correct: Annotated[
        str | None, _option("Light that lands on the design: any of edges, printthrough, flatfield, robust, optimise; none.", "LIST")
    ] = None
    accept_uncalibrated: Annotated[bool, _option("Correct although values it rests on are placeholders.")] = False
    png: Annotated[
        Literal["fast", "small"], _option("Frames written fast, or the shorter of that and Pillow's optimize; the pixels are the same.")
    ] = "fast"
    preview: Annotated[str | None, _option("Write a contact sheet of masks and a side view.", "FILE.png", path=True)] = None
    fail_on: Annotated[Severity, _option("Findings at or above this stop the job (exit 4).")] = "error"
    no_checks: Annotated[bool, _option("Do not look for bodies in mid-air, trapped resin and suction; no facts of layers in the job.")] = (
        False
    )
    force: Annotated[bool, _option("Replace a job of the same format, or an empty folder.")] = False
    lossy: Annotated[bool, _option("Do what the format cannot hold as well as it can, and list it.")] = False
    values: Annotated[dict[str, Any], _option('Values of the profiles by dotted name, as {"resin.dp_um": 40}; they come last.')] = {}

    @classmethod
    def parse(cls, table: dict[str, Any], where: str = "slice request", error: type[PmslError] = UsageError) -> "SliceRequest":
        """Read a request from names and values, each checked against the type of its field.

        Parameters
        ----------
        table : dict
            Fields by name. Numbers and lists of them stand for the text that is typed: ``at=[1000, 500]`` is ``1000,500``, an empty
            list ``none``.
        where : str
            What messages begin with.
        error : type
            What is raised.

        Raises
        ------
        PmslError
            `error`: an unknown key (with the near match), a missing one, a wrong type, a value out of range.
        """
        return build({key: _as_text(value) if key in TEXTS else value for key, value in table.items()}, cls, where, error)

    def profiles(self) -> tuple[Printer, Resin, Process]:
        """Find the profiles and put the overrides in, each with its source."""
        from pmsl.pipeline.request.profile_length_checks import check_units
        from pmsl.profiles.tables.overrides import with_values

        printer = override_printer(
            find_printer(self.printer or DEFAULT_PRINTER), pitch_um=self.pitch_um, field=self.field, irradiance=self.irradiance
        )
        process = override_process(
            find_process(self.process or DEFAULT_PROCESS),
            layer_um=self.layer_um,
            layer_heights=self.layer_heights,
            exposure_s=self.exposure_s,
            bottom_dose_factors=self.bottom_dose_factors,
            xy_offset_um=self.xy_offset_um,
            bottom_xy_offset_um=self.bottom_xy_offset_um,
            coverage=self.coverage,
            correct=self.correct,
            unreachable=self.unreachable,
        )
        printer, resin, process = with_values(printer, find_resin(self.resin or DEFAULT_RESIN), process, self.values)
        check_units(printer, resin, process)  # before parts are held against a field in the wrong unit
        return printer, resin if printer.several else resin.at(printer.optics.wavelength_nm.value), process

    def weld_within_um(self, printer: Printer) -> float:
        """Return how far vertices of a mesh may be joined [µm of the mesh]: as asked for, else a twentieth of a pixel as printed.

        Parameters
        ----------
        printer : Printer
            Whose pixel that is.
        """
        from pmsl.mesh.repair.weld_bound import bound_um

        if self.weld_um is not None:
            return self.weld_um
        return bound_um(min(printer.optics.pitch_um.value) / max(map(abs, option_parsing.scale(self.scale))))

    def placement(self) -> dict[str, Any]:
        """Return the options of `pmsl.place`."""
        return {
            "at_um": option_parsing.at_um(self.at),
            "rotate_deg": option_parsing.rotate_deg(self.rotate),
            "scale": option_parsing.scale(self.scale),
            "keep_place": self.keep_place,
        }

    def layout(self) -> "PlateLayout":
        """Return how the parts are laid out."""
        from pmsl.pipeline.plates.plate_layout import PlateLayout

        return PlateLayout(
            placement=self.placement(),
            copies=option_parsing.copies(self.copies, self.pack is not None),
            spacing_um=option_parsing.spacing_um(self.spacing_um),
            clearance_um=self.pack,
            plates=self.plates,
        )

    def dose_scales(self) -> tuple[float, ...]:
        """Return the dose scale of each mesh; raises `UsageError` where there is not one for all or one for each."""
        return dose_scales(self.dose_scale, len(self.meshes))

    def engines(self) -> tuple[str, ...]:
        """Return the light engine of each mesh, ``""`` where none is named; raises `UsageError` where there is not one for all or each."""
        return engines(self.engine, len(self.meshes))

    def region_tables(self) -> list[RegionTable]:
        """Return all regions: those of the file, then its own; of those that overlap the last one counts. Raises `UsageError`."""
        return regions_wanted(self.region, self.regions)

    @property
    def has_doses(self) -> bool:
        """Whether parts or regions are given doses of their own."""
        return self.dose_scale is not None or bool(self.region) or self.regions is not None

    def chosen_format(self) -> "Format":
        """Return the format it is written in; raises `UsageError` where there is none."""
        from pmsl.formats import registry

        return registry.find(registry.choose(Path(self.out), self.format))

    def defaults_used(self) -> str:
        """Name the default profiles that were used, or nothing."""
        used = [
            (self.printer, "printer", DEFAULT_PRINTER),
            (self.resin, "resin", DEFAULT_RESIN),
            (self.process, "process", DEFAULT_PROCESS),
        ]
        names = [f"{word} {name}" for own, word, name in used if own is None]
        return f"defaults: {', '.join(names)}" if names else ""


def _described() -> str:
    """Return what is said of the fields, as the section of a docstring."""
    out = ["    Attributes", "    ----------"]
    for name, kind in SliceRequest.__annotations__.items():
        if name != "SINCE":
            plain, *metas = get_args(kind)
            text = next(meta.description for meta in metas if meta.extra is not None)
            out += [f"    {name} : {str(plain).removeprefix('typing.')}", f"        {text}"]
    return "\n".join(out)


SliceRequest.__doc__ = f"{SliceRequest.__doc__}\n\n{_described()}\n    "
TEXTS = frozenset(name for name, kind in SliceRequest.__annotations__.items() if get_args(kind)[:1] in ((str,), (str | None,)))


def _as_text(value: Any) -> Any:
    """Write numbers and lists as they are typed for an option: [1000, 500] is 1000,500."""
    if isinstance(value, list) and all(isinstance(v, (str, int, float)) and not isinstance(v, bool) for v in value):
        return ",".join(str(v) for v in value) or "none"
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
