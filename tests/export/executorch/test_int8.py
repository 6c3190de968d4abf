"""int8 by our plan in XNNPACK: numbers by hand, the plan's layers alone, in its ranges and with its biases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgesr.export.executorch.int8 import quantize
from edgesr.export.executorch.int8_graph import CONVOLUTION, quantize_tensors, with_weights
from edgesr.export.executorch.lowering import lower
from edgesr.export.quantization.plan import Plan
from edgesr.export.records import FloatLayers
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.test_int8 import FIRST, SECOND, SIZE, plan, tile_graph


class Network(nn.Module):
    """The network of `tile_graph`; ``scaled``: constant factors in operators of their own."""

    def __init__(self, *, scaled: bool = False, second: FloatArray = SECOND) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(w.shape[1], w.shape[0], 3, padding=1) for w in (FIRST, second))
        for layer, weights in ((self.first, FIRST), (self.second, second)):
            layer.weight.data = torch.from_numpy(weights.copy())
            layer.bias = nn.Parameter(torch.zeros(len(weights)))
        self.scale = 255.0 if scaled else 1.0
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        result: Tensor = self.second(self.first(lr / self.scale).relu()) * self.scale
        return result


RANGES = {"lr": (0.0, 255.0), "a": (-300.0, 300.0), "b": (0.0, 300.0), "residual": (-900.0, 900.0)}


def graph_of(module: nn.Module) -> torch.fx.GraphModule:
    program = torch.export.export(module, (torch.rand(1, 3, *SIZE) * 255,))
    return program.module(check_guards=False)


def planned(**changes: object) -> Plan:
    return replace(plan(), ranges=RANGES, **changes)  # type: ignore[arg-type]


def answer(graph: nn.Module, image: FloatArray) -> FloatArray:
    result: FloatArray = graph(torch.from_numpy(image)).numpy()
    return result


def test_xnnpack_computes_with_integers(tmp_path: Path) -> None:
    """Values and weights on their grids: the answer is off by half a step of the output at most, and clipped."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.float32)
    weights[:, 0, 0, 0] = 127  # so that every scale is 1
    module = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    module.weight.data = torch.from_numpy(weights)
    module.bias = nn.Parameter(torch.tensor([0.0, 1000.0, -7.0, 3.0]), requires_grad=False)
    values = rng.integers(-128, 128, (1, 3, *SIZE)).astype(np.float32)
    expected = answer(module, values)
    graph = graph_of(module)
    (convolution,) = (node for node in graph.graph.nodes if node.target is CONVOLUTION)
    with_weights(graph, convolution, weights, None)
    step, largest = 512.0, 127 * 512.0
    quantize_tensors(graph, {convolution.args[0]: (-128.0, 127.0), convolution: (-128 * step, largest)})
    file = tmp_path / "model.pte"
    found = lower(torch.export.export(graph, (torch.from_numpy(values),)), file)
    assert found.file.delegation.partitions == 1 and found.file.delegation.fallback == {}
    answered = executorch.open(file, RunSettings(precision="int8")).run(values)
    assert np.all(answered % step == 0), "the output has 256 levels"
    assert np.abs(answered - np.clip(expected, -128 * step, largest)).max() <= step / 2 * (1 + 1e-3)
    assert expected.max() > 60 * step
    profiled = executorch.profile(file, values, RunSettings(), calls=1)
    assert any("QC8" in one.kind for one in profiled.operators), "it is no float convolution of rounded values"


def test_small_weights_keep_their_grid() -> None:
    """PyTorch's quantizer has no steps below 0.00024."""
    weights = (FIRST * 1e-4).astype(np.float32)
    module = nn.Conv2d(3, 4, 3, padding=1, bias=False).requires_grad_(False)
    module.weight.data = torch.from_numpy(weights)
    graph = graph_of(module)
    (convolution,) = (node for node in graph.graph.nodes if node.target is CONVOLUTION)
    with_weights(graph, convolution, weights, None)
    graph.recompile()
    image = np.ones((1, 3, *SIZE), dtype=np.float32)
    assert np.abs(answer(graph, image) - answer(module, image)).max() <= 27 * np.abs(weights).max() / 254


def test_constant_factors_change_nothing() -> None:
    """The ONNX graph has them in its weights, the program in operators of its own."""
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, *SIZE)).astype(np.float32)
    plain, scaled = graph_of(Network()), graph_of(Network(scaled=True))
    left = quantize(plain, tile_graph(), planned(biases_8bit={"first": np.full(4, 20.0, np.float32)}), SIZE)
    assert left == FloatLayers(measured=False)
    ranges = {**RANGES, "a": (-300 / 255, 300 / 255), "b": (0.0, 300 / 255)}
    folded = tile_graph(input_factor=1 / 255, output_factor=255)
    biases = {"first": np.full(4, 20 / 255, np.float32)}
    quantize(scaled, folded, replace(planned(), ranges=ranges, biases_8bit=biases), SIZE)
    expected, found = answer(plain, image), answer(scaled, image)
    assert np.abs(found - expected).max() <= 900 / 255 * 2.1, "a level, where sums are rounded otherwise"
    assert np.abs(found - expected).mean() <= 0.05
    assert np.abs(expected - answer(Network(), image)).mean() > 5, "the biases are the plan's"


def test_the_plan_chooses_layers() -> None:
    graph = graph_of(Network())
    assert quantize(graph, tile_graph(), planned(float_layers=("second",)), SIZE).names == ()
    names = [str(node.target) for node in graph.graph.nodes]
    assert sum("dequantize_per_channel" in name for name in names) == 1
    assert sum("quantize_per_tensor" in name and "dequantize" not in name for name in names) == 2


def test_layers_that_are_not_there_are_named() -> None:
    other = graph_of(Network(second=SECOND[::-1].copy()))
    left = quantize(other, tile_graph(), planned(), SIZE)
    assert (left.names, left.measured) == (("second",), False)
    assert left.mac_share == pytest.approx(0.5)
    with pytest.raises(EdgesrError, match=r"0% of the work would be int8 in ExecuTorch: .* first, second; leave int8"):
        quantize(graph_of(nn.Conv2d(3, 3, 3, padding=1)), tile_graph(), planned(), SIZE)
