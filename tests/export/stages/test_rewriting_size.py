"""The size at which rewrites run a network: one that it takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgesr.export.formats.ncnn_target import NCNN
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.stages.runner import StageRunner
from edgesr.export.steps.rewriting import taken_size
from edgesr.sr_model.generators.foreign.contract import Contract


@pytest.mark.parametrize(
    ("least_side", "multiple", "size"), [(1, 1, (40, 56)), (41, 1, (41, 56)), (9, 9, (45, 63)), (60, 8, (64, 64))]
)
def test_a_size_of_the_contract_is_taken(least_side: int, multiple: int, size: tuple[int, int]) -> None:
    assert taken_size(least_side=least_side, multiple=multiple) == size


def test_rewrites_get_the_size_of_the_network(tmp_path: Path) -> None:
    contract = Contract(name="own", scale=2, colour="rgb", multiple=16, network_side=64)
    runner = SimpleNamespace(config=contract, onnx_file=lambda *_, **__: tmp_path / "model.onnx")
    wanted = ArtifactPlan(NCNN, "tile", "fp16", None)
    assert StageRunner._rewriting(runner, wanted, None).size == (64, 64)  # type: ignore[arg-type]
