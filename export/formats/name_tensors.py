"""Give the input and output of a TFLite file their names: onnx2tf can only do so with a compiler (flatc) at hand."""

from __future__ import annotations

from edgesr.export.graphs.tflite_graph import read_tflite, write_tflite


def name_tensors(content: bytes, *, input_name: str, output_name: str) -> bytes:
    """A TFLite file with one input and one output -> the same file with those two tensors renamed."""
    model = read_tflite(content)
    (graph,) = model.subgraphs
    (input_index,), (output_index,) = graph.inputs, graph.outputs
    graph.tensors[input_index].name = input_name.encode()
    graph.tensors[output_index].name = output_name.encode()
    return write_tflite(model)
