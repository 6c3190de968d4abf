"""Pixel shuffles and unshuffles keep the order of their channels in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.conversions.to_torchscript import export_torchscript
from edgesr.export.conversions.tracing import answers_of
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.space_to_depth import use_space_to_depth
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.adapters import ort, tflite, torchscript
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions.planted_modules import sound

BLOCKS = (2, 3, 4)


class Shuffles(nn.Module):
    """Unshuffles, gives each channel a factor of its own, and shuffles: for all blocks, added.

    Then a convolution of unshuffled pixels, as a network of scale 2 has it at its start.
    """

    def __init__(self, blocks: tuple[int, ...], *, conv_block: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks, self.block = blocks, conv_block
        self.conv = nn.Conv2d(3 * conv_block**2, 3 * conv_block**2, 1)
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        height, width = lr.shape[-2:]
        padded = F.pad(lr, (0, -width % 12, 0, -height % 12))
        result = F.pixel_shuffle(self.conv(F.pixel_unshuffle(padded, self.block)), self.block)
        for block in self.blocks:
            split = F.pixel_unshuffle(padded, block)
            factors = torch.arange(1, split.shape[1] + 1)[:, None, None] / 64
            result = result + F.pixel_shuffle(split * factors, block)
        return result[..., :height, :width]


def exported(module: nn.Module, folder: Path) -> onnx.ModelProto:
    export_onnx(module, folder / "model.onnx", output_name="sr", proof=proof_of(module))
    return onnx.load(folder / "model.onnx")


def largest_difference(found: FloatArray, module: nn.Module, image: FloatArray) -> float:
    expected = answers_of(module)(image[None])
    assert np.abs(expected).max() > 50
    return float(np.abs(found - expected).max())


@pytest.mark.parametrize("block", BLOCKS)
def test_a_convolution_takes_the_order_of_channels(block: int, tmp_path: Path) -> None:
    module, image = Shuffles((), conv_block=block), photograph("coffee", (25, 39))
    operators = [node.op_type for node in exported(module, tmp_path).graph.node]
    assert [one for one in operators if one in ("SpaceToDepth", "Conv", "DepthToSpace", "Transpose", "Gather")] == [
        "SpaceToDepth",
        "Conv",
        "DepthToSpace",
    ]
    assert largest_difference(ort.open(tmp_path / "model.onnx", RunSettings()).run(image[None]), module, image) < 1e-3


@pytest.mark.slow
def test_other_readers_get_the_order_by_a_gather(tmp_path: Path) -> None:
    module, image = Shuffles(BLOCKS, conv_block=2), photograph("coffee", (25, 39))
    graph = exported(module, tmp_path)
    operators = [node.op_type for node in graph.graph.node]
    counts = {name: operators.count(name) for name in ("SpaceToDepth", "Gather", "DepthToSpace", "Transpose")}
    assert counts == {"SpaceToDepth": 3, "Gather": 3, "DepthToSpace": 4, "Transpose": 0}
    export_torchscript(module, tmp_path / "model.ptl", proof=proof_of(module))
    for session in (
        ort.open(tmp_path / "model.onnx", RunSettings()),
        torchscript.open(tmp_path / "model.ptl", RunSettings()),
    ):
        assert largest_difference(session.run(image[None]), module, image) < 1e-3


@pytest.mark.slow
def test_tflite_keeps_the_order_of_channels(tmp_path: Path) -> None:
    module, image = Shuffles(BLOCKS, conv_block=4), photograph("coffee", (36, 60))
    path = tmp_path / "model.tflite"
    export_tflite(fix_size(exported(module, tmp_path), (36, 60)), path, input_name="lr", output_name="sr")
    model = read_tflite(path.read_bytes())
    assert "SPACE_TO_DEPTH" in {operator_name(model, operator) for operator in model.subgraphs[0].operators}
    found = tflite.open(path, RunSettings()).run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])
    assert largest_difference(found.transpose(0, 3, 1, 2), module, image) < 2e-3


def test_a_graph_without_an_unshuffle_stays(tmp_path: Path) -> None:
    graph = exported(sound(), tmp_path)
    assert use_space_to_depth(graph).SerializeToString() == graph.SerializeToString()
