"""Constants of one value a channel stay those of channels in TFLite, whatever the height of the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.for_converter.constant_ranks import use_full_ranks
from edgesr.export.graphs.onnx_graph import constant, runner
from edgesr.runtimes.adapters import tflite
from edgesr.runtimes.interface.runtime import RunSettings
from tests.helpers.small_graphs import make_graph

FACTORS = np.array([1.0, 2.0, 4.0])


def image_times_factors(size: tuple[int, int]) -> onnx.ModelProto:
    """Relu(x) times a factor for each channel, of three sides, plus the same of four."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Mul", ["a", "factors"], ["b"]),
        helper.make_node("Add", ["b", "shifts"], ["c"]),
        helper.make_node("Mul", ["factors", "two"], ["d"]),
        helper.make_node("Add", ["c", "d"], ["y"]),
    ]
    shifts = FACTORS.reshape(1, 3, 1, 1)
    return fix_size(make_graph(nodes, {"factors": FACTORS.reshape(3, 1, 1), "shifts": shifts, "two": 2.0}), size)


def test_only_constants_of_three_sides_get_a_fourth() -> None:
    model = image_times_factors((3, 5))
    before = model.SerializeToString()
    changed = use_full_ranks(model)
    assert model.SerializeToString() == before
    onnx.checker.check_model(changed, full_check=True)
    used = {name for node in changed.graph.node for name in node.input}
    assert "shifts" in used
    assert constant(changed, "factors.full_rank").shape == (1, 3, 1, 1)
    image = photograph("cat", (3, 5))
    assert np.array_equal(runner(changed)(image)["y"], runner(model)(image)["y"])


@pytest.mark.slow
def test_an_image_as_high_as_it_has_channels_is_converted_right(tmp_path: Path) -> None:
    """The conversion compares its file with ONNX Runtime; here it is compared with the formula."""
    export_tflite(image_times_factors((3, 5)), tmp_path / "model.tflite", input_name="lr", output_name="sr")
    image = photograph("cat", (3, 5)).transpose(1, 2, 0)
    found = tflite.open(tmp_path / "model.tflite", RunSettings()).run(np.ascontiguousarray(image)[None])[0]
    assert np.abs(found - (image * FACTORS + 3 * FACTORS)).max() < 1e-3
