"""float16 in ONNX: weights alone, arithmetic too, and graphs that do not fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.splice import splice
from edgesr.export.quantization.float16 import convert_arithmetic_to_float16, store_weights_in_float16
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.sr_model.generators.bodies.lr_body import LRBody
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from tests.export.quantization.half_arithmetic import emulate_half_arithmetic
from tests.export.quantization.planning.layer_kinds import linear_layers
from tests.helpers.small_graphs import conv, kernels, make_graph

TILES = [photograph("cat", (32, 48)), photograph("coffee", (33, 47))]
Run = Callable[[FloatArray], dict[str, FloatArray]]


def graph_of(bundle: Bundle, kind: str) -> onnx.ModelProto:
    return onnx.load(bundle.path(bundle.artifact(f"onnx-fp32-{kind}").file))


def qualities(bundle: Bundle, run: Run) -> dict[str, float]:
    """PSNR of the SR image on every golden; tile graphs with their glue."""
    found = {}
    for golden in bundle.manifest.goldens:
        image = bundle.tensor(golden.input)
        output = next(iter(run(image).values()))[0]
        if "sr" not in run(image):
            output = apply_residual(image, output, scale=bundle.manifest.scale, glue=bundle.manifest.glue)
        found[golden.id] = psnr(output, bundle.tensor(golden.output))
    return found


@pytest.mark.parametrize("kind", ["tile", "full"])
def test_float16_weights(any_bundle: Bundle, kind: str) -> None:
    model = graph_of(any_bundle, "tile")
    stored = store_weights_in_float16(model)
    kinds = {t.name: t.data_type for t in stored.graph.initializer}
    weights = {n.input[1] for n in model.graph.node if n.op_type == "Conv"}
    assert {name for name, k in kinds.items() if k == TensorProto.FLOAT16} == {f"{name}.float16" for name in weights}
    assert not weights & set(kinds)
    saved = 2 * sum(int(np.prod(t.dims)) for t in model.graph.initializer if t.name in weights)
    assert model.ByteSize() - stored.ByteSize() == pytest.approx(saved, rel=0.2)
    if kind == "full":
        stored = splice(graph_of(any_bundle, "full"), model, stored, TILES[0])
    onnx.checker.check_model(stored)
    found = qualities(any_bundle, runner(stored))
    assert all(quality >= 70 for quality in found.values()), found
    assert min(found.values()) < 130


def test_half_the_size_where_weights_are_most_of_it(mobile_bundle: Bundle) -> None:
    model = graph_of(mobile_bundle, "tile")
    assert store_weights_in_float16(model).ByteSize() <= 0.53 * model.ByteSize()


def test_the_goldens_have_an_active_projection(projection_bundle: Bundle) -> None:
    factors = [g.k for g in projection_bundle.manifest.goldens if g.k is not None]
    assert any(0.2 < k < 0.8 for k in factors) and 0 in factors and 1 in factors


def test_float16_arithmetic_of_every_operator(any_bundle: Bundle) -> None:
    """Rounded after every operator, as half-precision units do; the glue in float32."""
    model = graph_of(any_bundle, "tile")
    emulated = emulate_half_arithmetic(model)
    onnx.checker.check_model(emulated)
    found = qualities(any_bundle, runner(emulated, exact=True))
    assert all(quality >= 50 for quality in found.values()), found
    image = TILES[0]
    rounded, exact = (runner(m, exact=True)(image)["residual"] for m in (emulated, model))
    assert np.array_equal(rounded, rounded.astype(np.float16).astype(np.float32))
    assert np.abs(rounded - exact).max() > 0
    converted = runner(convert_arithmetic_to_float16(model, TILES), exact=True)(image)["residual"]
    assert psnr(converted[0], exact[0]) >= 50


def half(values: torch.Tensor) -> torch.Tensor:
    return values.half().float()


def half_convolution(x: torch.Tensor, layer: torch.nn.Conv2d, factor: float = 1.0) -> torch.Tensor:
    """Zero-padded; the sum over taps in float16, channels of one tap in float32."""
    assert layer.bias is not None
    weight = half(layer.weight * factor)
    side = weight.shape[-1]
    padded = F.pad(x, [side // 2] * 4)
    height, width = x.shape[-2:]
    total = torch.zeros(x.shape[0], weight.shape[0], height, width)
    for dy in range(side):
        for dx in range(side):
            window = padded[:, :, dy : dy + height, dx : dx + width]
            total = half(total + torch.einsum("oc,nchw->nohw", weight[:, :, dy, dx], window))
    return half(total + half(layer.bias * factor)[:, None, None])


def test_float16_sums_of_the_mobile_generator(mobile_bundle: Bundle) -> None:
    """An accelerator that adds up in float16 too."""
    body = load_checkpoint(embedded_checkpoint("srrescycgan-mobile")).body
    assert isinstance(body, LRBody)
    golden = next(g for g in mobile_bundle.manifest.goldens if g.size == (16, 24))
    image = mobile_bundle.tensor(golden.input)
    with torch.inference_mode():
        x = half_convolution(half(torch.from_numpy(image)[None] / 255), body.head)
        for block in body.blocks:
            y = half_convolution(half(F.leaky_relu(x, 0.1)), block.conv1)  # type: ignore[arg-type]
            x = half(x + half_convolution(half(F.leaky_relu(y, 0.1)), block.conv2))  # type: ignore[arg-type]
        residual = F.pixel_shuffle(half_convolution(x, body.tail, 255.0), 4)[0].numpy()
    result = apply_residual(image, residual, scale=4, glue=mobile_bundle.manifest.glue)
    assert 50 <= psnr(result, mobile_bundle.tensor(golden.output)) < 90


def test_a_large_constant_is_refused() -> None:
    """The published bound as one constant: exp(alpha) * sqrt(n-1)."""
    nodes = [helper.make_node("Mul", ["x", "bound"], ["large"]), helper.make_node("Min", ["large", "x"], ["y"])]
    model = make_graph(nodes, {"bound": 3.8e6})
    with pytest.raises(EdgesrError, match=r"float16: bound reaches 3\.8e\+06, float16 ends at 65504"):
        convert_arithmetic_to_float16(model, TILES)
    weights = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(np.eye(3) * 7e4), "body.a.bias": [0] * 3})
    with pytest.raises(EdgesrError, match=r"body\.a\.weight reaches 7e\+04"):
        store_weights_in_float16(weights)


def test_a_large_sum_of_squares_is_refused() -> None:
    """The values fit: 0.25 of 255 each, squared at most 4064; their sum does not fit."""
    nodes = [
        helper.make_node("Mul", ["x", "quarter"], ["small"]),
        helper.make_node("Mul", ["small", "small"], ["squares"]),
        helper.make_node("ReduceSum", ["squares"], ["total"], keepdims=1),
        helper.make_node("Sqrt", ["total"], ["y"]),
    ]
    model = make_graph(nodes, {"quarter": 0.25})
    with pytest.raises(EdgesrError, match=r"total reaches \S+, float16 ends at 65504"):
        convert_arithmetic_to_float16(model, [TILES[0]])
    one_pixel = np.full((3, 1, 1), 255, dtype=np.float32)
    fits = convert_arithmetic_to_float16(model, [one_pixel])
    assert runner(fits)(one_pixel)["y"].item() == pytest.approx(63.75 * 3**0.5, rel=1e-3)


@pytest.mark.parametrize("operator", ["Log", "Sqrt"])
def test_values_that_are_not_finite_are_refused(operator: str) -> None:
    """The logarithm of 0, the root of -1."""
    model = make_graph([helper.make_node(operator, ["x"], ["y"])], {})
    tile = np.full((3, 2, 2), 0 if operator == "Log" else -1, dtype=np.float32)
    with pytest.raises(EdgesrError, match="y reaches"):
        convert_arithmetic_to_float16(model, [tile])


def test_the_full_graph_with_projection_is_refused(projection_bundle: Bundle) -> None:
    model = graph_of(projection_bundle, "full")
    with pytest.raises(EdgesrError, match="cannot be computed in float16"):
        convert_arithmetic_to_float16(model, [photograph("cat", (64, 64))])


def test_spliced_noise_level_and_sums_of_squares_stay_float32(projection_bundle: Bundle) -> None:
    tile_graph = graph_of(projection_bundle, "tile")
    body = convert_arithmetic_to_float16(tile_graph, TILES)
    spliced = splice(graph_of(projection_bundle, "full"), tile_graph, body, TILES[0])
    onnx.checker.check_model(spliced)
    inferred = onnx.shape_inference.infer_shapes(spliced)
    types = {v.name: v.type.tensor_type.elem_type for v in (*inferred.graph.value_info, *inferred.graph.output)}
    types |= {t.name: t.data_type for t in spliced.graph.initializer}
    for kind in ("TopK", "ReduceSum", "Sqrt", "Clip"):
        sources = [n.input[0] for n in spliced.graph.node if n.op_type == kind]
        assert sources and all(types[name] == TensorProto.FLOAT for name in sources), kind
    body_nodes = [n for n in spliced.graph.node if n.op_type in ("Conv", "PRelu") and "tile" in n.input[1]]
    assert len(body_nodes) >= 6
    assert all(types[n.input[0]] == types[n.input[1]] == TensorProto.FLOAT16 for n in body_nodes)
    assert types["sr"] == TensorProto.FLOAT
    found = qualities(projection_bundle, runner(spliced, exact=True))
    assert all(quality >= 50 for quality in found.values()), found


def test_tiny_weights_change_by_less_than_the_smallest_float16() -> None:
    """onnxruntime's converter raises them to a smallest value, 1e-7 in some versions."""
    rows = np.array([[1, 1e-8, 0], [0, 1, 1e-7], [-1e-8, 0, 1]])
    model = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(rows), "body.a.bias": [0] * 3})
    converted = convert_arithmetic_to_float16(model, TILES)
    values = next(numpy_helper.to_array(t) for t in converted.graph.initializer if len(t.dims) == 4)[..., 0, 0]
    assert values.dtype == np.float16
    assert np.abs(values.astype(np.float64) - rows).max() < 6e-8


@pytest.mark.parametrize("image", ["white", "checkerboard"])
def test_an_overflow_on_an_extreme_image_alone_is_refused_for_arithmetic_and_not_for_storage(image: str) -> None:
    """White times 300; or the difference of neighbours, which is 255 on a checkerboard alone."""
    kernel = np.zeros((3, 3, 3, 3))
    kernel[range(3), range(3), 1, 1] = 300
    kernel[range(3), range(3), 1, 0] = 0 if image == "white" else -300
    tensors = {"body.a.weight": kernel, "body.a.bias": [0] * 3, "limit": 255.0}
    nodes = [conv("a", "x", "large", pads=1), helper.make_node("Min", ["large", "limit"], ["y"])]
    model = make_graph(nodes, tensors)
    grey = np.full((3, 16, 16), 90, dtype=np.float32)
    with pytest.raises(EdgesrError, match=r"computed in float16: large reaches 7\.65e\+04"):
        convert_arithmetic_to_float16(model, [grey])
    stored = store_weights_in_float16(model)
    white = np.full((3, 16, 16), 255, dtype=np.float32)
    assert np.array_equal(runner(stored)(white)["y"], runner(model)(white)["y"])


def test_weights_of_all_layers_are_stored_and_sizes_stay_integers() -> None:
    model = linear_layers()
    stored = store_weights_in_float16(model)
    kinds = {tensor.name: tensor.data_type for tensor in stored.graph.initializer}
    halves = {name for name, kind in kinds.items() if kind == TensorProto.FLOAT16}
    assert halves == {f"{name}.weight.float16" for name in ("up", "gemm", "matrix")}
    tile = photograph("cat", (16, 20)) / np.float32(16)
    expected = runner(model)(tile)["y"]
    for changed in (stored, convert_arithmetic_to_float16(model, [tile])):
        assert runner(changed)(tile)["y"] == pytest.approx(expected, abs=2e-2 * float(np.abs(expected).max()))
    assert kinds["rows"] == TensorProto.INT64
