"""Give the input and output of a TFLite file their names: onnx2tf can only do so with a compiler (flatc) at hand."""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_FILE_IDENTIFIER = b"TFL3"


def name_tensors(content: bytes, *, input_name: str, output_name: str) -> bytes:
    """A TFLite file with one input and one output -> the same file with those two tensors renamed."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    (graph,) = model.subgraphs
    (input_index,), (output_index,) = graph.inputs, graph.outputs
    graph.tensors[input_index].name = input_name.encode()
    graph.tensors[output_index].name = output_name.encode()
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())
