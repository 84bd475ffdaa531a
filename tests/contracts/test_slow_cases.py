"""The list of slow cases names tests that there are."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_each_listed_case_is_one_of_a_test():
    lines = (TESTS / "slow_cases.txt").read_text().splitlines()
    assert lines == sorted(set(lines))
    for line in lines:
        file, _, case = line.partition("::")
        name = re.match(r"test_\w+", case)
        assert name is not None and f"def {name[0]}(" in (TESTS / file).read_text(), line
