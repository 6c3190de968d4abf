"""The part of a graph that a delegate takes: the rule of division, the prediction from an ONNX graph, and what LiteRT
did.
"""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgesr.export.conversions.delegate_prediction import predict
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.adapters.tflite import delegation_of
from edgesr.runtimes.bundle.delegation import DelegateUse, Delegation, GraphOperator, divide, read_partitions
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.small_graphs import conv, kernels, make_graph

PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
WEIGHTS = {f"body.{name}.weight": kernels(np.eye(3)) for name in ("a", "b")}
BIASES = {f"body.{name}.bias": np.zeros(3) for name in ("a", "b")}


def operators(*rows: tuple[str, str, str]) -> list[GraphOperator]:
    """Operators from (kind, blank-separated inputs, output)."""
    return [GraphOperator(kind=kind, inputs=tuple(i.split()), outputs=(o,)) for kind, i, o in rows]


CHAIN = operators(("A", "x w", "a"), ("B", "a", "b"), ("C", "b", "c"), ("B", "c", "d"), ("A", "d", "e"))


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([True] * 5, Delegation(partitions=1, fallback={})),
        ([False] * 5, Delegation(partitions=0, fallback={"A": 2, "B": 2, "C": 1})),
        ([True, False, True, False, True], Delegation(partitions=3, fallback={"B": 2})),
        ([False, True, True, True, False], Delegation(partitions=1, fallback={"A": 2})),
    ],
)
def test_a_chain_is_divided_at_every_fallback(taken: list[bool], expected: Delegation) -> None:
    assert divide(CHAIN, taken) == expected


def test_branches_share_a_part_when_they_can_run_together() -> None:
    branches = operators(("A", "x", "a"), ("P", "x", "p"), ("A", "p", "b"), ("A", "a b", "y"))
    assert divide(branches, [True, False, True, True]).partitions == 2
    waiting = operators(("P", "x", "p"), ("A", "x", "a"), ("A", "p a", "y"))
    assert divide(waiting, [False, True, True]).partitions == 1


def test_parts_of_a_loaded_graph_are_read_from_what_enters_and_leaves() -> None:
    parts = operators(("DELEGATE", "x w", "a"), ("DELEGATE", "b", "c"))
    assert read_partitions(CHAIN, parts) == Delegation(partitions=2, fallback={"A": 1, "B": 2})
    assert read_partitions(CHAIN, ()) == Delegation(partitions=0, fallback={"A": 2, "B": 2, "C": 1})


@pytest.mark.parametrize(
    ("mode", "precision", "expected"),
    [
        ("constant", "fp32", Delegation(partitions=1, fallback={})),
        ("reflect", "fp32", Delegation(partitions=2, fallback={"MIRROR_PAD": 1})),
        ("edge", "int8", Delegation(partitions=2, fallback={"MIRROR_PAD": 1})),
        ("constant", "w8a16", Delegation(partitions=1, fallback={"CONV_2D": 2, "DEQUANTIZE": 2, "QUANTIZE": 2})),
    ],
)
def test_prediction_from_pads_and_precision(mode: str, precision: Precision, expected: Delegation) -> None:
    pad = helper.make_node("Pad", ["a", "pads"], ["padded"], mode=mode)
    model = make_graph([conv("a", "x", "a"), pad, conv("b", "padded", "y")], {**WEIGHTS, **BIASES, "pads": PADS})
    assert predict(model, graph="tile", wide=model if precision == "w8a16" else None) == expected


def test_factors_before_convolutions_and_sizes_are_no_operators() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["height"]),
        helper.make_node("Div", ["x", "range"], ["scaled"]),
        conv("a", "scaled", "y"),
    ]
    constants = {**WEIGHTS, **BIASES, "range": 255.0, "axis": np.array(2, dtype=np.int64)}
    model = make_graph(nodes, constants)
    assert predict(model, graph="full", wide=model) == Delegation(
        partitions=0, fallback={"CONV_2D": 1, "DEQUANTIZE": 1, "QUANTIZE": 1}
    )


def test_litert_takes_what_was_predicted_of_every_file(
    mobile_bundle: Bundle, projection_bundle: Bundle, quantized_bundle: Bundle
) -> None:
    uses: dict[tuple[str, str], DelegateUse] = {}
    for bundle in (mobile_bundle, projection_bundle, quantized_bundle):
        for artifact in bundle.manifest.artifacts:
            if artifact.format == "tflite":
                (use,) = artifact.uses
                assert use.delegate is not None
                uses[bundle.root.name, artifact.id] = use.delegate
    assert len(uses) >= 15
    for name, told in uses.items():
        assert (name, told.predicted) == (name, told.found)
    pads = {"MIRROR_PAD": 7, "TOPK_V2": 1, "GATHER": 1}
    assert uses["projection", "tflite-fp32-full-32x32"].found == Delegation(partitions=6, fallback=pads)
    assert uses["projection", "tflite-fp32-tile-32x32"].found.partitions == 6
    assert uses["mobile", "tflite-fp32-tile-64x64"].found == Delegation(partitions=1, fallback={})
    assert uses["quantized", "tflite-w8a16-tile-64x64"].found.partitions == 14
    assert all(u.delegate is None for a in mobile_bundle.manifest.artifacts if a.format != "tflite" for u in a.uses)


def test_without_a_delegate_nothing_is_taken(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("tflite-fp32-tile-64x64")
    assert delegation_of(mobile_bundle.path(artifact.file)).partitions == 1
    session = open_session(mobile_bundle, artifact, exact=True).session.session  # type: ignore[attr-defined]
    session.run(np.zeros((1, 64, 64, 3), dtype=np.float32))
    details = session.interpreter._get_ops_details()
    assert "DELEGATE" not in {one["op_name"] for one in details}
