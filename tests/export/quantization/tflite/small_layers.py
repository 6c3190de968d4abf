"""TFLite models of one layer of each kind, and the same layer as an ONNX graph, both of an image of 4x6 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from edgesr.runtimes.arrays import FloatArray

HEIGHT, WIDTH = 4, 6
_CONVOLVES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": schema.Padding.VALID}
_OPTIONS = {
    "CONV_2D": ("Conv2DOptions", _CONVOLVES),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", {**_CONVOLVES, "depthMultiplier": 1}),
    "TRANSPOSE_CONV": ("TransposeConvOptions", {"strideH": 2, "strideW": 2, "padding": schema.Padding.VALID}),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {"keepNumDims": True}),
}


@dataclass(frozen=True)
class SmallLayer:
    """An ONNX node with ``weights`` as ONNX has them, of an image of some channels -> a picture (o,h,w)."""

    operator: str
    kind: str
    channels: int
    weights: FloatArray
    output: tuple[int, int, int]
    attributes: dict[str, Any]

    @property
    def bias(self) -> FloatArray:
        return np.arange(1, self.output[0] + 1, dtype=np.float32)

    def image(self) -> FloatArray:
        shape = (self.channels, HEIGHT, WIDTH)
        return np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)

    def graph(self) -> onnx.ModelProto:
        """The node "layer", with a bias but for a MatMul; matrices are applied to (1,h,w,c) between transposes."""
        matrix = self.operator == "MatMul"
        inputs = ["moved" if matrix else "x", "body.weight", *([] if matrix else ["body.bias"])]
        node = helper.make_node(self.operator, inputs, ["y.moved" if matrix else "y"], name="layer", **self.attributes)
        around = [helper.make_node("Transpose", ["x"], ["moved"], perm=[0, 2, 3, 1])] if matrix else []
        behind = [helper.make_node("Transpose", ["y.moved"], ["y"], perm=[0, 3, 1, 2])] if matrix else []
        image, picture = (1, self.channels, HEIGHT, WIDTH), (1, *self.output)
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", image), ("y", picture))]
        constants = [
            numpy_helper.from_array(self.weights, "body.weight"),
            numpy_helper.from_array(self.bias, "body.bias"),
        ]
        graph = helper.make_graph([*around, node, *behind], "layer", ends[:1], ends[1:], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)

    def model(self, weights: FloatArray, bias: FloatArray) -> Any:
        """The operator with weights in its own layout."""
        options, fields = _OPTIONS[self.kind]
        sizes = np.array([1, *self.output[1:], self.output[0]], dtype="<i4")
        constants = [weights.astype("<f4"), bias.astype("<f4"), *([sizes] if self.kind == "TRANSPOSE_CONV" else [])]
        tensors = [_tensor("lr", (1, HEIGHT, WIDTH, self.channels), 0), _tensor("sr", tuple(sizes), 0)]
        tensors += [_tensor(f"constant{i}", c.shape, i + 1, c.dtype.kind) for i, c in enumerate(constants)]
        operator = schema.OperatorT(
            builtinOptionsType=getattr(schema.BuiltinOptions, options),
            builtinOptions=getattr(schema, f"{options}T")(**fields),
            inputs=[4, 2, 0, 3] if self.kind == "TRANSPOSE_CONV" else [0, 2, 3],
            outputs=[1],
        )
        code = getattr(schema.BuiltinOperator, self.kind)
        version = 3 if self.kind == "TRANSPOSE_CONV" else 1
        return schema.ModelT(
            version=3,
            operatorCodes=[schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=version)],
            subgraphs=[schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[1], operators=[operator])],
            signatureDefs=[_signature()],
            buffers=[schema.BufferT(), *(schema.BufferT(data=np.frombuffer(c.tobytes(), np.uint8)) for c in constants)],
        )


def _signature() -> Any:
    """Names of the image and the picture, which tools ask for."""
    ends = [schema.TensorMapT(name=name.encode(), tensorIndex=index) for index, name in enumerate(("lr", "sr"))]
    return schema.SignatureDefT(inputs=ends[:1], outputs=ends[1:], signatureKey=b"serving_default", subgraphIndex=0)


def _tensor(name: str, shape: tuple[int, ...], buffer: int, kind: str = "f") -> Any:
    number = schema.TensorType.FLOAT32 if kind == "f" else schema.TensorType.INT32
    return schema.TensorT(name=name.encode(), shape=[int(side) for side in shape], type=number, buffer=buffer)


def _weights(*shape: int) -> FloatArray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


SMALL_LAYERS = {
    "convolution": SmallLayer("Conv", "CONV_2D", 3, _weights(5, 3, 2, 3), (5, 3, 4), {}),
    "groups": SmallLayer("Conv", "CONV_2D", 4, _weights(6, 2, 2, 3), (6, 3, 4), {"group": 2}),
    "depthwise": SmallLayer("Conv", "DEPTHWISE_CONV_2D", 3, _weights(3, 1, 2, 3), (3, 3, 4), {"group": 3}),
    "depthwise as groups": SmallLayer("Conv", "CONV_2D", 3, _weights(3, 1, 2, 3), (3, 3, 4), {"group": 3}),
    "transposed": SmallLayer(
        "ConvTranspose", "TRANSPOSE_CONV", 3, _weights(3, 5, 2, 4), (5, 8, 14), {"strides": [2, 2]}
    ),
    "matrix": SmallLayer("MatMul", "FULLY_CONNECTED", 3, _weights(3, 5), (5, 4, 6), {}),
    "1x1": SmallLayer("Conv", "FULLY_CONNECTED", 3, _weights(5, 3, 1, 1), (5, 4, 6), {}),
}
