"""Factors and shifts that a converter folds into a TFLite convolution survive the rewrite of its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from edgesr.benchmarks.quality.metrics import psnr
from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.onnx_graph import convolutions, runner
from edgesr.export.graphs.tflite_graph import constant_values, read_tflite
from edgesr.export.quantization.tflite import quantize
from edgesr.export.quantization.tflite.quantize import WEIGHTS_8BIT, convert_to_8bit_weights
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.adapters import tflite
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from tests.export.conversions.small_tflite import tflite_convolution
from tests.helpers.small_graphs import conv, kernels, make_graph

WEIGHTS = np.diag([1.0, 2.0, 4.0])
BIAS = np.array([1.0, 2.0, 3.0])


def onnx_convolution(rows: ArrayLike = WEIGHTS, bias: ArrayLike | None = BIAS) -> onnx.ModelProto:
    node = conv("a", "x", "y")
    constants = {"body.a.weight": kernels(rows)}
    if bias is None:
        del node.input[2]
    else:
        constants["body.a.bias"] = np.asarray(bias, dtype=np.float32)
    return make_graph([node], constants)


def rewritten(
    found: tuple[ArrayLike, ArrayLike],
    planned: tuple[ArrayLike, ArrayLike],
    monkeypatch: pytest.MonkeyPatch,
    *,
    bias: ArrayLike | None = BIAS,
) -> tuple[FloatArray, FloatArray]:
    """Weights (out,in) and bias that a TFLite convolution gets from the plan for the ONNX convolution."""
    model = tflite_convolution(*found)
    monkeypatch.setattr(quantize_tflite, "on_8bit_grid", lambda _: onnx_convolution(*planned))
    monkeypatch.setattr(quantize_tflite, "_in_process", lambda content, _job: content)
    graph = read_tflite(convert_to_8bit_weights(model, onnx_convolution(bias=bias), WEIGHTS_8BIT))
    (operator,) = graph.subgraphs[0].operators
    weights, values = (constant_values(graph, operator.inputs[place]) for place in (1, 2))
    return weights[:, 0, 0], values


PLANNED = (WEIGHTS + 0.125, BIAS + 0.5)


@pytest.mark.parametrize(
    ("found", "weights", "bias"),
    [
        ((WEIGHTS, BIAS), PLANNED[0], BIAS + 0.5),
        ((WEIGHTS, BIAS + 100), PLANNED[0], BIAS + 100.5),
        ((WEIGHTS / 4, BIAS), PLANNED[0] / 4, BIAS + 0.5),
        ((WEIGHTS / 4, BIAS / 4), PLANNED[0] / 4, (BIAS + 0.5) / 4),
        ((-2 * WEIGHTS, BIAS), -2 * PLANNED[0], BIAS + 0.5),
        ((-2 * WEIGHTS, -2 * BIAS), -2 * PLANNED[0], -2 * (BIAS + 0.5)),
    ],
    ids=["nothing", "shift behind", "factor before", "factor behind", "sign before", "sign behind"],
)
def test_weights_and_bias_are_carried_over(
    found: tuple[ArrayLike, ArrayLike], weights: ArrayLike, bias: ArrayLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = rewritten(found, PLANNED, monkeypatch)
    assert result[0].tolist() == np.asarray(weights, dtype=np.float32).tolist()
    assert result[1].tolist() == np.asarray(bias, dtype=np.float32).tolist()


def test_a_bias_that_the_plan_adds_is_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rewritten((WEIGHTS, np.zeros(3)), PLANNED, monkeypatch, bias=None)[1].tolist() == PLANNED[1].tolist()


def test_what_cannot_be_told_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EdgesrError, match=r"folded a factor and a shift into conv\.a"):
        rewritten((WEIGHTS * 2, BIAS + 7), PLANNED, monkeypatch)
    with pytest.raises(EdgesrError, match=r"folded factors of channels into the weights of conv\.a"):
        rewritten((WEIGHTS * [[1], [1], [-1]], BIAS), PLANNED, monkeypatch)


class _Normalised(nn.Module):
    """(conv(relu(conv(lr - 127))) + mean) * 2: a mean shift and a factor that one converter folds and one does not."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.tail = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 3, 3, padding=1)
        self.mean = nn.Parameter(torch.tensor([20.0, 40.0, 60.0])[:, None, None])
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        result: Tensor = (self.tail(torch.relu(self.head(lr - 127))) + self.mean) * 2
        return result


@pytest.mark.slow
def test_8bit_weights_of_a_network_with_a_mean_shift(tmp_path: Path) -> None:
    """7.7 dB where the shift is lost."""
    module, image = _Normalised(), photograph("cat", (32, 40))
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    graph = onnx.load(tmp_path / "model.onnx")
    assert [node.op_type for node in graph.graph.node] == ["Conv", "Relu", "Conv"]
    assert len(convolutions(graph)) == 2
    path = tmp_path / "model.tflite"
    export_tflite(fix_size(graph, (32, 40)), path, input_name="lr", output_name="sr")
    path.write_bytes(convert_to_8bit_weights(read_tflite(path.read_bytes()), graph, WEIGHTS_8BIT))
    found = tflite.open(path, 1).run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])[0].transpose(2, 0, 1)
    assert psnr(found, runner(graph)(image)["sr"][0]) > 45
