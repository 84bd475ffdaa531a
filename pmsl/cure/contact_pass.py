"""What recoats exchange of the liquid of a job, by its distance from the vat: one pass over the exposures, from the plate up.

Memory: three bytes for every voxel of the window, thirteen for every voxel that one exposure lights, and what is found, packed: of voxels
beside liquid that was lit only.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from pmsl.cure.contact_sum import check_contact
from pmsl.cure.model import CureModel
from pmsl.errors import ExposureError

FAINT = 1e-6  # of the threshold: liquid with less was not lit
CUT_LENGTHS = 8.0  # of the longest decay: no exposure decides anything further down
FINEST = 32.0  # parts of a pixel or slab that distances are rounded to
WHOLE = 65535
MOST_BYTES = 1 << 32
Events = Sequence[tuple[np.ndarray, int]]


class ContactShares:
    """What recoats exchanged: ``exp(-d / reach)`` of voxels beside liquid that was lit, to 1 in 65535; 0 elsewhere.

    Parameters
    ----------
    renewal : float
    shape : (int, int)
        (rows, cols) of the window.
    """

    def __init__(self, renewal: float, shape: tuple[int, int]) -> None:
        self.renewal, self.shape = renewal, shape
        self._packed: dict[tuple[int, int], tuple[bytes, int]] = {}

    def put(self, j: int, k: int, share: np.ndarray) -> None:
        """Remember what the recoat after exposure k did in layer j: (rows * cols,) uint16."""
        at = np.flatnonzero(share)
        if len(at):
            steps = np.diff(at, prepend=0).astype(np.int32)
            self._packed[j, k] = zlib.compress(steps.tobytes() + share[at].tobytes(), 1), len(at)

    def share(self, j: int, k: int) -> np.ndarray | None:
        """Return it as (rows, cols) float64, 1 at the vat; None where it was 0 everywhere."""
        found = self._packed.get((j, k))
        if found is None:
            return None
        packed, n = zlib.decompress(found[0]), found[1]
        out = np.zeros(self.shape[0] * self.shape[1])
        out[np.cumsum(np.frombuffer(packed, np.int32, n))] = np.frombuffer(packed, np.uint16, n, 4 * n) / WHOLE
        return out.reshape(self.shape)

    def left(self, j: int, k: int) -> np.ndarray | float:
        """Return what the recoat after exposure k leaves of the dose of liquid in layer j: (rows, cols) float64, or 1."""
        share = self.share(j, k)
        return 1.0 if share is None else 1.0 - self.renewal * share

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        return sum(len(packed) for packed, _ in self._packed.values())


class ContactPass:
    """Follows a job from the plate up, exposure by exposure: what cures, what liquid is sealed off, how far the rest is from the vat.

    Parameters
    ----------
    model : CureModel
        By contact.
    shape : (int, int)
        (rows, cols) of the window that holds all light.
    pitch_um : (float, float)
        Of pixels, x and y [µm].
    thickness_um : (N,) float64
        Of the layers.

    Raises
    ------
    ExposureError
        A constant tail; a window and layers that take more than 4 GiB.

    Notes
    -----
    The vat is what lies above the exposure plane, and every column that is outside of all that is solid so far as seen along z: what
    reaches the border of the window there; holes do not. A voxel is solid where the dose in the middle of its slab, in the middle of
    its pixel, has reached the threshold; where only that at its exposure plane has, a skin closes it toward the light. So ways
    narrower than a pixel, or lower than half a slab, are shut.
    """

    def __init__(self, model: CureModel, shape: tuple[int, int], pitch_um: tuple[float, float], thickness_um: np.ndarray) -> None:
        check_contact(model)
        self.model, self.shape, self._n = model, shape, shape[0] * shape[1]
        self._height_um = np.asarray(thickness_um, np.float64)
        self._plane_um = np.cumsum(self._height_um)
        self._first = np.searchsorted(self._plane_um, self._plane_um - CUT_LENGTHS * model.decay.longest_um)
        deepest = int((np.arange(len(self._first)) - self._first).max()) + 1
        size = self._n * (3 * len(self._height_um) + 13 * deepest)
        if size > MOST_BYTES:
            raise ExposureError(
                f"memory is 'contact': following the liquid of {len(self._height_um)} layers of {shape[1]} × {shape[0]} pixels "
                f"takes {size / 2**30:.1f} GiB, {MOST_BYTES / 2**30:.0f} at most; print fewer parts at a time, or state memory 'enclosed'"
            )
        self._state = np.zeros((len(self._height_um), self._n), np.uint8)
        self._dose, self._lit = np.zeros((deepest, 2, self._n), np.float32), np.zeros((deepest, self._n), np.uint8)
        self._distance = np.zeros((len(self._height_um), self._n), np.uint16)
        self._shadow, self._outside = np.zeros(self._n, np.uint8), np.ones(self._n, np.uint8)
        self._ways = _Ways.of(model.reach_um, pitch_um, self._height_um)
        self._room = 1 << 16
        self._next = 0
        self.shares = ContactShares(model.renewal, shape)

    def add(self, events: Events) -> None:
        """Expose the next layer, and recoat.

        Parameters
        ----------
        events : sequence of ((rows, cols) ndarray, int)
            Dose of each in the middles of pixels at its exposure plane [mJ/cm²], and how often it is repeated.
        """
        from pmsl.kernels.light import contact_dose

        k, model = self._next, self.model
        first = int(self._first[k])
        self._next += 1
        self._dose[k % len(self._dose)], self._lit[k % len(self._dose)] = 0.0, 0
        layers, at = slice(first, k + 1), first % len(self._dose)
        state, cols = self._state[layers], self.shape[1]
        depth_um = self._plane_um[k] - self._plane_um[layers]
        if events:
            seen = np.array([one for one, _ in events], np.float32).reshape(len(events), self._n)
            times = np.array([n for _, n in events], np.float32)
            decay, middle_um = model.decay, depth_um + 0.5 * self._height_um[layers]
            left = [[decay.fraction(a), decay.fraction(b)] for a, b in zip(depth_um, middle_um, strict=True)]
            rule = model.induction_mj_cm2, model.threshold_mj_cm2, FAINT * model.threshold_mj_cm2, at
            contact_dose.expose(seen, times, np.array(left, np.float32), *rule, self._dose, self._lit, state)
        self._see_shadow(state)
        wanted = np.empty((k + 1 - first, self._n), np.uint8)
        count = contact_dose.wanted(self._lit, at, state, self._outside, wanted)
        if count:
            self._measure(k, wanted.reshape(-1), first * self._n, count)
        else:
            self._distance[layers] = WHOLE
        share = np.empty((k + 1 - first, self._n), np.uint16)
        liquid = at, self._dose, self._lit, state
        contact_dose.exchange(self._distance[layers], self._ways.share_at, self._outside, model.renewal, cols, *liquid, share)
        for j, of_layer in enumerate(share, start=first):
            self.shares.put(j, k, of_layer)

    def _see_shadow(self, state: np.ndarray) -> None:
        """Find what is outside of all that is solid, if there is more of it."""
        from pmsl.kernels.runs import vat_distance

        shadow = self._shadow | (state != 0).any(axis=0)
        if np.array_equal(shadow, self._shadow):
            return
        self._shadow = shadow
        queue = np.empty(self._n, np.int32)
        vat_distance.outside(shadow.reshape(self.shape), queue, self._outside.reshape(self.shape))

    def _measure(self, k: int, wanted: np.ndarray, begin: int, count: int) -> None:
        """Find the distances of what is wanted from the vat."""
        from pmsl.kernels.runs import vat_distance

        ways, n = self._ways, k + 1
        state, distance = self._state[:n].reshape(-1), self._distance[:n].reshape(-1)
        shut = self._outside.reshape(self.shape)
        head, sides = np.empty(ways.longest + 1, np.int64), (int(ways.top[k]), ways.side)
        while True:
            place, after = np.empty((2, self._room), np.int64)
            marks = wanted.copy(), begin, count
            steps = ways.lateral, ways.upward[:n], ways.furthest
            if vat_distance.from_vat(state, shut, *marks, *sides, *steps, distance, head, place, after) >= 0:
                return
            self._room *= 4


class _Ways:
    """Lengths of steps between voxels in whole parts of a pixel, and what share is exchanged after each."""

    def __init__(self, unit_um: float, reach_um: float, pitch_um: tuple[float, float], height_um: np.ndarray) -> None:
        px, py = pitch_um
        flat = np.array([px, py, math.hypot(px, py)])
        up = 0.5 * (height_um + np.append(height_um[1:], height_um[-1]))
        steps = np.concatenate([up[:, None], np.hypot(up[:, None], flat[None, :])], axis=1)
        whole = 0.0 if math.isinf(reach_um) else 1.0 / unit_um
        self.lateral, self.upward = (np.maximum(np.rint(a * whole), float(whole > 0)).astype(np.int64) for a in (flat, steps))
        self.top = np.rint(0.5 * height_um * whole).astype(np.int64)
        self.side = round(0.5 * min(pitch_um) * whole)
        self.longest = int(max(self.upward.max(), self.lateral.max(), self.top.max(), self.side))
        apart = np.arange(WHOLE + 1) * unit_um
        share = np.rint(WHOLE * np.exp(-apart / reach_um))
        share[-1] = 0
        self.share_at = share.astype(np.uint16)
        self.furthest = int(np.flatnonzero(share)[-1])

    @classmethod
    def of(cls, reach_um: float, pitch_um: tuple[float, float], height_um: np.ndarray) -> _Ways:
        """Choose the unit: fine, and so that all ways that count fit; without an end only whether there is a way counts."""
        finest = min(*pitch_um, float(height_um.min())) / FINEST
        ends = 0.0 if math.isinf(reach_um) else reach_um * math.log(2.0 * WHOLE) / (WHOLE - 1)
        return cls(max(finest, ends), reach_um, pitch_um, height_um)


def contact_shares(
    model: CureModel,
    shape: tuple[int, int],
    pitch_um: tuple[float, float],
    thickness_um: np.ndarray,
    exposed: Callable[[], Iterable[Events]],
) -> ContactShares:
    """Return what recoats exchange of a whole job.

    Parameters
    ----------
    model, shape, pitch_um, thickness_um
        As of `ContactPass`.
    exposed : callable
        Yields the events of every layer from the plate up, as `ContactPass.add` takes them.
    """
    run = ContactPass(model, shape, pitch_um, thickness_um)
    for events in exposed():
        run.add(events)
    return run.shares
