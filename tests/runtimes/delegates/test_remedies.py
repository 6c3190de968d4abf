"""Where a rewrite takes a refused operator away, and where none is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.registry import all_refusals
from tests.runtimes.delegates.test_lists import BIAS, FLAT, IMAGE, LONG_ROW, MANY, ONE, ROW, an


@pytest.mark.parametrize(
    ("operator", "rewritten"),
    [
        (an("QUANTIZE", MANY, to=replace(MANY, dtype="int8")), True),
        (an("MUL", MANY, ONE, to=MANY), True),
        (an("MUL", MANY, BIAS, to=MANY), False),
        (an("SUM", MANY, ROW, to=FLAT), False),
        (an("GATHER", IMAGE, replace(LONG_ROW, constant=False)), False),
    ],
)
def test_a_remedy_is_told_where_a_rewrite_takes_the_operator_away(operator: Operator, rewritten: bool) -> None:
    (refused,) = all_refusals([operator])[0].refused
    assert bool(refused.remedy) == rewritten
