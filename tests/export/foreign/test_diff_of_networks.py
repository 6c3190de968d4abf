"""Files of users' networks compared layer by layer, with one another and with PyTorch; planted faults are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgesr.export.diff.diff import diff
from edgesr.export.diff.layers import PYTORCH, DiffResult
from edgesr.export.diff.tables import diff_summary
from edgesr.export.graphs.onnx_graph import constants
from edgesr.export.graphs.tflite_graph import constant_values, operator_name, read_tflite, set_constant, write_tflite
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.opening import Bundle
from tests.export.foreign.conftest import NETWORKS
from tests.helpers.small_bundle import planted

ONNX, TFLITE = "onnx-fp32-tile", "tflite-fp32-tile-48x48"
TRANSFORMER_TFLITE = "tflite-fp32-full-48x48"
SRVGG_LAYERS = ["body.0", "body.2", "body.4", "body.6", "body.8", "body.10"]
CONVOLUTIONS = ["head", "grow", "depthwise", "refine", "up"]
TRANSFORMER = ["head", "qkv", "out", "wide", "narrow", "squeeze", "excite", "tail"]


def exported(network: str, folder: Path, cache_dir: Path, *, graph: str, precisions: tuple[str, ...]) -> Bundle:
    options = ExportOptions(
        module=str(NETWORKS / network),
        targets=("onnx", "tflite"),
        precisions=precisions,
        graphs=(graph,),
        tile_size=(48, 48),
    )
    return export_bundle(options, folder, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def convolutions_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """Mean shift, dense features, a depthwise and a transposed convolution. Do not change it."""
    folder = tmp_path_factory.mktemp("bundles") / "exported"
    return exported("mixed.py:convolutions", folder, cache_dir, graph="tile", precisions=("fp32", "fp16"))


@pytest.fixture(scope="session")
def transformer_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """Layer norm, attention in windows and of channels, whose tiles are not exact. Do not change it."""
    folder = tmp_path_factory.mktemp("bundles") / "exported"
    return exported("mixed.py:transformer", folder, cache_dir, graph="full", precisions=("fp32",))


def worst(result: DiffResult) -> float:
    return max(layer.relative_rms if layer.relative_rms is not None else np.inf for layer in result.layers)


def faulty_tflite(bundle: Bundle, folder: Path, artifact_id: str, kind: str, number: int) -> Bundle:
    """One value of the weights of the operator of a kind with this number changed, by the largest of them."""

    def change(content: bytes) -> bytes:
        model = read_tflite(content)
        operator = [op for op in model.subgraphs[0].operators if operator_name(model, op) == kind][number]
        set_constant(model, operator, 1, with_fault(constant_values(model, int(operator.inputs[1]))))
        return bytes(write_tflite(model))

    return planted(bundle, folder, artifact_id, change)


def faulty_onnx(bundle: Bundle, folder: Path, artifact_id: str, weights: str) -> Bundle:
    """The same in the initializer whose name ends so."""

    def change(content: bytes) -> bytes:
        model = onnx.load_from_string(content)
        tensor = next(t for name, t in constants(model).items() if name.endswith(weights))
        tensor.CopyFrom(numpy_helper.from_array(with_fault(numpy_helper.to_array(tensor)), tensor.name))
        return bytes(model.SerializeToString())

    return planted(bundle, folder, artifact_id, change)


def with_fault(values: FloatArray) -> FloatArray:
    """One value in the middle changed, by the largest of them."""
    result = values.copy()
    result.flat[result.size // 2] += np.abs(values).max()
    return result


def require_named(bundle: Bundle, a: str, b: str, layer: str) -> None:
    """A fault is found at a layer, or at the activation that is fused into it, and nowhere before."""
    result = diff(bundle, a, b)
    assert result.first_over is not None and result.first_over.split(" > ")[0] == layer
    errors = [x.relative_rms for x in result.layers[: [x.passed for x in result.layers].index(False)]]
    assert max((error for error in errors if error is not None), default=0) < 1e-5


def test_onnx_files_of_a_plain_network_agree_with_pytorch(foreign_bundle: Bundle, tmp_path: Path) -> None:
    for artifact_id in (ONNX, "onnx-fp32-full"):
        result = diff(foreign_bundle, artifact_id, PYTORCH)
        assert result.golden == "photograph" and result.passed and result.not_compared == ()
        assert [x.name for x in result.layers] == [*SRVGG_LAYERS, "body.10 > Add"]
        assert 0 < worst(result) < 1e-5
    for layer in (SRVGG_LAYERS[0], SRVGG_LAYERS[3], SRVGG_LAYERS[-1]):
        faulty = faulty_onnx(foreign_bundle, tmp_path / layer, ONNX, f"{layer}.weight")
        require_named(faulty, ONNX, PYTORCH, layer)
        assert diff(faulty, "onnx-fp32-full", PYTORCH).passed, "the file that names layers is the faulty one"


def test_samples_of_layers_take_little_room(foreign_bundle: Bundle) -> None:
    """They lie with the golden that has the size of the tiles."""
    goldens = {golden.id: golden for golden in foreign_bundle.manifest.goldens}
    recorded = goldens.pop("photograph").intermediates
    assert list(recorded) == SRVGG_LAYERS and not any(golden.intermediates for golden in goldens.values())
    assert all(0 < entry.size_bytes < 33_000 for entry in recorded.values())


@pytest.mark.slow
def test_convolutions_of_all_kinds_are_followed_to_the_end(convolutions_bundle: Bundle) -> None:
    names = [
        *("head", "head > PRelu", "grow", "grow > LeakyRelu", "grow > Concat", "depthwise", "depthwise > HardSwish"),
        *("refine", "refine > Sigmoid", "refine > Mul", "refine > Concat", "join", "join > Add"),
        *("up", "input > Resize", "up > Add"),
    ]
    for artifact in convolutions_bundle.manifest.artifacts:
        result = diff(convolutions_bundle, artifact.id, ONNX)
        assert result.passed and result.not_compared == () and [x.name for x in result.layers] == names
        assert worst(result) == 0 if artifact.id == ONNX else worst(result) > 0
        assert worst(result) < (1e-6 if artifact.precision == "fp32" else 1e-3)


@pytest.mark.slow
def test_a_transformer_is_followed_to_the_end(transformer_bundle: Bundle) -> None:
    """By its full graph: the layer norm that TFLite has ten operators for and the windows are compared, too."""
    names = [
        *("head", "head > LayerNormalization", "qkv", "qkv > MatMul", "qkv > Softmax", "qkv > MatMul"),
        *("out", "out > Add", "wide", "wide > Gelu", "narrow", "narrow > Add", "narrow > ReduceMean", "squeeze"),
        *("squeeze > Relu", "excite", "excite > Sigmoid", "excite > Mul", "input > Resize"),
        *("tail", "tail > DepthToSpace", "tail > Add", "tail > Clip"),
    ]
    result = diff(transformer_bundle, TRANSFORMER_TFLITE, "onnx-fp32-full")
    assert result.passed and 0 < worst(result) < 1e-5
    assert [x.name for x in result.layers] == [name for name in names if name != "squeeze"]
    assert result.not_compared == ("conv2d_1",), "the activation is fused into it"
    again = diff(transformer_bundle, "onnx-fp32-full", "onnx-fp32-full")
    assert [x.name for x in again.layers] == names and again.not_compared == () and worst(again) == 0
    assert diff_summary(result)[1] == "not compared, since both do not hold it in one form: conv2d_1"
    assert len(diff_summary(again)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "number", "layer"),
    [
        ("CONV_2D", 0, "head"),
        ("CONV_2D", 1, "grow"),
        ("DEPTHWISE_CONV_2D", 0, "depthwise"),
        ("CONV_2D", 2, "refine"),
        ("TRANSPOSE_CONV", 0, "up"),
    ],
)
def test_a_fault_in_a_tflite_file_of_convolutions_is_named(
    kind: str, number: int, layer: str, convolutions_bundle: Bundle, tmp_path: Path
) -> None:
    faulty = faulty_tflite(convolutions_bundle, tmp_path / "bundle", TFLITE, kind, number)
    require_named(faulty, TFLITE, ONNX, layer)
    require_named(faulty, TFLITE, PYTORCH, layer)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "number", "layer"), [("FULLY_CONNECTED", 1, "out"), ("FULLY_CONNECTED", 3, "narrow")])
def test_a_fault_in_a_tflite_file_of_a_transformer_is_named(
    kind: str, number: int, layer: str, transformer_bundle: Bundle, tmp_path: Path
) -> None:
    faulty = faulty_tflite(transformer_bundle, tmp_path / "bundle", TRANSFORMER_TFLITE, kind, number)
    require_named(faulty, TRANSFORMER_TFLITE, "onnx-fp32-full", layer)
    require_named(faulty, TRANSFORMER_TFLITE, PYTORCH, layer)


@pytest.mark.slow
def test_all_files_agree_with_pytorch(convolutions_bundle: Bundle, transformer_bundle: Bundle) -> None:
    """The factor behind ``join`` went into its weights: no file has what PyTorch computed there."""
    for artifact in convolutions_bundle.manifest.artifacts:
        result = diff(convolutions_bundle, artifact.id, PYTORCH)
        assert result.passed and result.not_compared == ("join",)
        assert [x.name for x in result.layers] == [*CONVOLUTIONS, "up > Add"]
    for artifact_id, fused in (("onnx-fp32-full", ()), (TRANSFORMER_TFLITE, ("squeeze",))):
        result = diff(transformer_bundle, artifact_id, PYTORCH)
        assert result.passed and len(result.not_compared) == len(fused)
        assert [x.name for x in result.layers] == [*(x for x in TRANSFORMER if x not in fused), "tail > Clip"]
