"""What an ordinary run of the tests tries, and what only a sweep does."""

from itertools import product

import pytest
from hypothesis import settings

EXAMPLES, SWEEP = 10, 25  # examples of a property in an ordinary run; times as many with --hypothesis-profile sweep


def examples(n):
    """Return how many examples to try of a property of which an ordinary run tries n."""
    return n * settings.default.max_examples // EXAMPLES


def thinned(every, *axes):
    """Return all combinations as parameters; but for one of so many, in which every value of an axis stands, they are slow."""
    taken = [sum(places) % every == 0 for places in product(*(range(len(axis)) for axis in axes))]
    return [
        pytest.param(*values, marks=() if is_taken else pytest.mark.slow) for values, is_taken in zip(product(*axes), taken, strict=True)
    ]
