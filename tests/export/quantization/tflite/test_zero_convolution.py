"""A convolution whose weights are all zero, as pruning leaves it, keeps its bias and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.onnx_graph import constant, constants, convolutions
from edgesr.export.graphs.tflite_graph import (
    constant_values,
    read_tflite,
    set_constant,
    write_tflite,
)
from edgesr.export.quantization.plan import Plan
from edgesr.export.quantization.tflite.layers import find_layers
from edgesr.export.quantization.tflite.quantize import (
    Quantized,
    convert_to_8bit_weights,
    quantize_to_int8,
    quantize_to_int16,
)
from edgesr.export.quantization.tflite.quantizers import WEIGHTS_8BIT
from edgesr.runtimes.bundle.opening import Bundle
from tests.export.quantization.tflite.test_precisions import content_of, make_plan, output_of, run, tile_graph

Rewrite = Callable[[bytes, onnx.ModelProto, Plan], Quantized]
REWRITES: dict[str, Rewrite] = {
    "w8": lambda content, graph, _: convert_to_8bit_weights(read_tflite(content), graph, WEIGHTS_8BIT),
    "w8a16": lambda content, graph, plan: quantize_to_int16(read_tflite(content), graph, plan.ranges),
    "int8": lambda content, graph, plan: quantize_to_int8(read_tflite(content), graph, plan),
}


def with_zero_convolution(bundle: Bundle) -> tuple[bytes, onnx.ModelProto]:
    """The TFLite tile graph and its ONNX graph, with the same convolution zero in both."""
    model, graph = read_tflite(content_of(bundle, "tile")), tile_graph(bundle)
    matched = find_layers(model, use_dcr_order(graph))
    node = convolutions(graph)[3]
    tensor = constants(graph)[node.input[1]]
    layer = matched[node.name]
    set_constant(model, layer.operator, 1, np.zeros_like(constant_values(model, layer.weights)))
    tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(constant(graph, node.input[1])), tensor.name))
    return write_tflite(model), graph


@pytest.mark.slow
@pytest.mark.parametrize("precision", list(REWRITES))
def test_a_zero_convolution_stays_zero(mobile_bundle: Bundle, precision: str) -> None:
    content, graph = with_zero_convolution(mobile_bundle)
    rewritten = REWRITES[precision](content, graph, make_plan(mobile_bundle)).content
    image = photograph("cat", mobile_bundle.manifest.tile_size)
    output, expected = output_of(run(rewritten, image)), output_of(run(content, image))
    assert np.isfinite(output).all()
    error = float(np.sqrt(np.square(output - expected, dtype=np.float64).mean()))
    assert 0 < error < 0.2 * float(expected.std())
