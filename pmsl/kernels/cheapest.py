"""Runs of a frame → the cheapest deflate symbols: a shortest path over places in the byte stream, for given costs of symbols.

Places are where runs begin, and where a far copy ends inside a run (the `SLOTS` - 1 most promising of a run). From a place
the run is finished by copies at distance 1, or a far copy sets in at once, or after the literal and the copies of 258 bytes
that a long run begins with. A far copy ends where it stops to agree, a little before where a run begins, or when it is 258 bytes long: the
last lets rows that repeat do without a copy of odd length. Costs come from the symbols of an earlier pass.
Stages of `STAGE` runs are solved one after the other, which bounds the memory.
"""

from pmsl.kernels._jit import helper, kernel, routine
from pmsl.kernels.copies import LONGEST, SHORTEST, WINDOW, copy, key_of, run

CHAIN = 32  # earlier places looked at
KEPT = 8  # of them, those that reach farther than all nearer ones
SLOTS = 3
TAIL = 12  # bytes by which a far copy may be cut short
STAGE = 16_384
NEVER = 1e30
HOPELESS = 20.0  # bits a place may be behind the best of its run


@helper
def _copy_bits(total, distance_bits, length_bits):
    """Cost of `total` >= 3 bytes copied at one distance, as `copy` writes them."""
    whole, rest = total // LONGEST, total % LONGEST
    if rest == 0:
        return whole * (length_bits[LONGEST] + distance_bits)
    if rest >= SHORTEST:
        return whole * (length_bits[LONGEST] + distance_bits) + length_bits[rest] + distance_bits
    if whole == 0:
        return NEVER
    bits = (whole - 1) * (length_bits[LONGEST] + distance_bits)
    return bits + length_bits[LONGEST + rest - SHORTEST] + length_bits[SHORTEST] + 2 * distance_bits


@routine
def _run_bits(v, rest, fresh, literal_bits, length_bits, distance_bits):
    """Cost of the last `rest` bytes of a run of `v`, as `run` writes them."""
    bits = 0.0
    if fresh:
        bits += literal_bits[v]
        rest -= 1
    if rest >= SHORTEST:
        return bits + _copy_bits(rest, distance_bits[1], length_bits)
    return bits + rest * literal_bits[v]


@routine
def _reach(k, offset, cost, guess, i, s, begin, distance, total, bits, hope, place, origin):
    """Note a way to byte `offset` of run `k` of the stage where it is the cheapest so far, or among the most promising."""
    slot = 0
    if offset > 0:
        slot = 1
        for t in range(1, SLOTS):
            if bits[k, t] < NEVER and place[k, t] == offset:
                slot = t
                break
            if hope[k, t] > hope[k, slot]:
                slot = t
        if bits[k, slot] < NEVER and place[k, slot] != offset and hope[k, slot] <= guess:
            return
    if cost < bits[k, slot] or place[k, slot] != offset:
        bits[k, slot] = cost
        hope[k, slot] = guess
        place[k, slot] = offset
        origin[k, slot, 0] = i
        origin[k, slot, 1] = s
        origin[k, slot, 2] = begin
        origin[k, slot, 3] = distance
        origin[k, slot, 4] = total


@routine
def _search(here, last, value, length, start, head, following, found):
    """Find earlier runs like run `here` and what follows it; keep (run, distance, bytes that agree after the run); nearest first."""
    n, best, longest = 0, -1, 0
    j = head[key_of(here, value, length)]
    for _ in range(CHAIN):
        if j < 0 or n == KEPT:
            break
        distance = start[here + 1] - start[j + 1]
        if distance > WINDOW - LONGEST:
            break
        if value[j] == value[here]:
            agree, a, b = 0, here + 1, j + 1
            while a < last and value[a] == value[b] and agree < LONGEST:
                agree += min(length[a], length[b])
                if length[a] != length[b]:
                    break
                a += 1
                b += 1
            if agree > best or length[j] > longest:
                found[n, 0], found[n, 1], found[n, 2] = j, distance, agree
                n += 1
                best, longest = max(best, agree), max(longest, length[j])
        j = following[j]
    return n


@routine
def _far(first, last, i, s, begin, cost, found, n, value, length, tables, bits, hope, place, origin):
    """Try the far copies `found` that set in at byte `begin` of run `i` of the stage."""
    literal_bits, length_bits, distance_bits = tables
    rest = length[first + i] - begin
    tried, least = 0, NEVER
    for f in range(n):
        distance = found[f, 1]
        if length[found[f, 0]] < rest:
            continue
        far = cost + distance_bits[distance]
        end = min(rest + found[f, 2], LONGEST)
        if far >= least and end <= tried:
            continue
        shortest = SHORTEST if far < least else max(tried + 1, SHORTEST)  # the rest was tried at a distance that costs no more
        tried, least = max(tried, end), min(least, far)
        total, a = rest, i + 1
        while True:
            if total >= shortest and (total == rest or total > end - TAIL):
                _reach(a, 0, far + length_bits[total], far + length_bits[total], i, s, begin, distance, total, bits, hope, place, origin)
            if total >= end or first + a >= last:
                break
            whole = length[first + a]
            if total + whole > end:
                if end >= shortest:
                    now, left = far + length_bits[end], whole - (end - total)
                    guess = now + _run_bits(value[first + a], left, False, literal_bits, length_bits, distance_bits)
                    _reach(a, end - total, now, guess, i, s, begin, distance, end, bits, hope, place, origin)
                break
            total += whole
            a += 1


@routine
def _write(first, runs, value, length, place, origin, path, n, symbols):
    """Write the way to the end of the stage."""
    steps, k, s = 0, runs, 0
    while k > 0 or s > 0:
        path[steps, 0] = k
        path[steps, 1] = s
        steps += 1
        k, s = origin[k, s, 0], origin[k, s, 1]
    for step in range(steps - 1, -1, -1):
        k, s = path[step, 0], path[step, 1]
        i, entry = origin[k, s, 0], place[origin[k, s, 0], origin[k, s, 1]]
        begin, distance, total = origin[k, s, 2], origin[k, s, 3], origin[k, s, 4]
        here = first + i
        n = run(n, value[here], begin - entry, entry == 0, symbols)
        if distance > 0:
            n = copy(n, total, distance, symbols)
    return n


@kernel
def symbols_of(
    value, length, count, start, head, following, literal_bits, length_bits, distance_bits, bits, hope, place, origin, path, found, symbols
):  # fmt: skip
    """Turn the runs of a byte stream into the deflate symbols that cost the fewest bits.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs; neighbours differ in value.
    count : int
        How many of them count.
    start : (R + 1,) int64
        Where each run begins in the stream.
    head : (2**14,) int32; following : (R,) int32
        Scratch.
    literal_bits : (256,) float64; length_bits : (259,) float64; distance_bits : (32769,) float64
        Cost of a literal, of a copy's length and of its distance, extra bits included.
    bits, hope : (N + 1, SLOTS) float64; place : (N + 1, SLOTS) int64; origin : (N + 1, SLOTS, 5) int64
        Scratch, as the next; N runs are looked at together, `STAGE` or as many as there are.
    path : (2 N + 2, 2) int64; found : (KEPT, 3) int64
        Scratch.
    symbols : (S,) int32
        Overwritten: a literal is 0..255, a copy is ``length << 16 | distance``.

    Returns
    -------
    int
        Number of symbols; where it exceeds S only the first S were written.
    """
    tables = (literal_bits, length_bits, distance_bits)
    size = bits.shape[0] - 1
    head[:] = -1
    n = 0
    for first in range(0, count, size):
        last = min(first + size, count)
        bits[:] = NEVER
        hope[:] = NEVER
        place[:] = 0
        bits[0, 0] = 0.0
        for i in range(last - first):
            here = first + i
            v, whole = value[here], length[here]
            for s in range(SLOTS):
                if bits[i, s] < NEVER:
                    rest, fresh = whole - place[i, s], place[i, s] == 0
                    cost = bits[i, s] + _run_bits(v, rest, fresh, literal_bits, length_bits, distance_bits)
                    _reach(i + 1, 0, cost, cost, i, s, whole, 0, 0, bits, hope, place, origin)
                    hope[i, s] = cost
            if here + 2 >= count:
                continue
            n_found = _search(here, last, value, length, start, head, following, found)
            for s in range(SLOTS if n_found > 0 else 0):
                if bits[i, s] >= NEVER or hope[i, s] > bits[i + 1, 0] + HOPELESS:
                    continue
                entry, cost = place[i, s], bits[i, s]
                rest, fresh = whole - entry, entry == 0
                if rest <= LONGEST:
                    _far(first, last, i, s, entry, cost, found, n_found, value, length, tables, bits, hope, place, origin)
                bulk = (rest - fresh) // LONGEST
                begin = entry + fresh + bulk * LONGEST
                if entry < begin < whole:
                    cost += bulk * (length_bits[LONGEST] + distance_bits[1])
                    if fresh:
                        cost += literal_bits[v]
                    _far(first, last, i, s, begin, cost, found, n_found, value, length, tables, bits, hope, place, origin)
            h = key_of(here, value, length)
            following[here] = head[h]
            head[h] = here
        n = _write(first, last - first, value, length, place, origin, path, n, symbols)
    return n
