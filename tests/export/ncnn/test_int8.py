"""int8 convolutions of ncnn: numbers by hand, layers found whatever constants are folded, nothing taken for another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.ncnn.int8 import quantize, quantized_layer
from edgesr.export.ncnn.weights_file import NcnnModel, read_model
from edgesr.export.quantization.plan import Plan
from edgesr.export.records import FloatLayers
from edgesr.export.steps.rewriting import taken_size
from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.small_ncnn import convolution, layer, model, seeded, written

SIZE = (40, 56)
FIRST, SECOND = seeded(0, 4, 3, 3, 3), seeded(1, 3, 4, 3, 3)


def test_weights_scales_and_bias_by_hand() -> None:
    """Output 0 has 2.54 as its largest weight: 127 / 2.54 = 50; output 1 zeros alone; the input reaches -4."""
    weights = np.array([[2.54, -1.27, 0.02], [0, 0, 0]], dtype=np.float32).reshape(2, 3, 1, 1)
    found, (integers, bias, scales, input_scale) = quantized_layer(
        *convolution(weights, np.array([1.5, -2], dtype=np.float32)), (-4.0, 2.0), None
    )
    assert found.parameters[8] == "2" and found.parameters[5] == "1"
    assert integers.values.dtype == np.int8 and integers.typed
    assert integers.values.tolist() == [127, -64, 1, 0, 0, 0]
    assert bias.values.tolist() == [1.5, -2]
    assert scales.values.tolist() == pytest.approx([50, 1])
    assert input_scale.values.tolist() == [127 / 4]
    assert integers.content()[:4] == (0x000D4B38).to_bytes(4, "little")
    assert len(integers.content()) == 4 + 8
    _, (_, corrected, _, flat) = quantized_layer(*convolution(weights, None), (0.0, 0.0), np.array([3.0, 4.0]))
    assert corrected.values.tolist() == [3, 4] and corrected.values.dtype == np.float32
    assert flat.values.tolist() == [1]


@pytest.mark.parametrize("groups", [1, 4, 2])
def test_ncnn_computes_with_integers(tmp_path: Path, groups: int) -> None:
    """Values and weights on their grids: the answer is that of float64, and of the fast kernels to the bit."""
    rng = np.random.default_rng(groups)
    weights = rng.integers(-127, 128, (4, 4 // groups, 3, 3)).astype(np.float32)
    weights.reshape(4, -1)[:, 0] = 127  # so that every scale is 1
    values = rng.integers(-127, 128, (1, 4, 8, 9)).astype(np.float32)
    values[0, 0, 0, 0] = 127
    bias = seeded(3, 4)
    one = convolution(weights, bias, groups=groups)
    files = {}
    for name, content in (("float", one), ("int8", quantized_layer(*one, (-127.0, 127.0), None))):
        (tmp_path / name).mkdir()
        files[name] = written(tmp_path / name, model(content, channels=4))
    expected = ncnn.open(files["float"], RunSettings()).run(values)
    found = ncnn.open(files["int8"], RunSettings(precision="int8")).run(values)
    exact = ncnn.open(files["int8"], RunSettings(precision="int8", exact=True)).run(values)
    # keep_sums moves taps of weights that are integers already nowhere
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()
    assert np.abs(exact - found).max() <= 1e-6 * np.abs(expected).max()


def test_values_beyond_the_range_are_clipped(tmp_path: Path) -> None:
    weights = np.ones((1, 1, 1, 1), dtype=np.float32)
    file = written(tmp_path, model(quantized_layer(*convolution(weights, None), (-1.0, 1.0), None), channels=1))
    given = np.array([-9, -1, 0.5, 1, 9], dtype=np.float32).reshape(1, 1, 1, 5)
    found = ncnn.open(file, RunSettings(precision="int8")).run(given).ravel()
    assert found == pytest.approx([-1, -1, 64 / 127, 1, 1], abs=1e-5)


def tile_graph(*, input_factor: float = 1.0, output_factor: float = 1.0) -> onnx.ModelProto:
    """Two convolutions with a ReLU in between; factors of their input and output are folded into the weights."""
    weights = {"first": FIRST * np.float32(input_factor), "second": SECOND * np.float32(output_factor)}
    nodes = [
        helper.make_node("Conv", ["lr", "first.weight"], ["a"], name="first", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "second.weight"], ["residual"], name="second", pads=[1] * 4),
    ]
    graph = helper.make_graph(
        nodes,
        "tile",
        [helper.make_tensor_value_info("lr", TensorProto.FLOAT, (1, 3, "h", "w"))],
        [helper.make_tensor_value_info("residual", TensorProto.FLOAT, (1, 3, "h", "w"))],
        [numpy_helper.from_array(values, f"{name}.weight") for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def plan(*, biases: dict[str, FloatArray] | None = None, float_layers: tuple[str, ...] = ()) -> Plan:
    ranges = {"lr": (0.0, 255.0), "b": (0.0, 100.0)}
    return Plan(
        scope="conv",
        range_method="minmax",
        ranges=ranges,
        labels={"first": "head", "second": "tail"},
        float_layers=float_layers,
        biases_8bit=biases or {},
    )


def network(*, scaled: bool = False, second: FloatArray = SECOND) -> NcnnModel:
    """The same network; ``scaled``: its input is divided by 255 and its output multiplied in layers of their own."""
    before = [(layer("BinaryOp", ("in0",), ("s",), {0: 3, 1: 1, 2: 255.0}), ())] if scaled else []
    behind = [(layer("BinaryOp", ("c",), ("out0",), {0: 2, 1: 1, 2: 255.0}), ())] if scaled else []
    return model(
        *before,
        convolution(FIRST, None, names=("s" if scaled else "in0", "a")),
        (layer("ReLU", ("a",), ("b",), {0: 0.0}), ()),
        convolution(second, None, names=("b", "c" if scaled else "out0")),
        *behind,
    )


def scales_of(found: NcnnModel) -> list[float]:
    return [float(arrays[3].values[0]) for arrays in found.arrays if len(arrays) == 4]


def test_layers_of_a_plan_become_int8(tmp_path: Path) -> None:
    found = quantize(written(tmp_path, network()), tile_graph(), plan(), SIZE)
    assert found.float_layers == FloatLayers(measured=False)
    assert scales_of(found.model) == pytest.approx([127 / 255, 127 / 100])


def test_ranges_and_biases_follow_constants_that_are_folded_elsewhere(tmp_path: Path) -> None:
    graph = tile_graph(input_factor=1 / 255, output_factor=255)
    biases = {"second": np.array([255.0, 510, -255], dtype=np.float32)}
    found = quantize(written(tmp_path, network(scaled=True)), graph, plan(biases=biases), SIZE)
    assert found.float_layers.names == ()
    assert scales_of(found.model) == pytest.approx([127 / 1, 127 / 100])
    second = [arrays for arrays in found.model.arrays if len(arrays) == 4][1]
    assert second[1].values == pytest.approx([1, 2, -1])


def test_layers_that_the_plan_keeps_stay_in_float16(tmp_path: Path) -> None:
    found = quantize(written(tmp_path, network()), tile_graph(), plan(float_layers=("second",)), SIZE)
    assert found.float_layers == FloatLayers(measured=False), "the plan knows"
    assert scales_of(found.model) == pytest.approx([127 / 255])
    assert found.model.arrays[3][0].values.dtype == np.float16


def test_other_weights_are_taken_for_no_layer(tmp_path: Path) -> None:
    other = SECOND.copy()
    other[1, 2, 0, 1] += 0.01
    file = written(tmp_path, network(second=other))
    found = quantize(file, tile_graph(), plan(), SIZE)
    assert found.float_layers.names == ("second",)
    assert found.float_layers.mac_share == pytest.approx(0.5)
    reason = "0% of the work would be int8 in ncnn: not found again in pnnx's file: second; leave int8 out"
    with pytest.raises(EdgesrError, match=reason):
        quantize(file, tile_graph(), plan(float_layers=("first",)), SIZE)


def test_the_same_weights_on_other_values_are_no_layer_of_the_plan(tmp_path: Path) -> None:
    """The second convolution reads what was not clipped: its range is another one."""
    layers, arrays = network().layers, network().arrays
    kept = [place for place, one in enumerate(layers) if one.kind != "ReLU"]
    unclipped = tuple(
        convolution(SECOND, None, names=("a", "out0"))[0] if place == 3 else layers[place] for place in kept
    )
    file = written(tmp_path, NcnnModel(unclipped, tuple(arrays[place] for place in kept)))
    assert quantize(file, tile_graph(), plan(), SIZE).float_layers.names == ("second",)
    assert len(read_model(file).arrays) == 3


def test_layers_of_equal_weights_are_told_by_their_inputs(tmp_path: Path) -> None:
    """The graph has a sum of two convolutions with the same weights, in the other order than ncnn's file."""
    weights = seeded(5, 3, 3, 3, 3)
    nodes = [
        helper.make_node("Sqrt", ["lr"], ["r"], name="root"),
        helper.make_node("Conv", ["lr", "first.weight"], ["a"], name="first", pads=[1] * 4),
        helper.make_node("Conv", ["r", "second.weight"], ["b"], name="second", pads=[1] * 4),
        helper.make_node("Add", ["a", "b"], ["residual"], name="sum"),
    ]
    graph = tile_graph()
    del graph.graph.node[:], graph.graph.initializer[:]
    graph.graph.node.extend(nodes)
    names = ("first.weight", "second.weight")
    graph.graph.initializer.extend(numpy_helper.from_array(weights, name) for name in names)
    file = written(
        tmp_path,
        model(
            (layer("Split", ("in0",), ("x1", "x2")), ()),
            (layer("UnaryOp", ("x1",), ("r",), {0: 5}), ()),
            convolution(weights, None, names=("r", "b")),
            convolution(weights, None, names=("x2", "a")),
            (layer("BinaryOp", ("a", "b"), ("out0",), {0: 0}), ()),
        ),
    )
    ranges = replace(plan(), ranges={"lr": (0.0, 255.0), "r": (0.0, 16.0)})
    found = quantize(file, graph, ranges, SIZE)
    assert found.float_layers.names == ()
    assert scales_of(found.model) == pytest.approx([127 / 16, 127 / 255])


def test_layers_that_ncnn_has_no_int8_form_of_are_told_from_those_that_are_lost(tmp_path: Path) -> None:
    graph = tile_graph()
    graph.graph.node[2].op_type = "ConvTranspose"
    weights = numpy_helper.from_array(np.ascontiguousarray(SECOND.transpose(1, 0, 2, 3)), "second.weight")
    graph.graph.initializer[1].CopyFrom(weights)
    other = FIRST.copy()
    other[1, 2, 0, 1] += 0.01
    file = written(tmp_path, model(convolution(other, None, names=("in0", "out0"))))
    reason = "in ncnn: it has no int8 form of second; not found again in pnnx's file: first; leave int8 out"
    with pytest.raises(EdgesrError, match=reason):
        quantize(file, graph, plan(), SIZE)


def test_inputs_are_compared_at_a_size_that_the_network_takes(tmp_path: Path) -> None:
    """Its reflected border is 44 pixels, which smaller images do not have."""
    graph = tile_graph()
    graph.graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 44, 44] * 2), "border"))
    reflection = helper.make_node("Pad", ["lr", "border"], ["p"], name="pad", mode="reflect")
    graph.graph.node.insert(0, reflection)
    graph.graph.node[1].input[0] = "p"
    parts = network()
    border = layer("Padding", ("in0",), ("p",), {**dict.fromkeys(range(4), 44), 4: 2}), ()
    first, *others = [pair for pair in zip(parts.layers, parts.arrays, strict=True) if pair[0].kind != "Input"]
    file = written(tmp_path, model(border, (replace(first[0], inputs=("p",)), first[1]), *others))
    size = taken_size(least_side=48, multiple=16)
    assert size == (48, 64)
    padded = replace(plan(), ranges={"p": (0.0, 255.0), "b": (0.0, 100.0)})
    assert quantize(file, graph, padded, size).float_layers.names == ()
