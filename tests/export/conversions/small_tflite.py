"""TFLite models of one operator, whose every number is in sight."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike

SIZE = (4, 6)


def tflite_convolution(rows: ArrayLike, bias: ArrayLike) -> Any:
    """A TFLite model of one 1x1 convolution of an image (1,4,6,3), with weights (out,in) and a bias (out,)."""
    weights = np.asarray(rows, dtype="<f4")[:, None, None]
    options = schema.Conv2DOptionsT(strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
    operator = schema.OperatorT(builtinOptionsType=schema.BuiltinOptions.Conv2DOptions, builtinOptions=options)
    return _model(operator, schema.BuiltinOperator.CONV_2D, (weights, np.asarray(bias, dtype="<f4")))


def tflite_custom(name: str) -> Any:
    """A TFLite model of one custom operator of an image (1,4,6,3)."""
    return _model(schema.OperatorT(), schema.BuiltinOperator.CUSTOM, (), custom=name.encode())


def _model(operator: Any, kind: int, constants: tuple[Any, ...], *, custom: bytes | None = None) -> Any:
    buffers = [schema.BufferT(), *(schema.BufferT(data=np.frombuffer(c.tobytes(), np.uint8)) for c in constants)]
    image = (1, *SIZE, 3)
    named = [("lr", image), *((f"constant{i}", c.shape) for i, c in enumerate(constants)), ("sr;", image)]
    places = [0, *range(1, len(constants) + 1), 0]
    tensors = [
        schema.TensorT(name=name.encode(), shape=list(shape), type=schema.TensorType.FLOAT32, buffer=place)
        for (name, shape), place in zip(named, places, strict=True)
    ]
    operator.inputs, operator.outputs = list(range(len(constants) + 1)), [len(constants) + 1]
    deprecated = min(kind, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    code = schema.OperatorCodeT(builtinCode=kind, deprecatedBuiltinCode=deprecated, version=1, customCode=custom)
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=operator.outputs, operators=[operator])
    return schema.ModelT(version=3, operatorCodes=[code], subgraphs=[graph], buffers=buffers)
