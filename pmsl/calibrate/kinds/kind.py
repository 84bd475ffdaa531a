"""What a kind of coupon is: its print, its fit, and where its values go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from pmsl.calibrate.coupons.coupon_job import Coupon
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.errors import UsageError
from pmsl.profiles import Printer, Process, Resin


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponOptions:
    """How a coupon is made; what is None is as its kind has it, and a kind refuses what it has no use for.

    Attributes
    ----------
    doses : int
        How many doses, spaced evenly over their logarithm.
    repeats : int
        Tiles of each setting.
    dose_range_mj_cm2 : (float, float)
        Lowest and highest dose [mJ/cm²].
    powers : sequence of float
        Light settings.
    tile_um : float
        Side of a tile [µm].
    levels : sequence of int
        Gray levels, 1 to 255.
    events : sequence of int
        Into how many exposures a dose is split.
    wait_s : float
        Dark time before each further event [s].
    layer_um : float
        Height of a layer [µm].
    cover_layers : sequence of int
        Layers of the roofs.
    slab_heights : sequence of float
        Where in a slab roofs lie, 0 to below 1, in layers.
    focus_um : sequence of float
        Focus offsets [µm].
    factors : sequence of float
        Dose factors of the first layer.
    """

    doses: int | None = None
    repeats: int | None = None
    dose_range_mj_cm2: tuple[float, float] | None = None
    powers: Sequence[float] | None = None
    tile_um: float | None = None
    levels: Sequence[int] | None = None
    events: Sequence[int] | None = None
    wait_s: float | None = None
    layer_um: float | None = None
    cover_layers: Sequence[int] | None = None
    slab_heights: Sequence[float] | None = None
    focus_um: Sequence[float] | None = None
    factors: Sequence[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a fit is made.

    Attributes
    ----------
    printer, resin : Printer, Resin
        What is known already: pitch, decay, where a kind needs it, and where a search begins.
    irradiance_mw_cm2 : float, optional
        Of rows that state none.
    robust : bool
        Hold far measurements back instead of naming them only.
    """

    printer: Printer
    resin: Resin
    irradiance_mw_cm2: float | None = None
    robust: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of coupon.

    Attributes
    ----------
    name : str
    options : frozenset of str
        Fields of `CouponOptions` it knows.
    coupon : callable
        (Printer, Resin, Process, CouponOptions) → Coupon.
    fit : callable
        (paths of sheets, FitOptions) → FitResult.
    resin, printer : callable, optional
        (profile, FitResult, name) → the profile with the values of the fit; None where they do not belong there.
    """

    name: str
    options: frozenset[str] = field(default_factory=frozenset)
    coupon: Callable[[Printer, Resin, Process, CouponOptions], Coupon]
    fit: Callable[[Sequence[Path], FitOptions], FitResult]
    resin: Callable[[Resin, FitResult, str | None], Resin] | None = None
    printer: Callable[[Printer, FitResult, str | None], Printer] | None = None

    def check(self, options: CouponOptions) -> None:
        """Refuse options that this kind has no use for; raises `UsageError`.

        Parameters
        ----------
        options : CouponOptions
        """
        for name in (f.name for f in fields(options)):
            if getattr(options, name) is not None and name not in self.options:
                known = ", ".join(sorted(self.options)) or "none of these options"
                raise UsageError(f"coupon {self.name} has no {name}; it knows {known}")
