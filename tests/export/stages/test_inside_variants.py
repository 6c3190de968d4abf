"""Zero-padded variants: one that is too far from float32, or cannot be made, costs itself alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.stages.cache import StageCache
from edgesr.export.stages.converted import convert
from edgesr.export.stages.cost_meter import CostMeter
from edgesr.export.stages.runner import StageRunner
from edgesr.export.steps.costs import FileCost
from edgesr.runtimes.bundle.manifest import Glue, InsideVariant, RunMemory
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.progress import ProgressEvent

ZERO = "onnx-fp16-tile-zero"
COST = FileCost(resizable=True, memory=RunMemory(fixed_bytes=1, bytes_per_lr_pixel=1.0))


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variant takes half of the time."""
    monkeypatch.setattr(CostMeter, "cost", lambda *_: COST)
    monkeypatch.setattr(CostMeter, "inside", lambda *_: InsideVariant(time_ratio=0.5, artifact=ZERO))


def write(path: Path, bias: float) -> Path:
    """An ONNX file x1 that adds a bias to an image."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in ("lr", "sr")]
    bias_tensor = numpy_helper.from_array(np.asarray(bias, dtype=np.float32), "b")
    graph = helper.make_graph([helper.make_node("Add", ["lr", "b"], ["sr"])], "add", ends[:1], ends[1:], [bias_tensor])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def converted(folder: Path, zero: float | EdgesrError) -> tuple[list[tuple[str, InsideVariant | None]], list[str]]:
    """Ids of what is made of a reflect-padded network, with their variants, and what is told."""
    float_file, good = write(folder / "float.onnx", 0.0), write(folder / "good.onnx", 0.01)

    def artifact(plan: ArtifactPlan, _quantization: object) -> tuple[Path, dict[str, str]]:
        if plan.zero_padded and isinstance(zero, EdgesrError):
            raise zero
        return (write(folder / "zero.onnx", cast(float, zero)) if plan.zero_padded else good), {}

    runner = SimpleNamespace(
        config=SimpleNamespace(minimum_side=1, multiple=1, scale=1, colour="rgb", padding="reflect"),
        glue=Glue(upsample="none", noise_level=None, alpha=None),
        measurement=SimpleNamespace(mac_per_hr_pixel=1.0),
        artifact=artifact,
        float_file=lambda _: float_file,
    )
    cache, events = StageCache(folder / "cache"), list[ProgressEvent]()
    with cache.locked():
        plan = ArtifactPlan(ONNX, "tile", "fp16", None)
        found = convert(cast(StageRunner, runner), cache, plan, None, events.append)
    return [(item.plan.id, item.inside) for item in found], [event.note for event in events if event.is_notice]


def test_a_variant_that_keeps_its_float_file_follows(tmp_path: Path) -> None:
    found, told = converted(tmp_path, 0.02)
    assert found == [("onnx-fp16-tile", InsideVariant(time_ratio=0.5, artifact=ZERO)), (ZERO, None)]
    assert told == []


def test_a_variant_too_far_from_float32_costs_itself_alone(tmp_path: Path) -> None:
    found, (told,) = converted(tmp_path, -114.4)
    assert found == [("onnx-fp16-tile", InsideVariant(time_ratio=0.5, artifact=None))]
    assert told.startswith(f"{ZERO} is left out: {ZERO} is too far from its float32 file: ")


def test_a_variant_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    found, told = converted(tmp_path, EdgesrError("none of its layers can be stored"))
    assert found == [("onnx-fp16-tile", None)]
    assert told == [f"{ZERO} is left out: none of its layers can be stored"]


def test_what_the_user_can_mend_is_not_left_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        converted(tmp_path, InputError("no such folder"))
