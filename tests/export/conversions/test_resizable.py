"""TFLite tile graphs of any size: upsampling as a convolution, its border, and the files as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.resizable import upsample_by_convolution, upsamples_input
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.runtimes.adapters import ort, tflite
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from tests.helpers.whole_runs import artifact_of

SIZES = [(2, 2), (7, 5), (33, 47), (3, 90), (61, 53)]


def resize_model(scale: int, size: tuple[int, int] | None = None) -> onnx.ModelProto:
    """A graph that upsamples its input and adds 1."""
    height, width = size or (None, None)
    factors = numpy_helper.from_array(np.array([1, 1, scale, scale], dtype=np.float32), "factors")
    one = numpy_helper.from_array(np.ones(1, dtype=np.float32), "one")
    nodes = [
        helper.make_node("Resize", ["lr", "", "factors"], ["up"], mode="linear", name="resize"),
        helper.make_node("Add", ["up", "one"], ["sr"], name="add"),
    ]
    taken = helper.make_tensor_value_info("lr", TensorProto.FLOAT, [1, 3, height, width])
    given = [None if side is None else side * scale for side in (height, width)]
    result = helper.make_tensor_value_info("sr", TensorProto.FLOAT, [1, 3, *given])
    graph = helper.make_graph(nodes, "g", [taken], [result], [factors, one])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_convolution_is_bilinear_inside(scale: int, tmp_path: Path) -> None:
    """Its border is another one in ONNX, where the pad reflects."""
    model = resize_model(scale)
    before = model.SerializeToString()
    assert upsamples_input(model)
    changed = upsample_by_convolution(model, scale)
    assert model.SerializeToString() == before
    assert not upsamples_input(changed)
    assert [node.op_type for node in changed.graph.node] == ["Pad", "Conv", "DepthToSpace", "Add"]
    onnx.checker.check_model(changed, full_check=True)
    onnx.save(changed, tmp_path / "changed.onnx")
    session = ort.open(tmp_path / "changed.onnx", 1)
    for size in SIZES[1:]:
        image = np.random.default_rng(0).uniform(0, 255, (3, *size)).astype(np.float32)
        difference = np.abs(session.run(image[None])[0] - (upsample_bilinear(image, scale) + 1))
        inside = slice(scale, -scale)
        assert difference.shape == (3, size[0] * scale, size[1] * scale)
        assert difference[:, inside, inside].max() <= 1e-4
        assert difference.max() > 1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_tflite_upsampling_is_bilinear_everywhere(scale: int, tmp_path: Path) -> None:
    """At the size of the conversion and at others, its border included."""
    path, model = tmp_path / "resizable.tflite", resize_model(scale, (16, 24))
    export_tflite(model, path, input_name="lr", output_name="sr", resizable_scale=scale)
    for size in ((16, 24), (1, 1), (2, 9), *SIZES):
        image = np.random.default_rng(0).uniform(0, 255, (3, *size)).astype(np.float32)
        result = tflite.open(path, 1).run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])[0].transpose(2, 0, 1)
        assert np.abs(result - (upsample_bilinear(image, scale) + 1)).max() <= 2e-4


def test_upsampling_of_bytes_is_exact(projection_bundle: Bundle) -> None:
    """At x4 the weights are multiples of 1/64: no sum of products with 8-bit values is rounded."""
    weights = next(
        numpy_helper.to_array(tensor)
        for tensor in upsample_by_convolution(resize_model(4), 4).graph.initializer
        if tensor.name == "upsample.weight"
    )
    assert np.array_equal(weights * 64, np.rint(weights * 64))
    assert np.array_equal(weights.sum(axis=(1, 2, 3)), np.ones(48))


def _operators(bundle: Bundle, artifact: Artifact) -> list[Any]:
    """Operators of a TFLite file in their order, as (name, operator)."""
    model = read_tflite(bundle.path(artifact.file).read_bytes())
    return [(operator_name(model, operator), operator) for operator in model.subgraphs[0].operators]


def _tflite_tiles(bundle: Bundle) -> list[Artifact]:
    return [a for a in bundle.manifest.artifacts if a.format == "tflite" and a.graph == "tile"]


def test_operators_of_tile_files(any_bundle: Bundle) -> None:
    for artifact in _tflite_tiles(any_bundle):
        operators = _operators(any_bundle, artifact)
        found = [name for name, _ in operators]
        assert "RESIZE_BILINEAR" not in found
        pads = [operator.builtinOptions.mode for name, operator in operators if name == "MIRROR_PAD"]
        if any_bundle.manifest.glue.noise_level is None:
            assert pads == []
            continue
        assert found[:3] == ["MIRROR_PAD", "CONV_2D", "DEPTH_TO_SPACE"]
        assert pads[0] == schema.MirrorPadMode.SYMMETRIC
        assert pads[1:] == [schema.MirrorPadMode.REFLECT] * (0 if artifact.inside_only else 5)


def test_full_files_still_resize(projection_bundle: Bundle) -> None:
    """Their size is fixed anyway."""
    found = {name for name, _ in _operators(projection_bundle, artifact_of(projection_bundle, "tflite", "full"))}
    assert "RESIZE_BILINEAR" in found


@pytest.mark.parametrize("size", [(2, 2), (2, 70), (33, 47), (31, 64), (64, 31), (65, 66)])
def test_resized_files_equal_the_onnx_tile_graph(size: tuple[int, int], any_bundle: Bundle) -> None:
    """The border of the image included; other pixels inside a zero-padded file's halo are not compared."""
    reference = open_session(any_bundle, artifact_of(any_bundle, "ort", "tile"))
    image = photograph("coffee", size)
    for artifact in _tflite_tiles(any_bundle):
        assert artifact.use("tflite").resizable
        difference = np.abs(open_session(any_bundle, artifact).infer(image) - reference.infer(image))
        if artifact.inside_only:
            assert artifact.halo is not None
            ring = 4 * artifact.halo
            difference = difference[:, ring:-ring, ring:-ring]
        assert difference.max(initial=0) <= 0.01, artifact.id
