"""Measures of a plan: extreme images, graphs that are exact, and layers that no pixels pass."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgesr.export.calibration.synthetic import synthetic_tiles
from edgesr.export.graphs.onnx_graph import copied, runner, weighted_nodes
from edgesr.export.quantization.planning.fidelity import Fidelity
from edgesr.runtimes.arrays import FloatArray
from tests.export.quantization.planning.layer_kinds import linear_layers
from tests.helpers.small_graphs import conv, kernels, make_graph

TILES = synthetic_tiles(6, (16, 12), seed=1)[3:]


def clipped(_tile: FloatArray, picture: FloatArray) -> FloatArray:
    return np.clip(picture, 0, 255)


def sharpened(bias: float = 0.0, gain: float = 1.0) -> onnx.ModelProto:
    """A 3x3 kernel that keeps flat images, then ``gain`` and ``bias``."""
    kernel = np.full((3, 3), -0.05)
    kernel[1, 1] = 1.4
    weights = np.einsum("oi,hw->oihw", np.eye(3), kernel)
    return make_graph(
        [conv("a", "padded", "y", pads=0), helper.make_node("Pad", ["x", "pads"], ["padded"], mode="edge")][::-1],
        {
            "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64),
            "body.a.weight": weights * gain,
            "body.a.bias": np.full(3, bias),
        },
    )


@pytest.mark.parametrize(("bias", "gain", "kept"), [(0.5, 1.0, True), (2.0, 1.0, False), (0.0, 0.98, False)])
def test_black_and_white_stay_what_they_are(bias: float, gain: float, *, kept: bool) -> None:
    """Half a level on flat images is kept; two levels on grey and black, or five on white, are not."""
    fidelity = Fidelity(sharpened(), TILES, clipped, lambda tile: tile)
    assert fidelity.measure(sharpened(bias, gain)).keeps_flat is kept


def test_a_graph_that_is_exact_has_figures() -> None:
    found = Fidelity(sharpened(), TILES, clipped, lambda tile: tile).measure(sharpened())
    assert (found.mean_psnr_db, found.worst_psnr_db, found.max_mean_shift) == (150.0, 150.0, 0.0)


def test_every_tile_is_computed_once() -> None:
    """The first tile, flat grey, is left as it is and says nothing."""
    flat, seen = np.full_like(TILES[0], 128), list[FloatArray]()

    def finish(tile: FloatArray, picture: FloatArray) -> FloatArray:
        seen.append(tile)
        return clipped(tile, picture)

    fidelity = Fidelity(sharpened(), [flat, *TILES], finish, lambda tile: tile)
    assert len(seen) == 1 + len(TILES)
    assert all(a is b for a, b in zip(fidelity.tiles, TILES, strict=True))
    run = runner(sharpened())
    for tile, reference in zip(TILES, fidelity.references, strict=True):
        assert np.array_equal(reference, clipped(tile, run(tile)["y"][0]))


def test_what_multiplies_sizes_alone_is_no_layer() -> None:
    model = copied(linear_layers())
    names = [node.name for node in weighted_nodes(model)]
    model.graph.initializer.append(numpy_helper.from_array(kernels(np.eye(4))[..., 0, 0].astype(np.float32), "w"))
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["shape"], ["sides"], name="sides", to=1),
            helper.make_node("MatMul", ["sides", "w"], ["moved"], name="moved"),
        ]
    )
    assert [node.name for node in weighted_nodes(model)] == names
