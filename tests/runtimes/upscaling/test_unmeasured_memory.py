"""Runtimes that were not installed at the export, so that nothing tells what a tile takes in them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import PlannedImage
from edgesr.runtimes.upscaling.plan import UpscalePlan, plan_upscale
from tests.helpers.small_bundle import with_uses


def unmeasured(bundle: Bundle, artifact_id: str, **changes: Any) -> Bundle:
    """A bundle of that artifact alone, whose memory was not measured."""
    artifact = with_uses(bundle.artifact(artifact_id), memory=None, **changes)
    return Bundle(bundle.root, dataclasses.replace(bundle.manifest, artifacts=(artifact,)))


def plan(bundle: Bundle, size: Size, **options: Any) -> UpscalePlan:
    return plan_upscale(bundle, size, UpscaleOptions(**options))


def test_the_files_tile_is_taken(mobile_bundle: Bundle) -> None:
    chosen = plan(unmeasured(mobile_bundle, "tflite-fp32-tile-64x64"), (300, 300))
    assert (chosen.grid.tile_size, chosen.memory_bytes) == ((64, 64), None)


def test_a_dry_run_says_so(mobile_bundle: Bundle) -> None:
    chosen = plan(unmeasured(mobile_bundle, "onnx-fp32-tile"), (300, 300))
    planned = PlannedImage(Path("in.png"), Path("out.png"), chosen, 1200, 1200, chosen.memory_bytes, 5_000_000, "", 1.0)
    assert planned.describe()[-2] == "  unknown memory for a tile, 5 MB for the images, 1.0 s"


def test_no_large_image_is_taken_whole(mobile_bundle: Bundle) -> None:
    bundle = unmeasured(mobile_bundle, "onnx-fp32-tile")
    height, width = bundle.manifest.tile_size
    assert plan(bundle, (3000, 4000)).grid.tile_size == (height, width)
    assert plan(bundle, (height - 1, 4000)).grid.tile_size == (height - 1, width)
    assert plan(bundle, (1, 1)).grid.tiles == 1
    assert plan(bundle, (3000, 4000), tile_size=(90, 80)).grid.tile_size == (90, 80)


@pytest.mark.parametrize(
    ("artifact_id", "changes"), [("onnx-fp32-tile", {}), ("tflite-fp32-tile-64x64", {"resizable": False})]
)
def test_a_memory_is_not_ignored(artifact_id: str, changes: dict[str, Any], mobile_bundle: Bundle) -> None:
    bundle = unmeasured(mobile_bundle, artifact_id, **changes)
    told = f"what {artifact_id} takes in .* was not measured, .* not there at the export: export again .* another"
    with pytest.raises(InputError, match=told):
        plan(bundle, (300, 300), memory_bytes=10**9)
    assert plan(bundle, (300, 300), memory_bytes=10**9, tile_size=(64, 64)).grid.tile_size == (64, 64)
