"""Graphs of one network in which operators are written otherwise, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgesr.export.diff.differences import compare
from edgesr.export.graphs.layer_graphs import Layer, LayerGraph, LayerTensors, Operation, layers_of, number_slices
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.operators import (
    ADD,
    BOUND,
    CONVOLUTION,
    DEPTH_TO_SPACE,
    DEQUANTIZE,
    LAYOUT,
    LINEAR,
    PAD,
    QUANTIZE,
    SCALE,
    SHIFT,
    SLICE,
    TRANSPOSED_CONVOLUTION,
)
from edgesr.runtimes.errors import EdgesrError


def op(kind: str, inputs: str, output: str, weights: tuple[int, ...] | None = None, place: int = 0) -> Operation:
    return Operation(kind=kind, inputs=tuple(inputs.split()), output=output, weight_shape=weights, place=place)


def conv(source: str, output: str, outputs: int = 8, inputs: int = 8) -> Operation:
    return op(CONVOLUTION, source, output, (outputs, inputs, 3, 3))


def graph(*operations: Operation) -> LayerGraph:
    return LayerGraph("x", operations[-1].output, operations)


def test_a_layer_norm_in_pieces_is_found_by_what_reads_it() -> None:
    reference = graph(
        conv("x", "head", inputs=3),
        op("LayerNormalization", "head", "norm"),
        op(LINEAR, "norm", "linear", (8, 16)),
        op("Gelu", "linear", "gelu"),
        op(LINEAR, "gelu", "back", (8, 16)),
        op(ADD, "back head", "end"),
    )
    pieces = graph(
        conv("x", "1", inputs=3),
        op("ReduceMean", "1", "2"),
        op("SquaredDifference", "1 2", "3"),
        op("ReduceMean", "3", "4"),
        op("Rsqrt", "4", "5"),
        op("Mul", "1 5", "6"),
        op("Mul", "2 5", "7"),
        op("Sub", "6 7", "8"),
        op(LAYOUT, "8", "9"),
        op(LINEAR, "9", "10", (8, 16)),
        op("Gelu", "10", "11"),
        op(LINEAR, "11", "12", (8, 16)),
        op(ADD, "12 1", "13"),
    )
    found = match_layers(pieces, reference)
    assert found.tensors == {"head": "1", "norm": "9", "linear": "10", "gelu": "11", "back": "12", "end": "13"}
    assert found.candidates("norm") == ("9", "8"), "or the tensor before its values are ordered otherwise"
    assert found.operations == {"1": "head", "10": "linear", "11": "gelu", "12": "back", "13": "end"}


def test_a_pixel_shuffle_that_is_a_transpose_is_found_in_a_sum() -> None:
    reference = graph(
        conv("x", "body", outputs=12, inputs=3),
        op("Resize", "x", "base"),
        op(DEPTH_TO_SPACE, "body", "shuffled"),
        op(ADD, "shuffled base", "end"),
    )
    moved = graph(
        op("Resize", "x", "1"),
        conv("x", "2", outputs=12, inputs=3),
        op(LAYOUT, "2", "3"),
        op(LAYOUT, "3", "4"),
        op(ADD, "4 1", "5"),
    )
    found = match_layers(moved, reference)
    assert found.tensors["end"] == "5" and found.tensors["base"] == "1" and found.tensors["body"] == "2"
    assert found.operations["5"] == "end" and found.tensors["shuffled"] == "4"


def test_an_upsampling_that_is_a_convolution_is_found_in_a_sum() -> None:
    """Its weights are none of the network's; weights that the network has are passed over in no case."""
    base = op("Resize", "x", "base")
    reference = graph(base, conv("x", "body", outputs=12, inputs=3), op(ADD, "body base", "end"))
    phases = op(CONVOLUTION, "1", "2", (12, 3, 5, 5))
    written = graph(
        op(PAD, "x", "1"),
        phases,
        op(DEPTH_TO_SPACE, "2", "3"),
        conv("x", "4", outputs=12, inputs=3),
        op(ADD, "4 3", "5"),
    )
    assert match_layers(written, reference).tensors == {"base": "3", "body": "4", "end": "5"}
    with pytest.raises(EdgesrError, match="no operator is the same"):
        match_layers(written, graph(base, conv("x", "body", outputs=12, inputs=3), conv("base", "end", inputs=3)))


def test_a_tensor_that_only_pieces_read_is_doubtful() -> None:
    """A factor of what they are pieces of may be in the weights: what they give tells whether the layer is wrong."""
    reference = graph(
        conv("x", "body", inputs=3),
        conv("body", "gate"),
        op("HardSigmoid", "gate", "open"),
        op("Mul", "body open", "end"),
    )
    pieces = graph(
        conv("x", "1", inputs=3), conv("1", "2"), op(BOUND, "2", "3"), op("Relu", "3", "4"), op("Mul", "1 4", "5")
    )
    found = match_layers(pieces, reference)
    assert found.tensors == {"body": "1", "gate": "2", "open": "4", "end": "5"} and found.doubtful == {"gate"}
    assert match_layers(reference, reference).doubtful == set()


def test_a_tensor_that_is_quantized_in_the_range_of_a_relu_is_doubtful() -> None:
    """Values below 0 are lost, and the ReLU takes them away anyway."""
    reference = graph(conv("x", "a", inputs=3), op("Relu", "a", "b"), conv("b", "c"), op("LeakyRelu", "c", "end"))
    quantized = graph(
        conv("x", "1", inputs=3),
        op(QUANTIZE, "1", "2"),
        op(DEQUANTIZE, "2", "3"),
        op("Relu", "3", "4"),
        conv("4", "5"),
        op(QUANTIZE, "5", "6"),
        op(DEQUANTIZE, "6", "7"),
        op("LeakyRelu", "7", "8"),
    )
    found = match_layers(quantized, reference)
    assert found.tensors == {"a": "2", "b": "4", "c": "6", "end": "8"} and found.doubtful == {"a"}


def test_a_doubtful_layer_is_compared_by_its_reader() -> None:
    layers = [
        Layer(tensor="gate", layer="gate", operator=CONVOLUTION),
        Layer(tensor="open", layer="gate", operator="HardSigmoid"),
    ]

    def tensors(gate: float, opened: float, doubtful: frozenset[str]) -> LayerTensors:
        values = {"gate": gate, "open": opened}
        read = {name: (np.full((2, 3, 4), value, dtype=np.float32),) for name, value in values.items()}
        return LayerTensors(frozenset(values), read.__getitem__, doubtful)

    expected = tensors(1, 1, frozenset())
    for gate, opened, doubtful, names in (
        (2, 1, frozenset(["gate"]), [("gate > HardSigmoid", True)]),
        (2, 2, frozenset(["gate"]), [("gate > HardSigmoid", False)]),
        (1, 1, frozenset(["gate"]), [("gate", True), ("gate > HardSigmoid", True)]),
        (2, 2, frozenset[str](), [("gate", False), ("gate > HardSigmoid", False)]),
    ):
        found = compare(layers, tensors(gate, opened, doubtful), expected, 1e-4)
        assert [(layer.name, layer.passed) for layer in found] == names


def test_a_picture_that_ends_in_an_unknown_operator_is_the_end() -> None:
    reference = graph(conv("x", "body", inputs=3), op("HardSwish", "body", "end"))
    pieces = graph(conv("x", "1", inputs=3), op(SHIFT, "1", "2"), op("Clip", "2", "3"), op("Mul", "1 3", "4"))
    assert match_layers(pieces, reference).tensors == {"body": "1", "end": "4"}


def test_an_unknown_operator_leads_to_no_layer_behind_other_weights() -> None:
    """The inputs of the operator tell too little: a wrong pair would be a false alarm."""
    reference = graph(conv("x", "a"), conv("a", "b"), op("Relu", "b", "end"))
    other = graph(conv("x", "1"), op("Tanh", "1", "2"), op("Relu", "2", "3"))
    with pytest.raises(EdgesrError, match=r"after a no operator is the same.* edgesr parity compares its"):
        match_layers(other, reference)


def test_a_fused_activation_that_is_written_otherwise_is_passed_over() -> None:
    reference = graph(conv("x", "a", inputs=3), op("Pow", "a", "p"), op("Mul", "a p", "m"), conv("m", "end"))
    fused = Operation(kind=CONVOLUTION, inputs=("x",), output="1", weight_shape=(8, 3, 3, 3), activation="SquaredRelu")
    found = match_layers(graph(fused, conv("1", "2")), reference)
    assert found.tensors == {"m": "1", "end": "2"} and found.operations == {"1": "a", "2": "end"}


def test_slices_are_told_apart_by_where_they_begin() -> None:
    reference = graph(
        conv("x", "body"), op(SLICE, "body", "kept"), op(SLICE, "body", "rest", place=1), conv("rest", "end", inputs=4)
    )
    slices = number_slices(
        (conv("x", "1"), op(QUANTIZE, "1", "q"), op(SLICE, "q", "2"), op(SLICE, "1", "3"), conv("2", "4", inputs=4)),
        {"2": (0, 0, 0, 4), "3": (0, 0, 0, 0)},
    )
    found = match_layers(LayerGraph("x", "4", slices), reference)
    assert found.tensors == {"body": "q", "rest": "2", "end": "4"}
    assert [layer.tensor for layer in layers_of(reference)] == ["body", "end"], "slices are parts of what is compared"


def test_constants_that_one_reader_has_folded_are_other_tensors_of_a_layer() -> None:
    reference = graph(conv("x", "a"), conv("a", "b"), op(ADD, "a b", "end"))
    split = graph(conv("x", "1"), op(SHIFT, "1", "2"), conv("1", "3"), op(ADD, "2 3", "4"))
    found = match_layers(split, reference)
    assert found.tensors == {"a": "1", "b": "3", "end": "4"}
    assert found.candidates("a") == ("1", "2") and found.candidates("b") == ("3",)


def test_values_are_carried_on_behind_constants_and_what_is_cut_off() -> None:
    reference = graph(op(TRANSPOSED_CONVOLUTION, "x", "up", (3, 8, 4, 4)), op(SCALE, "up", "end"))
    cut = graph(op(TRANSPOSED_CONVOLUTION, "x", "1", (3, 8, 4, 4)), op(PAD, "1", "2"), op(SCALE, "2", "3"))
    found = match_layers(cut, reference)
    assert found.tensors == {"up": "3"} and found.candidates("up") == ("3", "1", "2")
    assert match_layers(reference, reference).tensors == {"up": "end"}
