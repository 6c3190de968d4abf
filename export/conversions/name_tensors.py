"""Give the input and output of a TFLite file their names: onnx2tf can only do so with a compiler (flatc) at hand."""

from __future__ import annotations

from typing import Any


def name_tensors(model: Any, *, input_name: str, output_name: str) -> None:
    """Rename the one input and the one output of a model (`read_tflite`)."""
    (graph,) = model.subgraphs
    (input_index,), (output_index,) = graph.inputs, graph.outputs
    graph.tensors[input_index].name = input_name.encode()
    graph.tensors[output_index].name = output_name.encode()
