"""TFLite files of a few operators, written by the schema alone, and run in LiteRT with its delegate and without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgesr.export.graphs.for_delegates.editing import Editor
from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.runtimes.arrays import FloatArray


def graph_of(shape: Sequence[int]) -> Editor:
    """An editor of a graph that is empty but for its input, tensor 0."""
    tensor = schema.TensorT(shape=np.array(shape, dtype=np.int32), type=schema.TensorType.FLOAT32, name=b"lr")
    tensor.hasRank, tensor.quantization = True, schema.QuantizationParametersT()
    graph = schema.SubGraphT(tensors=[tensor], inputs=[0], outputs=[0], operators=[], name=b"main")
    return Editor(
        schema.ModelT(version=3, operatorCodes=[], subgraphs=[graph], buffers=[schema.BufferT()], description=b"small")
    )


def add(
    editor: Editor,
    kind: str,
    inputs: Sequence[int],
    shape: Sequence[int],
    options: object = None,
    *,
    version: int = 1,
) -> int:
    """Put an operator at the end of a graph, and give its result, which is the graph's output until the next one."""
    output = editor.tensor(0, shape, "t")
    operator = editor.operator(kind, inputs, output, options)
    if version > 1:
        number = getattr(schema.BuiltinOperator, kind)
        code = schema.OperatorCodeT(builtinCode=number, deprecatedBuiltinCode=min(number, 127), version=version)
        editor.model.operatorCodes.append(code)
        operator.opcodeIndex = len(editor.model.operatorCodes) - 1
    editor.graph.operators.append(operator)
    editor.graph.outputs = np.array([output], dtype=np.int32)
    return output


def transposed(editor: Editor, source: int, permutation: Sequence[int], *, version: int = 1) -> int:
    """Put a TRANSPOSE at the end of a graph."""
    sides = editor.shape(source)
    shape = [sides[axis] for axis in permutation]
    inputs = [source, editor.constant(permutation)]
    return add(editor, "TRANSPOSE", inputs, shape, schema.TransposeOptionsT(), version=version)


def reshaped(editor: Editor, source: int, shape: Sequence[int]) -> int:
    """Put a RESHAPE at the end of a graph."""
    options = schema.ReshapeOptionsT(newShape=np.array(shape, dtype=np.int32))
    return add(editor, "RESHAPE", [source, editor.constant(shape)], shape, options)


def run(model: object, image: FloatArray, *, delegated: bool) -> FloatArray:
    """The output of a model in LiteRT, with XNNPACK or without."""
    kinds = OpResolverType
    interpreter = Interpreter(
        model_content=write_tflite(model),
        num_threads=1,
        experimental_op_resolver_type=kinds.AUTO if delegated else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, image.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, image)
    interpreter.invoke()
    values: FloatArray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return values
