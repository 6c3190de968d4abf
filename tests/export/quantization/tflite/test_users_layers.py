"""A network with a layer of every kind, and with a mean that its converter folds into a bias, in every precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from edgesr.benchmarks.quality.metrics import channel_mean_shift, psnr
from edgesr.export.calibration.photographs import photograph, sample_tiles
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.onnx_graph import layer_names, runner, weighted_nodes
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.export.quantization.plan import Plan, Range
from edgesr.export.quantization.ranges import choose_range, collect_histograms
from edgesr.export.quantization.tflite.quantize import (
    Quantized,
    convert_to_8bit_weights,
    convert_to_float16_weights,
    quantize_to_int8,
    quantize_to_int16,
)
from edgesr.export.quantization.tflite.quantizers import DYNAMIC_8BIT, WEIGHTS_8BIT
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.adapters import tflite
from edgesr.runtimes.interface.runtime import RunSettings

SIZE = (32, 40)
Ranges = dict[str, Range]


class EveryKind(nn.Module):
    """(up(linear(relu6(depthwise(head(lr - 127))))) + mean) * 2."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.depthwise = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.linear, self.up = nn.Linear(8, 12), nn.ConvTranspose2d(12, 3, 4, stride=2, padding=1)
        self.mean = nn.Parameter(torch.tensor([20.0, 40.0, 60.0])[:, None, None])
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        y = nn.functional.relu6(cast(Tensor, self.depthwise(self.head(lr - 127))) / 8)
        y = cast(Tensor, self.linear(y.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        result: Tensor = (self.up(y) * 8 + self.mean) * 2
        return result


REWRITES: dict[str, tuple[Callable[[bytes, onnx.ModelProto, Plan], Quantized], float]] = {
    "fp16": (lambda content, graph, _: convert_to_float16_weights(read_tflite(content), graph), 70),
    "w8": (lambda content, graph, _: convert_to_8bit_weights(read_tflite(content), graph, WEIGHTS_8BIT), 45),
    "w8d": (lambda content, graph, _: convert_to_8bit_weights(read_tflite(content), graph, DYNAMIC_8BIT), 40),
    "w8a16": (lambda content, graph, plan: quantize_to_int16(read_tflite(content), graph, plan.ranges), 45),
    "int8": (lambda content, graph, plan: quantize_to_int8(read_tflite(content), graph, plan), 38),
}


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, onnx.ModelProto, Plan]:
    """The TFLite file, its ONNX graph, and a plan of all layers in int8."""
    folder, module = tmp_path_factory.mktemp("converted"), EveryKind()
    export_onnx(module, folder / "model.onnx", output_name="sr", proof=proof_of(module))
    graph = onnx.load(folder / "model.onnx")
    path = folder / "model.tflite"
    export_tflite(fix_size(graph, SIZE), path, input_name="lr", output_name="sr")
    tensors = [graph.graph.input[0].name, *(output for node in graph.graph.node for output in node.output)]
    histograms = collect_histograms(graph, tensors, [photograph("cat", SIZE), *sample_tiles(3, SIZE)])
    ranges = {name: choose_range(histogram, "minmax") for name, histogram in histograms.items()}
    plan = Plan(scope="all", range_method="minmax", ranges=ranges, labels=layer_names(graph))
    return path.read_bytes(), graph, plan


@pytest.mark.slow
@pytest.mark.parametrize("precision", REWRITES)
def test_every_layer_is_rewritten(
    converted: tuple[bytes, onnx.ModelProto, Plan], precision: str, tmp_path: Path
) -> None:
    """With the mean in its bias: 7.7 dB where it is lost."""
    content, graph, plan = converted
    assert len(weighted_nodes(graph)) == 4
    rewrite, least_db = REWRITES[precision]
    quantized = rewrite(content, graph, plan)
    assert quantized.float_layers.names == ()
    assert len(quantized.content) < len(content)
    (tmp_path / "model.tflite").write_bytes(quantized.content)
    image = photograph("cat", SIZE)
    batch = np.ascontiguousarray(image.transpose(1, 2, 0))[None]
    found = tflite.open(tmp_path / "model.tflite", RunSettings()).run(batch)[0].transpose(2, 0, 1)
    expected = runner(graph)(image)["sr"][0]
    assert psnr(found, expected) > least_db
    assert max(map(abs, channel_mean_shift(found, expected))) < 1


@pytest.mark.slow
def test_a_layer_without_ranges_stays_in_float(converted: tuple[bytes, onnx.ModelProto, Plan]) -> None:
    content, graph, plan = converted
    read = plan.ranges[weighted_nodes(graph)[-1].input[0]]
    ranges = {name: ends for name, ends in plan.ranges.items() if ends != read}  # of a transpose's two ends
    quantized = quantize_to_int16(read_tflite(content), graph, ranges)
    assert quantized.float_layers.names == ("linear", "up")
    assert quantized.float_layers.mac_share == pytest.approx((8 * 12 + 12 * 3 * 4 * 4) / (3 * 8 + 8 * 9 + 672))
    model = read_tflite(quantized.content)
    kinds = [operator_name(model, operator) for operator in model.subgraphs[0].operators]
    assert kinds.count("TRANSPOSE_CONV") == 1
