"""Blocks of layers: solved once whoever asks, kept while there is room, and never left locked."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.correct.solved_blocks import AHEAD, KEPT, SolvedBlocks


class Blocks:
    """Solves blocks of numbers that stand for layers, and counts."""

    def __init__(self, n_layers, block_layers):
        self.n_layers, self.block_layers, self.solved = n_layers, block_layers, Counter()
        self.lock = threading.Lock()

    def __call__(self, number):
        with self.lock:
            self.solved[number] += 1
        first = number * self.block_layers
        return {k: -k for k in range(first, min(first + self.block_layers, self.n_layers))}


@given(st.integers(1, 7), st.lists(st.integers(0, 39), min_size=1, max_size=60))
def test_any_order_by_one_thread_solves_what_was_let_go_of_and_nothing_else(block_layers, order):
    solve = Blocks(40, block_layers)
    blocks, kept, expected = SolvedBlocks(solve, block_layers, 40), [], Counter()
    for k in order:
        assert blocks.layer(k) == -k
        number = k // block_layers
        if number in kept:
            kept.remove(number)
        else:
            expected[number] += 1
        kept = [*kept, number][-KEPT:]
    assert solve.solved == expected


@pytest.mark.parametrize("order", [range(16), range(15, -1, -1)], ids=["up", "down"])
def test_many_threads_solve_each_block_once(order):
    solve = Blocks(16, 4)
    blocks = SolvedBlocks(solve, 4, 16)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(blocks.layer, order)) == [-k for k in order]
    assert max(solve.solved.values()) == 1 and set(solve.solved) == set(range(4))


def test_what_fails_is_said_to_who_asks_and_can_be_asked_for_again():
    solve, answers = Blocks(8, 4), iter([ValueError("once")])

    def failing(number):
        error = next(answers, None)
        if error:
            raise error
        return solve(number)

    blocks = SolvedBlocks(failing, 4, 8)
    with pytest.raises(ValueError, match="once"):
        blocks.layer(1)
    assert blocks.layer(1) == -1 and solve.solved == {0: 1}


def waited_for(block_layers, n_layers, first, fails=()):
    """Ask for a layer while another thread solves its block; return which blocks were begun, as they were, and the answer."""
    begun, ahead, go = [], threading.Event(), threading.Event()
    solve = Blocks(n_layers, block_layers)

    def slow(number):
        begun.append(number)
        if number == first // block_layers:
            go.wait(20)
        else:
            ahead.set()
            if number in fails:
                raise MemoryError
        return solve(number)

    blocks = SolvedBlocks(slow, block_layers, n_layers)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(blocks.layer, first)
        while not begun:
            pass
        other = threads.submit(blocks.layer, first)
        ahead.wait(0.3)
        go.set()
        answers = one.result(20), other.result(20)
    return begun, answers, blocks


def test_who_would_wait_has_the_next_solved_meanwhile():
    begun, answers, blocks = waited_for(4, 16, 0)
    assert begun == [0, 1] and answers == (0, 0)
    assert blocks.layer(4) == -4 and begun == [0, 1], "it is kept"


def test_none_is_solved_beyond_the_job():
    begun, answers, _ = waited_for(4, 7, 5)
    assert begun == [1] and answers == (-5, -5)


def test_one_that_fails_ahead_is_solved_when_it_is_asked_for():
    begun, answers, blocks = waited_for(4, 16, 0, fails=(1,))
    assert begun == [0, 1] and answers == (0, 0)
    with pytest.raises(MemoryError):
        blocks.layer(4)
    assert begun == [0, 1, 1]


def test_no_more_than_a_few_are_solved_ahead():
    assert 1 <= AHEAD < KEPT, "those ahead would push out what is asked for now"
