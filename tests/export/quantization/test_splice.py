"""A tile graph put back into its full graph."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.onnx_graph import constants, runner
from edgesr.export.graphs.splice import find_tensor, splice
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError

TILE = photograph("cat", (32, 48))


def graph_of(bundle: Bundle, kind: str) -> onnx.ModelProto:
    return onnx.load(bundle.path(bundle.artifact(f"onnx-fp32-{kind}").file))


def test_the_unmodified_tile_graph_gives_the_full_graph(any_bundle: Bundle) -> None:
    full, tile_graph = graph_of(any_bundle, "full"), graph_of(any_bundle, "tile")
    before = [m.SerializeToString() for m in (full, tile_graph)]
    spliced = splice(full, tile_graph, tile_graph, TILE)
    assert [m.SerializeToString() for m in (full, tile_graph)] == before
    onnx.checker.check_model(spliced, full_check=True)
    assert [v.name for v in (*spliced.graph.input, *spliced.graph.output)] == ["lr", "sr"]
    runs = [runner(model) for model in (spliced, full)]
    for name, size in (("coffee", (33, 47)), ("rocket", (5, 131)), ("galaxies", (64, 64)), ("astronaut", (3, 2))):
        image = photograph(name, size)
        result, expected = (run(image)["sr"] for run in runs)
        assert result.shape == (1, 3, 4 * size[0], 4 * size[1])
        assert np.abs(result - expected).max() <= 1e-3
    assert 4 * np.abs(runs[0](TILE)["sr"]).max() > 255


def test_the_body_is_in_it_once(any_bundle: Bundle) -> None:
    full, tile_graph = graph_of(any_bundle, "full"), graph_of(any_bundle, "tile")
    spliced = splice(full, tile_graph, tile_graph, TILE)
    assert len(spliced.graph.node) <= len(full.graph.node) + 1  # the projection and the body upsample each
    assert sum(n.op_type == "Conv" for n in spliced.graph.node) == sum(n.op_type == "Conv" for n in full.graph.node)
    used = {i for n in spliced.graph.node for i in n.input}
    assert set(constants(spliced)) <= used


def test_a_changed_tile_graph_changes_the_full_graph(mobile_bundle: Bundle) -> None:
    """A residual of 0 leaves bilinear upsampling."""
    full, tile_graph = graph_of(mobile_bundle, "full"), graph_of(mobile_bundle, "tile")
    nothing = onnx.ModelProto()
    nothing.CopyFrom(tile_graph)
    output = nothing.graph.output[0].name
    for node in nothing.graph.node:
        node.output[:] = [f"{name}.before" if name == output else name for name in node.output]
    nothing.graph.node.append(helper.make_node("Sub", [f"{output}.before"] * 2, [output], name="nothing"))
    result = runner(splice(full, tile_graph, nothing, TILE))(TILE)["sr"]
    upsampled = next(n.output[0] for n in full.graph.node if n.op_type == "Resize")
    assert np.abs(result - runner(full, [upsampled])(TILE)[upsampled]).max() <= 1e-3


def test_another_generators_tile_graph_is_refused(mobile_bundle: Bundle, projection_bundle: Bundle) -> None:
    other = graph_of(projection_bundle, "tile")
    with pytest.raises(EdgesrError, match="no tensor that equals the tile graph's residual"):
        splice(graph_of(mobile_bundle, "full"), other, other, TILE)


def test_find_tensor_looks_at_shape_and_values(projection_bundle: Bundle) -> None:
    full = graph_of(projection_bundle, "full")
    residual = runner(graph_of(projection_bundle, "tile"))(TILE)["residual"]
    name = find_tensor(full, residual, TILE)
    assert next(n.op_type for n in full.graph.node if name in n.output) == "Conv"
    for other in (residual + np.float32(0.02), residual[:, :, :-1], residual[:, :1]):
        with pytest.raises(EdgesrError):
            find_tensor(full, np.ascontiguousarray(other), TILE)
