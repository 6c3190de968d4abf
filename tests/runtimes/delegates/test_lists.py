"""The answers of each delegate's list about single operators, and the counts of a graph."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesr.runtimes.delegates.operators import Operator, Tensor
from edgesr.runtimes.delegates.registry import DELEGATES, all_refusals
from edgesr.runtimes.delegates.rules import Refusal, Refusals

IMAGE = Tensor(shape=(1, 8, 8, 4))
MANY = Tensor(shape=(1, 2, 4, 2, 4, 4))
INT8 = replace(IMAGE, dtype="int8")
INT16 = replace(IMAGE, dtype="int16")
BOOL = replace(IMAGE, dtype="bool")
FLAT = Tensor(shape=(1, 8, 8))
WEIGHTS = Tensor(shape=(4, 3, 3, 4), constant=True)
BIAS = Tensor(shape=(4,), constant=True)
ROW = Tensor(shape=(4,), dtype="int32", constant=True)
LONG_ROW = replace(ROW, dtype="int64")
ONE = Tensor(shape=(), constant=True)
PADS = Tensor(shape=(4, 2), dtype="int32", constant=True)
DYNAMIC = Tensor(shape=(1, None, None, 4))


def an(kind: str, *inputs: Tensor, to: Tensor = IMAGE, **others: object) -> Operator:
    return Operator(kind=kind, inputs=inputs, outputs=(to,), **others)  # type: ignore[arg-type]


CASES: dict[str, tuple[Operator, str, str, str]] = {
    "convolution": (an("CONV_2D", IMAGE, WEIGHTS, BIAS), "", "", ""),
    "grouped": (an("CONV_2D", IMAGE, WEIGHTS, BIAS, version=6), "", "version 6, its list has up to 5", ""),
    "no bias": (an("CONV_2D", IMAGE, WEIGHTS), "", "no bias", ""),
    "int8": (an("CONV_2D", INT8, WEIGHTS, BIAS, to=INT8, version=3), "", "", ""),
    "int16": (an("ADD", INT16, INT16, to=INT16), "computes in int16", "input of type int16", ""),
    "transposed": (an("TRANSPOSE_CONV", ROW, WEIGHTS, IMAGE, version=3), "", "", ""),
    "six sides": (
        an("TRANSPOSE", MANY, ROW, to=MANY, version=6),
        "6 dimensions, at most 4",
        "version 6, its list has up to 2",
        "6 dimensions, at most 5",
    ),
    "shape": (an("RESHAPE", MANY, ROW), "6 dimensions, at most 4", "6 dimensions, at most 4", ""),
    "version": (
        an("TRANSPOSE", IMAGE, ROW, version=6),
        "version 6, its list has up to 4",
        "version 6, its list has up to 2",
        "",
    ),
    "clip": (an("RELU_0_TO_1", IMAGE), "no RELU_0_TO_1 in its list", "no RELU_0_TO_1 in its list", ""),
    "reflected": (an("MIRROR_PAD", IMAGE, PADS, options={"mode": 0}), "", "", ""),
    "border": (an("MIRROR_PAD", IMAGE, PADS, options={"mode": 1}), "mode SYMMETRIC, REFLECT alone", "", ""),
    "gelu": (an("GELU", IMAGE), "", "no GELU in its list", ""),
    "rest": (an("FLOOR_MOD", IMAGE, ONE), "", "no FLOOR_MOD in its list", "input of type float32"),
    "places": (an("GATHER", IMAGE, LONG_ROW), "indices that are not a row of int32", "", ""),
    "compared": (an("GREATER", IMAGE, ONE, to=BOOL, readers=("SELECT_V2",)), "", "", ""),
    "compared twice": (
        an("GREATER", IMAGE, ONE, to=BOOL, readers=("SELECT_V2", "CAST")),
        "a comparison that other operators than one CAST or SELECT read",
        "",
        "",
    ),
    "selected": (an("SELECT_V2", BOOL, IMAGE, ONE), "", "no SELECT_V2 in its list", ""),
    "select": (an("SELECT", BOOL, IMAGE, IMAGE), "", "", ""),
    "matrices": (an("BATCH_MATMUL", FLAT, FLAT, to=FLAT), "", "", ""),
    "constant matrices": (
        an("BATCH_MATMUL", replace(FLAT, constant=True), FLAT, to=FLAT),
        "a constant factor that is no matrix on the right",
        "",
        "",
    ),
    "largest": (
        an("TOPK_V2", IMAGE, replace(ROW, shape=())),
        "no TOPK_V2 in its list",
        "",
        "",
    ),
    "broadcast": (an("ADD", IMAGE, Tensor(shape=(8, 4))), "operands of 4 and 2 dimensions", "", ""),
    "a value a channel": (an("MUL", IMAGE, BIAS), "", "", ""),
    "dynamic": (an("RELU", DYNAMIC, to=DYNAMIC), "dynamic shape", "dynamic shape", "dynamic shape"),
    "column": (
        an("STRIDED_SLICE", IMAGE, ROW, ROW, ROW, to=FLAT, options={"shrinkAxisMask": 4}),
        "shrinkAxisMask is set",
        "",
        "",
    ),
    "flex": (an("CUSTOM FlexErf", IMAGE), *("no CUSTOM FlexErf in its list",) * 3),
    "slopes": (an("PRELU", IMAGE, Tensor(shape=(1, 1, 4), constant=True)), "", "", ""),
    "sharp": (an("SOFTMAX", IMAGE, options={"beta": 2.0}), "beta is not 1", "", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_reason_of_each_delegate(name: str) -> None:
    operator, *reasons = CASES[name]
    assert [rules.why_refused(operator) for rules in DELEGATES] == reasons


def test_counts_of_a_graph_with_remedies() -> None:
    graph = [CASES[name][0] for name in ("convolution", "shape", "clip", "shape", "largest", "convolution")]
    gpu, nnapi, qnn = all_refusals(graph)
    assert gpu == Refusals(
        delegate="gpu",
        operators=6,
        refused=(
            Refusal(operator="RESHAPE", count=2, why="6 dimensions, at most 4", remedy=""),
            Refusal(
                operator="RELU_0_TO_1",
                count=1,
                why="no RELU_0_TO_1 in its list",
                remedy="--delegate gpu: RELU and MINIMUM",
            ),
            Refusal(operator="TOPK_V2", count=1, why="no TOPK_V2 in its list", remedy=""),
        ),
    )
    assert (gpu.count, nnapi.count, qnn.count) == (4, 3, 0)


def test_every_list_names_its_source_with_a_commit() -> None:
    assert [rules.name for rules in DELEGATES] == ["gpu", "nnapi", "qnn"]
    for rules in DELEGATES:
        assert rules.source.startswith("google-ai-edge/LiteRT, ")
        assert "f67457790c9c" in rules.source
        assert len(rules.operators) >= 60
