"""ONNX Q/DQ graphs by onnxruntime's quantizer, with our ranges and our choice of layers.

Activations are uint8 per tensor, weights int8 per channel in 7 bits: the sum of two products then fits into 16 bits, so
that x86 CPUs without VNNI compute what phones and exact arithmetic compute (the int8 kernels saturate there
otherwise). 16-bit activations are symmetric int16 with weights of 8 bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

from edgesr.export.graphs.image_parts import float_end, names_of
from edgesr.export.graphs.onnx_graph import copied, image_nodes, is_grouped_transposed, weighted_nodes
from edgesr.export.graphs.operators import ACTIVATIONS, ADD, DEPTH_TO_SPACE, MATRIX_PRODUCT, MOVES, PAD, WEIGHTED
from edgesr.export.quantization.own_constants import with_own_constants
from edgesr.export.quantization.plan import Range
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import Scope

ALL_OPERATORS = (*WEIGHTED, *ACTIVATIONS, ADD, PAD, DEPTH_TO_SPACE, *MOVES)
_MICROSOFT_OPSET = ("com.microsoft", 1)


def quantized_operators(scope: Scope) -> tuple[str, ...]:
    """Operator types that are quantized in a scope, those of WEIGHTED where they have constant weights.

    All others stay in float: norms, softmax and smooth activations, whose values have few levels where most of them
    are, products and quotients of activations, means, resizes.
    """
    return ALL_OPERATORS if scope == "all" else WEIGHTED


def nodes_in_float(model: onnx.ModelProto, scope: Scope) -> list[str]:
    """Names of the nodes of a scope's operators that stay in float whatever the plan.

    They compute with sizes, multiply two activations, add the image's own base to what the layers give, or are
    transposed convolutions of groups, whose biases the quantizer would scale by the weights of one group.
    """
    layers = {node.output[0] for node in weighted_nodes(model) if not is_grouped_transposed(node)}
    pixels = {name for node in image_nodes(model) for name in node.output}
    end = float_end(model)
    operators = quantized_operators(scope)
    kept = {
        node.output[0]
        for node in model.graph.node
        if node.op_type in operators
        and (node.output[0] not in (layers if node.op_type in WEIGHTED else pixels) or node.output[0] in end)
    }
    return names_of(model, kept)


def quantize_onnx(
    model: onnx.ModelProto,
    ranges: Mapping[str, Range],
    *,
    scope: Scope,
    float_layers: Iterable[str] = (),
    reduced_range: bool = True,
    activation_bits: int = 8,
) -> onnx.ModelProto:
    """The model with Q/DQ around its operators, all but the nodes named in ``float_layers``."""
    model = _with_named_nodes(model)
    kept = {*float_layers, *nodes_in_float(model, scope)}
    model = with_own_constants(model, {node.name for node in weighted_nodes(model)} - kept)
    with tempfile.TemporaryDirectory(prefix="edgesr-quantize-") as folder:
        path = Path(folder) / "float.onnx"
        onnx.save(model, path)
        inferred = load_model_with_shape_infer(path)
    activation = QuantType.QUInt8 if activation_bits == 8 else QuantType.QInt16
    quantizer = QDQQuantizer(
        inferred,
        True,  # per channel
        reduced_range,
        QuantType.QInt8,
        activation,
        _tensors_data(ranges, symmetric=activation_bits == 16),
        [],
        sorted(kept),
        list(quantized_operators(scope)),
        {
            "ActivationSymmetric": activation_bits == 16,
            "UseQDQContribOps": activation_bits == 16,
            "QDQKeepRemovableActivations": True,
            "QDQOpTypePerChannelSupportToAxis": {MATRIX_PRODUCT: 1},
        },
    )
    quantizer.quantize_model()
    result: onnx.ModelProto = quantizer.model.model
    if activation_bits == 16 and not any(o.domain == _MICROSOFT_OPSET[0] for o in result.opset_import):
        result.opset_import.append(onnx.helper.make_opsetid(*_MICROSOFT_OPSET))
    return result


def with_biases(model: onnx.ModelProto, biases: Mapping[str, FloatArray]) -> onnx.ModelProto:
    """A copy of a float model in which the layers of these node names, but matrix products, have these biases (c,)."""
    result = copied(model)
    tensors = result.graph.initializer
    for node in weighted_nodes(result):
        if node.name in biases and node.op_type != MATRIX_PRODUCT:
            name = f"{node.name}.corrected_bias"
            node.input[:] = [*node.input[:2], name]
            tensors.append(numpy_helper.from_array(biases[node.name].astype(np.float32), name))
    used = {name for node in result.graph.node for name in node.input}
    kept = [tensor for tensor in tensors if tensor.name in used]
    del tensors[:]
    tensors.extend(kept)
    return result


def _with_named_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which every node has a name, by which the quantizer leaves nodes out."""
    result = copied(model)
    for node in result.graph.node:
        node.name = node.name or f"node of {node.output[0]}"
    return result


def _tensors_data(ranges: Mapping[str, Range], *, symmetric: bool) -> TensorsData:
    data = {}
    for name, (low, high) in ranges.items():
        bound = max(-low, high)
        ends = (-bound, bound) if symmetric else (low, high)
        data[name] = TensorData(lowest=np.float32(ends[0]), highest=np.float32(ends[1]))
    return TensorsData(CalibrationMethod.MinMax, data)
