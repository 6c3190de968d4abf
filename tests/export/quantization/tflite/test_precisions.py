"""TFLite files of lower precision: which of their tensors are which, and what is in them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.calibration.photographs import photograph, sample_tiles
from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.onnx_graph import constant, convolutions, layer_names, runner
from edgesr.export.graphs.tflite_graph import (
    constant_values,
    operator_name,
    read_tflite,
    write_tflite,
)
from edgesr.export.quantization.plan import Plan
from edgesr.export.quantization.ranges import choose_range, collect_histograms, image_ranges, wide_ranges
from edgesr.export.quantization.tflite.layers import find_layers
from edgesr.export.quantization.tflite.quantize import quantize_to_int8, quantize_to_int16
from edgesr.export.quantization.tflite.same_values import same_values
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, keep_sums
from edgesr.runtimes.bundle.opening import Bundle

FLOAT32, FLOAT16 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
INT8, INT16 = schema.TensorType.INT8, schema.TensorType.INT16
CALIBRATION = sample_tiles(3, (24, 24))


def content_of(bundle: Bundle, kind: str, precision: str = "fp32") -> bytes:
    found = [a for a in bundle.manifest.artifacts if a.id.startswith(f"tflite-{precision}-{kind}-")]
    return bundle.path(found[0].file).read_bytes()


def tile_graph(bundle: Bundle) -> onnx.ModelProto:
    return onnx.load(bundle.path(bundle.artifact("onnx-fp32-tile").file))


def operators(model: Any, kind: str) -> list[Any]:
    return [op for op in model.subgraphs[0].operators if operator_name(model, op) == kind]


def tensor(model: Any, index: int) -> Any:
    return model.subgraphs[0].tensors[index]


def output_kind(model: Any, operator: Any) -> int:
    return int(tensor(model, operator.outputs[0]).type)


def run(content: bytes, image: NDArray[np.float32], *, keep: bool = False) -> Interpreter:
    """The answer to an image (3,h,w) by LiteRT's own kernels."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=plain, experimental_preserve_all_tensors=keep
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.transpose(1, 2, 0)[None].copy())
    interpreter.invoke()
    return interpreter


def output_of(interpreter: Interpreter) -> NDArray[np.float32]:
    values: NDArray[np.float32] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return values


def make_plan(bundle: Bundle, **changes: Any) -> Plan:
    """All in int8, all values of three photographs."""
    model = tile_graph(bundle)
    tensors = list(dict.fromkeys(name for n in model.graph.node for name in (n.input[0], *n.output)))
    histograms = collect_histograms(model, tensors, CALIBRATION)
    ranges = {n: choose_range(h, "minmax") for n, h in histograms.items()} | image_ranges(model, tensors)
    fields = {"scope": "all", "range_method": "minmax", "ranges": ranges, "labels": layer_names(model)}
    return Plan(**(fields | changes))


@pytest.fixture(scope="module")
def projection_int8(projection_bundle: Bundle) -> bytes:
    """The full graph with projection, all operators of its body in int8."""
    return quantize_to_int8(
        read_tflite(content_of(projection_bundle, "full")), tile_graph(projection_bundle), make_plan(projection_bundle)
    ).content


@pytest.mark.parametrize("kind", ["tile", "full"])
def test_every_convolution_is_found(any_bundle: Bundle, kind: str) -> None:
    """With its weights in any scale; those of the noise level are left."""
    model, reference = read_tflite(content_of(any_bundle, kind)), use_dcr_order(tile_graph(any_bundle))
    found = find_layers(model, reference)
    assert list(found) == [n.name for n in convolutions(reference)]
    assert len({id(layer.operator) for layer in found.values()}) == len(found)
    noise_level = 2 if kind == "full" and any_bundle.manifest.glue.noise_level else 0
    upsampling = 1 if kind == "tile" and any_bundle.manifest.glue.noise_level else 0
    assert len(operators(model, "CONV_2D")) == len(found) + noise_level + upsampling
    for node in convolutions(reference):
        expected = found[node.name].in_layout(constant(reference, node.input[1])) * found[node.name].factor
        values = constant_values(model, found[node.name].weights)
        assert np.abs(values - expected).max() <= 1e-4 * np.abs(values).max()


def test_a_layer_with_other_weights_is_left_out(mobile_bundle: Bundle, projection_bundle: Bundle) -> None:
    model = read_tflite(content_of(mobile_bundle, "tile"))
    assert not find_layers(model, tile_graph(projection_bundle))
    changed = use_dcr_order(tile_graph(mobile_bundle))
    names = [node.name for node in convolutions(changed)]
    weights = next(t for t in changed.graph.initializer if t.name == convolutions(changed)[3].input[1])
    values = onnx.numpy_helper.to_array(weights).copy()
    values[0, 0, 0, 0] += 0.1
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    assert list(find_layers(model, changed)) == [name for name in names if name != names[3]]


@pytest.mark.parametrize("kind", ["tile", "full"])
def test_tensors_of_the_body_are_found_by_their_values(any_bundle: Bundle, kind: str) -> None:
    """All but what the converter folds into weights; a DepthToSpace has the values of its input.

    In the tile graph they have the same values on any image; in a full graph k*r is r where k is 1.
    """
    content, reference = content_of(any_bundle, kind), use_dcr_order(tile_graph(any_bundle))
    model, size = read_tflite(content), any_bundle.manifest.tile_size
    computed = [
        output for node in reference.graph.node for output in node.output if node.op_type not in ("Div", "DepthToSpace")
    ]
    tensors = sorted({int(i) for op in model.subgraphs[0].operators for i in op.outputs})
    source = int(model.subgraphs[0].inputs[0])
    names = same_values(model, [source, *tensors], reference, ["lr", *computed], photograph("cat", size))
    assert set(names.values()) == {*computed, "lr"} and names[source] == "lr"
    image = photograph("coffee" if kind == "tile" else "cat", size)
    expected = runner(reference, list(dict.fromkeys(names.values())))(image)
    interpreter = run(content, image, keep=True)
    for index, name in names.items():
        values = np.sort(interpreter.get_tensor(index), axis=None)
        assert np.abs(values - np.sort(expected[name], axis=None)).max() <= 1e-3 * max(1, np.abs(expected[name]).max())


def test_files_read_and_written_again_compute_the_same(mobile_bundle: Bundle) -> None:
    content, image = content_of(mobile_bundle, "tile"), photograph("cat", (64, 64))
    again = write_tflite(read_tflite(content))
    assert np.array_equal(output_of(run(again, image)), output_of(run(content, image)))


def test_int8_weights_are_on_the_grid_that_keeps_sums(quantized_bundle: Bundle) -> None:
    reference = use_dcr_order(tile_graph(quantized_bundle))
    source = read_tflite(content_of(quantized_bundle, "tile"))
    outputs = list(find_layers(source, reference))
    model = read_tflite(content_of(quantized_bundle, "tile", "int8"))
    found = operators(model, "CONV_2D")
    assert len(found) == len(outputs) == 14
    weights = {n.name: constant(reference, n.input[1]) for n in convolutions(reference)}
    for operator, node in zip(found, outputs, strict=True):
        stored = tensor(model, operator.inputs[1])
        assert (stored.type, tensor(model, operator.inputs[0]).type, output_kind(model, operator)) == (INT8,) * 3
        assert len(stored.quantization.scale) == weights[node].shape[0]
        assert not np.any(stored.quantization.zeroPoint)
        values = np.frombuffer(bytes(model.buffers[stored.buffer].data), dtype=np.int8).reshape(stored.shape)
        step = np.abs(weights[node]).max(axis=(1, 2, 3), keepdims=True) / LEVELS_8BIT
        expected = np.rint(keep_sums(weights[node], LEVELS_8BIT) / step).transpose(0, 2, 3, 1)
        assert np.array_equal(values, expected), node


def test_only_the_body_of_a_projection_is_int8(projection_int8: bytes) -> None:
    model = read_tflite(projection_int8)
    kinds = Counter((operator_name(model, op), output_kind(model, op)) for op in model.subgraphs[0].operators)
    assert kinds["CONV_2D", INT8] == 6 and kinds["CONV_2D", FLOAT32] == 2
    assert kinds["PRELU", FLOAT32] == 4 and kinds["PRELU", INT8] == 0
    assert kinds["ADD", INT8] == 1
    for kind in ("TOPK_V2", "SUM", "SQRT", "STRIDED_SLICE", "SUB", "ABS", "MEAN"):
        assert kinds[kind, FLOAT32] and not kinds[kind, INT8], kind
    for operator in operators(model, "CONV_2D"):
        assert tensor(model, operator.inputs[1]).type == output_kind(model, operator)


def test_the_noise_level_is_computed_from_what_was_never_int8(projection_int8: bytes) -> None:
    """From TOPK back to the resized image: the padding of the noise level is not that of the first convolution."""
    model = read_tflite(projection_int8)
    producers = {int(op.outputs[0]): op for op in model.subgraphs[0].operators}
    pending, seen = [int(operators(model, "TOPK_V2")[0].inputs[0])], set()
    while pending:
        operator = producers.get(pending.pop())
        if operator is not None:
            seen.add(operator_name(model, operator))
            pending.extend(int(i) for i in operator.inputs)
    assert {"MIRROR_PAD", "CONV_2D", "RESIZE_BILINEAR"} <= seen
    assert not {"QUANTIZE", "DEQUANTIZE"} & seen


def test_int8_keeps_the_projection_factor(projection_bundle: Bundle, projection_int8: bytes) -> None:
    size = projection_bundle.manifest.tile_size
    for golden in (g for g in projection_bundle.manifest.goldens if g.size == size):
        output = output_of(run(projection_int8, projection_bundle.tensor(golden.input)))[0].transpose(2, 0, 1)
        assert psnr(output, projection_bundle.tensor(golden.output)) >= 55, golden.id


@pytest.mark.slow
def test_float_layers_of_a_plan_get_float16_weights(projection_bundle: Bundle) -> None:
    layers = ("node_conv2d", "node_conv2d_3")
    source = read_tflite(content_of(projection_bundle, "tile"))
    plan = make_plan(projection_bundle, scope="conv", float_layers=layers)
    model = read_tflite(quantize_to_int8(source, tile_graph(projection_bundle), plan).content)
    kinds = [output_kind(model, op) for op in operators(model, "CONV_2D")]
    assert kinds == [FLOAT32, FLOAT32, INT8, INT8, FLOAT32, INT8, INT8], "the first one upsamples"
    assert all(output_kind(model, op) == FLOAT32 for op in (*operators(model, "PRELU"), *operators(model, "ADD")))
    halves = [t for t in model.subgraphs[0].tensors if t.type == FLOAT16]
    assert sorted(tuple(map(int, t.shape)) for t in halves) == [(8, 3, 3, 8), (8, 5, 5, 3)]


def test_w8a16_activations_are_symmetric_int16(projection_bundle: Bundle) -> None:
    reference = tile_graph(projection_bundle)
    ranges = wide_ranges(reference, CALIBRATION)
    content = quantize_to_int16(read_tflite(content_of(projection_bundle, "tile")), reference, ranges).content
    model = read_tflite(content)
    upsampling, *found = operators(model, "CONV_2D")
    assert (tensor(model, upsampling.inputs[1]).type, output_kind(model, upsampling)) == (FLOAT32, FLOAT32)
    assert len(found) == 6
    for operator, node in zip(found, convolutions(reference), strict=True):
        assert tensor(model, operator.inputs[1]).type == INT8
        for index, name in ((operator.inputs[0], node.input[0]), (operator.outputs[0], node.output[0])):
            quantization = tensor(model, index).quantization
            assert (tensor(model, index).type, list(quantization.zeroPoint)) == (INT16, [0])
            bound = max(-ranges[name][0], ranges[name][1])
            assert quantization.scale == pytest.approx([bound / 32767], rel=1e-3)
    image = photograph("cat", (32, 32))
    expected = runner(reference)(image)["residual"][0]
    assert psnr(output_of(run(content, image))[0].transpose(2, 0, 1), expected) > 60


@pytest.mark.parametrize(
    ("precision", "weights", "largest_ratio"), [("fp16", FLOAT16, 0.55), ("int8", INT8, 0.35), ("w8", INT8, 0.35)]
)
def test_sizes_and_types_of_the_mobile_files(
    quantized_bundle: Bundle, precision: str, weights: int, largest_ratio: float
) -> None:
    for kind in ("tile", "full"):
        content = content_of(quantized_bundle, kind, precision)
        assert len(content) <= largest_ratio * len(content_of(quantized_bundle, kind))
        model = read_tflite(content)
        large = [
            t for t in model.subgraphs[0].tensors if model.buffers[t.buffer].data is not None and len(t.shape) == 4
        ]
        assert len([t for t in large if t.type == weights]) == 14
        assert not [t for t in large if t.type == FLOAT32]
