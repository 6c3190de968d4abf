"""Conversions from PyTorch are proven at sizes that nobody traced, and refused with what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_torchscript import export_torchscript
from edgesr.export.conversions.tracing import answers_of
from edgesr.export.steps.proof import TRACE_SIZE, proof_of
from edgesr.runtimes.adapters import ort, torchscript
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions import planted_modules as planted
from tests.export.conversions.planted_modules import Planted

Convert = Callable[[nn.Module, Path], None]


def to_onnx(module: nn.Module, path: Path) -> None:
    export_onnx(module, path, output_name="sr", proof=proof_of(module))


def to_torchscript(module: nn.Module, path: Path) -> None:
    export_torchscript(module, path, proof=proof_of(module))


def test_the_sizes_are_odd_and_even_small_and_large_and_of_every_form() -> None:
    sizes = [(image.shape[1], image.shape[2]) for image in proof_of(planted.sound()).images]
    assert len(set(sizes)) == len(sizes) >= 5
    assert TRACE_SIZE in sizes
    assert TRACE_SIZE[0] != TRACE_SIZE[1]
    assert any(h % 2 and w % 2 for h, w in sizes)
    assert any(h < TRACE_SIZE[0] and w < TRACE_SIZE[1] for h, w in sizes)
    assert any(h > TRACE_SIZE[0] and w > TRACE_SIZE[1] for h, w in sizes)
    assert any(h == w for h, w in sizes)
    assert any(h > w for h, w in sizes)


BAKED = r"{} {}, and is right at 40x56: a size was baked in"
DIFFERS, REFUSED = r"it differs by up to \d\S* \(0\.01\d? is allowed\)", "its runtime refuses it: .*"


@pytest.mark.parametrize(
    ("make", "sizes"),
    [(planted.pooled_gate, r"at \d+x\d+"), (planted.parity_branch, "at (27x35|45x61)")],
    ids=["pooled gate", "parity branch"],
)
def test_onnx_with_a_size_baked_in_is_refused(make: Callable[[], Planted], sizes: str, tmp_path: Path) -> None:
    fault = BAKED.format(sizes, DIFFERS)
    with pytest.raises(EdgesrError, match=f"the ONNX file does not compute what the module does: {fault}"):
        to_onnx(make(), tmp_path / "model.onnx")


def test_a_proof_at_the_traced_size_alone_would_take_it(tmp_path: Path) -> None:
    module = planted.pooled_gate()
    proof = Proof(source=answers_of(module), images=(photograph("cat", TRACE_SIZE),), traced=TRACE_SIZE)
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_module_that_is_bound_to_one_size_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=r"could not export the module to ONNX .* static shape of 40 for dimension"):
        to_onnx(planted.fixed_mask(), tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("convert", "make", "reason"),
    [
        (to_onnx, planted.fixed_view, r"shape '\[1, 3, 40, 56\]' is invalid"),
        (to_torchscript, planted.even_sides, "pixel_unshuffle expects height"),
    ],
    ids=["fixed view", "even sides"],
)
def test_a_module_that_refuses_a_size_is_told_so(
    convert: Convert, make: Callable[[], Planted], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(EdgesrError, match=f"the module cannot run an image of 27x35 in PyTorch: {reason}"):
        convert(make(), tmp_path / "model")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (planted.traced_view, BAKED.format(r"at \d+x\d+", REFUSED)),
        (planted.parity_branch, BAKED.format("at (27x35|45x61)", DIFFERS)),
    ],
    ids=["traced view", "parity branch"],
)
def test_torchscript_with_a_size_baked_in_is_refused(make: Callable[[], Planted], fault: str, tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=f"the TorchScript file does not compute what the module does: {fault}"):
        to_torchscript(make(), tmp_path / "model.ptl")


def test_onnx_takes_the_size_of_a_view_from_its_input(tmp_path: Path) -> None:
    """Sizes that TorchScript's tracing makes constants stay dynamic in ONNX."""
    to_onnx(planted.traced_view(), tmp_path / "model.onnx")
    assert {"Conv", "Reshape"} <= {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}


def test_a_sound_module_becomes_files_of_any_size(tmp_path: Path) -> None:
    module = planted.sound()
    to_onnx(module, tmp_path / "model.onnx")
    to_torchscript(module, tmp_path / "model.ptl")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [node.op_type for node in graph.node] == ["Conv", "DepthToSpace"]
    assert [value.name for value in (*graph.input, *graph.output)] == ["lr", "sr"]
    for size in ((5, 90), (31, 17)):
        image = photograph("coffee", size)[None]
        expected = answers_of(module)(image)
        assert np.abs(expected).max() > 20
        for session in (
            ort.open(tmp_path / "model.onnx", RunSettings()),
            torchscript.open(tmp_path / "model.ptl", RunSettings()),
        ):
            assert np.abs(session.run(image) - expected).max() < 1e-3


def test_the_source_is_the_module_and_not_what_was_exported(tmp_path: Path) -> None:
    """A converter's own rewrite of the module is proven too."""
    exported = planted.sound()
    with torch.no_grad():
        exported.conv.weight.mul_(2)
    with pytest.raises(EdgesrError, match=r"differs by up to .* an operator was converted"):
        export_onnx(exported, tmp_path / "model.onnx", output_name="sr", proof=proof_of(planted.sound()))
