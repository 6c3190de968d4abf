"""TFLite tile graphs of any size: upsampling as a convolution, its border, and the files as a whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.resizable import upsample_by_convolution, upsamples_input
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.runtimes.adapters import ort, tflite
from edgesr.runtimes.adapters.session import from_layout, open_session
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.interface.runtime import RunSettings
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
    changed = upsample_by_convolution(model)
    assert model.SerializeToString() == before
    assert not upsamples_input(changed)
    assert [node.op_type for node in changed.graph.node] == ["Pad", "Conv", "DepthToSpace", "Add"]
    onnx.checker.check_model(changed, full_check=True)
    onnx.save(changed, tmp_path / "changed.onnx")
    session = ort.open(tmp_path / "changed.onnx", RunSettings())
    for size in SIZES[1:]:
        image = np.random.default_rng(0).uniform(0, 255, (3, *size)).astype(np.float32)
        difference = np.abs(session.run(image[None])[0] - (upsample_bilinear(image, scale) + 1))
        inside = slice(scale, -scale)
        assert difference.shape == (3, size[0] * scale, size[1] * scale)
        assert difference[:, inside, inside].max() <= 1e-4
        assert difference.max() > 1


@pytest.mark.parametrize("scale", [2, pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)])
def test_tflite_upsampling_is_bilinear_everywhere(scale: int, tmp_path: Path) -> None:
    """At the size of the conversion and at others, its border included."""
    path, model = tmp_path / "resizable.tflite", resize_model(scale, (16, 24))
    export_tflite(model, path, input_name="lr", output_name="sr", resizable=True)
    for size in ((16, 24), (1, 1), (2, 9), *SIZES):
        image = np.random.default_rng(0).uniform(0, 255, (3, *size)).astype(np.float32)
        result = (
            tflite.open(path, RunSettings())
            .run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])[0]
            .transpose(2, 0, 1)
        )
        assert np.abs(result - (upsample_bilinear(image, scale) + 1)).max() <= 2e-4


def _run(path: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A TFLite file's answer (c,H,W) to an image (c,h,w)."""
    answer = tflite.open(path, RunSettings()).run(np.ascontiguousarray(image.transpose(1, 2, 0))[None])
    return from_layout(answer, "NHWC")


def with_resize(model: onnx.ModelProto, factors: list[float] | None = None, **attributes: str | int) -> onnx.ModelProto:
    """A graph whose Resize has other attributes or factors."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    resize = result.graph.node[0]
    kept = {a.name: helper.get_attribute_value(a) for a in resize.attribute}
    resize.CopyFrom(helper.make_node("Resize", resize.input, resize.output, **{**kept, **attributes}))
    if factors is not None:
        result.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.asarray(factors, dtype=np.float32), "factors"))
    return result


@pytest.mark.parametrize(
    "model",
    [
        with_resize(resize_model(2), mode="nearest"),
        with_resize(resize_model(2), mode="cubic"),
        with_resize(resize_model(2), coordinate_transformation_mode="asymmetric"),
        with_resize(resize_model(2), coordinate_transformation_mode="align_corners"),
        with_resize(resize_model(2), antialias=1),
        with_resize(resize_model(2), [1, 1, 2, 3]),
        with_resize(resize_model(2), [1, 1, 1.5, 1.5]),
        with_resize(resize_model(2), [1, 1, 0.5, 0.5]),
    ],
    ids=["nearest", "cubic", "asymmetric", "corners", "antialias", "two factors", "one and a half", "half"],
)
def test_any_other_resize_stays(model: onnx.ModelProto) -> None:
    assert not upsamples_input(model)
    assert upsample_by_convolution(model).SerializeToString() == model.SerializeToString()


def test_the_names_that_pytorch_writes_are_bilinear() -> None:
    for mode in ("half_pixel", "pytorch_half_pixel"):
        model = with_resize(
            resize_model(2),
            coordinate_transformation_mode=mode,
            antialias=0,
            exclude_outside=0,
            keep_aspect_ratio_policy="stretch",
            nearest_mode="floor",
        )
        assert upsamples_input(model)


def grey(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph for one channel."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[1].dim_value = 1
    return model


def test_grey_images_have_phases_of_one_channel() -> None:
    changed = upsample_by_convolution(grey(resize_model(2)))
    assert numpy_helper.to_array(changed.graph.initializer[-1]).shape == (4, 1, 3, 3)
    onnx.checker.check_model(changed, full_check=True)


def three_bases(size: tuple[int, int]) -> onnx.ModelProto:
    """Nearest and bilinear upsampling of the input and a convolution of its reflect pad, added."""
    random = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {
        "factors": np.array([1, 1, 2, 2], dtype=np.float32),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64),
        "weights": random.normal(size=(12, 3, 3, 3)).astype(np.float32),
    }
    nearest = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    nodes = [
        helper.make_node("Resize", ["lr", "", "factors"], ["nearest"], name="nearest", **nearest),
        helper.make_node("Resize", ["lr", "", "factors"], ["bilinear"], mode="linear", name="bilinear"),
        helper.make_node("Pad", ["lr", "pads"], ["padded"], mode="reflect", name="pad"),
        helper.make_node("Conv", ["padded", "weights"], ["features"], name="conv"),
        helper.make_node("DepthToSpace", ["features"], ["shuffled"], blocksize=2, mode="CRD", name="shuffle"),
        helper.make_node("Add", ["nearest", "bilinear"], ["bases"], name="bases"),
        helper.make_node("Add", ["bases", "shuffled"], ["sr"], name="sum"),
    ]
    taken = helper.make_tensor_value_info("lr", TensorProto.FLOAT, [1, 3, *size])
    result = helper.make_tensor_value_info("sr", TensorProto.FLOAT, [1, 3, 2 * size[0], 2 * size[1]])
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    graph = helper.make_graph(nodes, "g", [taken], [result], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.slow
def test_nearest_bases_and_pads_of_the_network_stay_what_they_are(tmp_path: Path) -> None:
    path, model = tmp_path / "bases.tflite", three_bases((9, 14))
    export_tflite(model, path, input_name="lr", output_name="sr", resizable=True)
    edited = read_tflite(path.read_bytes())
    operators = edited.subgraphs[0].operators
    found = Counter(operator_name(edited, operator) for operator in operators)
    assert found["RESIZE_NEAREST_NEIGHBOR"] == 1
    assert found["RESIZE_BILINEAR"] == 0
    modes = [op.builtinOptions.mode for op in operators if operator_name(edited, op) == "MIRROR_PAD"]
    assert sorted(modes) == [schema.MirrorPadMode.REFLECT, schema.MirrorPadMode.SYMMETRIC]
    image = photograph("cat", (9, 14))
    result = _run(path, image)
    assert np.abs(result - runner(model)(image)["sr"][0]).max() <= 2e-3


def test_upsampling_of_bytes_is_exact(projection_bundle: Bundle) -> None:
    """At x4 the weights are multiples of 1/64: no sum of products with 8-bit values is rounded."""
    weights = next(
        numpy_helper.to_array(tensor)
        for tensor in upsample_by_convolution(resize_model(4)).graph.initializer
        if tensor.name == "up.upsample.weight"
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
