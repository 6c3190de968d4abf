"""The operators of a TFLite file as they are read from its bytes."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.runtimes.delegates.operators import Tensor
from edgesr.runtimes.delegates.tflite_file import read_operators
from edgesr.runtimes.errors import InputError
from tests.export.graphs.tflite_graphs import add, graph_of, transposed

SHAPE = (1, 6, 5, 2)


def test_kinds_versions_tensors_options_and_readers() -> None:
    editor = graph_of(SHAPE)
    soft = add(editor, "SOFTMAX", [0], SHAPE, schema.SoftmaxOptionsT(beta=0.5), version=2)
    turned = transposed(editor, soft, (0, 2, 1, 3))
    add(editor, "ADD", [turned, turned], (1, 5, 6, 2), schema.AddOptionsT())
    first, second, third = read_operators(write_tflite(editor.model))
    assert (first.kind, first.version, first.readers) == ("SOFTMAX", 2, ("TRANSPOSE",))
    assert dict(first.options) == {"beta": 0.5}
    assert first.inputs == (Tensor(shape=SHAPE),)
    assert second.inputs == (Tensor(shape=SHAPE), Tensor(shape=(4,), dtype="int32", constant=True))
    assert second.computed_inputs == (Tensor(shape=SHAPE),)
    assert second.readers == ("ADD", "ADD")
    assert (third.kind, third.readers) == ("ADD", ())


def test_weights_in_float16_are_constants_and_their_unpacking_is_none_of_the_operators() -> None:
    editor = graph_of(SHAPE)
    packed = editor.constant([1.0, 2.0], "<f4")
    tensor = editor.graph.tensors[packed]
    tensor.type = schema.TensorType.FLOAT16
    halves = np.array([1, 2], dtype="<f2")
    editor.model.buffers[tensor.buffer].data = np.frombuffer(halves.tobytes(), dtype=np.uint8)
    slopes = add(editor, "DEQUANTIZE", [packed], (2,))
    add(editor, "MUL", [0, slopes], SHAPE, schema.MulOptionsT())
    (only,) = read_operators(write_tflite(editor.model))
    assert only.kind == "MUL"
    assert [tensor.constant for tensor in only.inputs] == [False, True]


def test_sides_that_are_not_fixed() -> None:
    editor = graph_of(SHAPE)
    editor.graph.tensors[0].shapeSignature = np.array([1, -1, -1, 2], dtype=np.int32)
    add(editor, "RELU", [0], SHAPE)
    (only,) = read_operators(write_tflite(editor.model))
    assert only.inputs[0].shape == (1, None, None, 2)


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00TFL3", b"no model, whatever its name is\n" * 9])
def test_what_is_no_tflite_file_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="not a TFLite model, or damaged"):
        read_operators(content)
