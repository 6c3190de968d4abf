"""The plan of int8 is found once for all the artifacts of an export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
import onnx
import pytest

from edgesr.export.calibration.tiles import CalibrationSet
from edgesr.export.quantization.plan import AskedBudget, Plan, write_plan
from edgesr.export.quantization.settings import QuantizationSettings
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.planned import Planning
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.generators.foreign.contract import Contract
from tests.export.quantization.planning.layer_kinds import with_base
from tests.export.quantization.planning.test_plan_file import a_plan

P = ParamSpec("P")
GLUE = Glue(upsample="none", noise_level=None, alpha=None)


class CountedCache(StageCache):
    """Finds one plan, and counts how often it is asked."""

    def __init__(self, root: Path, plan: Plan) -> None:
        super().__init__(root)
        self.asked = 0
        write_plan(root, plan)

    def run(self, stage: Stage[P], *args: P.args, **kwargs: P.kwargs) -> Path:
        self.asked += 1
        return self.root


def planning(folder: Path, plan: Plan, told: list[ProgressEvent]) -> tuple[Planning, CountedCache]:
    cache = CountedCache(folder, plan)
    return Planning(cache=cache, config=Contract(name="n", scale=2), glue=GLUE, progress=told.append), cache


def settings(**others: Any) -> QuantizationSettings:
    tiles = (np.full((3, 48, 48), 128, dtype=np.float32),)
    calibration = CalibrationSet(source="synthetic", tiles=tiles, selection=tiles, warnings=())
    return QuantizationSettings(calibration=calibration, asked=AskedBudget(), range_method=None, **others)


@pytest.fixture
def tile_file(tmp_path: Path) -> Path:
    onnx.save(with_base(), tmp_path / "tile.onnx")
    return tmp_path / "tile.onnx"


def test_a_plan_is_found_and_written_once(tmp_path: Path, tile_file: Path) -> None:
    told: list[ProgressEvent] = []
    shared, cache = planning(tmp_path, replace(a_plan(), missed=None), told)
    asked = settings(plan_file=tmp_path / "written.json")
    first = shared.plan(tile_file, asked)
    assert shared.plan(tile_file, asked) is first
    assert (cache.asked, len(told)) == (1, 1)
    assert shared.plan(tile_file, replace(asked, range_method="mse")) is not first
    assert cache.asked == 2


def test_a_missed_budget_is_told_of_every_artifact(tmp_path: Path, tile_file: Path) -> None:
    shared, cache = planning(tmp_path, a_plan(), [])
    asked = settings()
    for _ in range(3):
        with pytest.raises(EdgesrError, match="more was asked"):
            shared.plan(tile_file, asked)
    assert cache.asked == 1


def test_a_given_plan_is_compared_with_the_network_once(
    tmp_path: Path, tile_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken whether it missed its budget or not."""
    shared, cache = planning(tmp_path, a_plan(), [])
    read: list[Path] = []
    load = onnx.load

    def counted(file: Path) -> onnx.ModelProto:
        read.append(file)
        return load(file)

    monkeypatch.setattr(onnx, "load", counted)
    asked = settings(plan_file=tmp_path / "given.json", given_plan=a_plan())
    for _ in range(3):
        assert shared.plan(tile_file, asked) is asked.given_plan
    assert (read, cache.asked) == ([tile_file], 0)
