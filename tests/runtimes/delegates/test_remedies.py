"""Remedies: rewrites that take a refused operator away, and operators without a known one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from edgesr.runtimes.delegates.operators import Operator, Tensor
from edgesr.runtimes.delegates.registry import all_refusals
from tests.runtimes.delegates.test_lists import BIAS, BOOL, DYNAMIC, FLAT, IMAGE, LONG_ROW, MANY, ONE, PADS, ROW, an

WHOLE = replace(IMAGE, dtype="int32")
BORDER = {"mode": 1}
DROPS = {"shrinkAxisMask": 2}
SLICED = (IMAGE, ROW, ROW, ROW)


@pytest.mark.parametrize(
    ("operator", "rewritten"),
    [
        (an("GATHER", IMAGE, LONG_ROW), True),
        (an("GATHER", IMAGE, replace(ROW, shape=())), True),
        (an("GATHER", IMAGE, replace(LONG_ROW, constant=False)), False),
        (an("GATHER", IMAGE, replace(LONG_ROW, shape=(2, 2))), False),
        (an("GATHER", BOOL, LONG_ROW), False),
        (an("TRANSPOSE", IMAGE, ROW, version=6), True),
        (an("TRANSPOSE", WHOLE, ROW, to=WHOLE, version=6), False),
        (an("MIRROR_PAD", IMAGE, PADS, options=BORDER), True),
        (an("MIRROR_PAD", IMAGE, replace(PADS, constant=False), options=BORDER), False),
        (an("MIRROR_PAD", DYNAMIC, PADS, to=DYNAMIC, options=BORDER), False),
        (an("RELU_0_TO_1", IMAGE), True),
        (an("RELU_0_TO_1", MANY, to=MANY), False),
        (an("STRIDED_SLICE", *SLICED, to=FLAT, options=DROPS), True),
        (an("STRIDED_SLICE", *SLICED, to=FLAT, options={**DROPS, "offset": True}), False),
        (an("STRIDED_SLICE", *SLICED, to=FLAT, options={**DROPS, "newAxisMask": 1}), False),
        (an("STRIDED_SLICE", IMAGE, replace(ROW, constant=False), ROW, ROW, to=FLAT, options=DROPS), False),
    ],
)
def test_a_remedy_is_told_where_a_rewrite_takes_the_operator_away(operator: Operator, rewritten: bool) -> None:
    (refused,) = all_refusals([operator])[0].refused
    assert bool(refused.remedy) == rewritten


def between_reshapes(*operators: Operator) -> list[Operator]:
    """Operators in a row, from an image to tensors of many dimensions and back."""
    source = MANY
    split = replace(MANY, name="0")
    graph, source = [an("RESHAPE", replace(IMAGE, name="x"), ROW, to=split)], split
    for place, operator in enumerate(operators, 1):
        result = replace(operator.outputs[0], name=str(place))
        graph.append(replace(operator, inputs=(source, *operator.inputs[1:]), outputs=(result,)))
        source = result
    return [*graph, an("RESHAPE", source, ROW, to=replace(IMAGE, name="y"))]


INT8 = replace(MANY, dtype="int8")
FIVE = Tensor(shape=(1, 4, 2, 4, 4))
MUL = an("MUL", MANY, ONE, to=MANY)
SUM = an("SUM", MANY, ROW, to=FIVE)
ALL_FOUR = {"QUANTIZE": 1, "DEQUANTIZE": 1, "SUM": 1, "RESHAPE": 2}


@pytest.mark.parametrize(
    ("operators", "stay"),
    [
        ([MUL], {}),
        ([an("MUL", MANY, BIAS, to=MANY)], {"MUL": 1, "RESHAPE": 2}),
        ([SUM], {"SUM": 1, "RESHAPE": 2}),
        ([MUL, SUM], {"MUL": 1, "SUM": 1, "RESHAPE": 1}),
        ([MUL, MUL, SUM], {"MUL": 1, "SUM": 1, "RESHAPE": 1}),
        ([an("QUANTIZE", MANY, to=INT8), an("MUL", INT8, ONE, to=INT8), an("DEQUANTIZE", INT8, to=MANY)], {}),
        ([an("QUANTIZE", MANY, to=INT8), an("DEQUANTIZE", INT8, to=MANY), SUM], ALL_FOUR),
        ([an("SOFTMAX", MANY, to=MANY, options={"beta": 2.0})], {"SOFTMAX": 1}),
        ([an("TRANSPOSE", MANY, replace(ROW, constant=False), to=MANY)], {"TRANSPOSE": 1, "RESHAPE": 2}),
    ],
)
def test_many_dimensions_stay_where_one_operator_keeps_them(operators: list[Operator], stay: dict[str, int]) -> None:
    found: Counter[str] = Counter()
    for one in all_refusals(between_reshapes(*operators))[0].refused:
        found[one.operator] += 0 if one.remedy else one.count
    assert +found == stay


def test_an_operator_of_several_results_has_no_rewrite() -> None:
    (refused,) = all_refusals([replace(an("SPLIT", ROW, MANY), outputs=(MANY, MANY))])[0].refused
    assert (refused.operator, refused.remedy) == ("SPLIT", "")


def test_an_output_of_many_dimensions_stays() -> None:
    refused = all_refusals(between_reshapes(MUL)[:-1])[0].refused
    assert {one.operator: bool(one.remedy) for one in refused} == {"RESHAPE": True, "MUL": False}
