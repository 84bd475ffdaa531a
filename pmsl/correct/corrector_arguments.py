"""What a corrector may be asked for; anything else is refused."""

from __future__ import annotations

from collections.abc import Sequence

from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.influence_rows import Spot
from pmsl.errors import ExposureError, UsageError
from pmsl.profiles.process import surfaces_placed

CORRECTIONS = ("edges", "printthrough", "flatfield", "robust", "optimise")


def checked(corrections: Sequence[str]) -> tuple[str, ...]:
    """Return the corrections in the house's order; refuses none, unknown ones, repetitions, and two that exclude each other."""
    given = [corrections] if isinstance(corrections, str) else list(corrections)
    unknown = [c for c in given if c not in CORRECTIONS]
    if unknown:
        raise UsageError(f"correction {unknown[0]!r} is not one of {', '.join(CORRECTIONS)}")
    if len(set(given)) < len(given):
        raise UsageError(f"corrections {given} name one twice; each is applied once")
    if not surfaces_placed(given):
        raise UsageError(
            f"corrections {given} name neither edges, printthrough nor optimise; the field alone is evened out by pmsl.correct.flat_field"
        )
    if {"optimise", "robust"} <= set(given):
        raise UsageError(f"corrections {given}: optimise solves for the resin of the profile, robust for all it may stand for; name one")
    return tuple(c for c in CORRECTIONS if c in given)


def check_plain(law: Law, spot: Spot) -> None:
    """Refuse to solve levels together where points see more than the pixels around them.

    Raises
    ------
    ExposureError
    """
    wide = {f"scatter_um = {law.scatter_um:g} of the resin": law.scatter_um > 0, "a printer's psf of kind 'lorentzian'": spot.lights_all}
    for what, there in wide.items():
        if there:
            raise ExposureError(
                f"optimise reckons with light of one spot at all depths, near by, not with {what}: correct edges, printthrough without it"
            )


def check_arguments(coverage: str, roof_layers: int, faces: bool, block: int | None) -> None:
    """Refuse what is not offered."""
    if coverage not in ("area", "volume"):
        raise UsageError(f"coverage {coverage!r} is not one of area, volume")
    if roof_layers < 0 or (roof_layers and not faces):
        raise UsageError(f"roof_layers is {roof_layers}; it is 0 or more, and above 0 only with printthrough")
    if block is not None and block < 1:
        raise UsageError(f"block is {block}; a block has 1 layer or more")
