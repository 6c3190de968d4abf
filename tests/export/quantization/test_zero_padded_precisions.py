"""Zero-padded variants of a reflect-padded network in lower precision: as the files that they stand in for."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.small_generator import save_projected_generator


def _convolution_weights(bundle: Bundle, artifact: Artifact) -> list[int]:
    """Types of the weights of all convolutions of a TFLite file, the upsampling first."""
    model = read_tflite(bundle.path(artifact.file).read_bytes())
    (graph,) = model.subgraphs
    found = [operator for operator in graph.operators if operator_name(model, operator) == "CONV_2D"]
    return [int(graph.tensors[operator.inputs[1]].type) for operator in found]


@pytest.mark.parametrize(
    ("target", "precision"),
    [
        pytest.param("onnx", "fp16", marks=pytest.mark.slow),
        pytest.param("onnx", "int8", marks=pytest.mark.slow),
        pytest.param("onnx", "w8a16", marks=pytest.mark.slow),
        pytest.param("tflite", "fp16", marks=pytest.mark.slow),
        pytest.param("tflite", "int8", marks=pytest.mark.slow),
        pytest.param("tflite", "w8", marks=pytest.mark.slow),
        pytest.param("tflite", "w8d", marks=pytest.mark.slow),
        pytest.param("tflite", "w8a16", marks=pytest.mark.slow),
    ],
)
def test_variant_is_quantized_as_its_artifact(
    target: str, precision: str, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shipped whatever it gains; with parity, resizable where the other is, the same layers in the same types."""
    monkeypatch.setattr("edgesr.export.stages.cost_meter._WORTH_SHIPPING", float("inf"))
    options = ExportOptions(
        checkpoint=save_projected_generator(tmp_path),
        targets=(target,),
        precisions=(precision,),
        graphs=("tile",),
        tile_size=(32, 32),
    )
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    border, zero = bundle.manifest.artifacts
    assert border.inside is not None and border.inside.artifact == zero.id
    assert (zero.inside_only, zero.uses[0].resizable) == (True, border.uses[0].resizable)
    for artifact in (border, zero):
        for golden in check_parity(bundle, artifact, runtime=artifact.runtimes[0], threads=1).goldens:
            assert golden.failures == (), (artifact.id, golden.golden)
    if target == "tflite":
        assert _convolution_weights(bundle, zero) == _convolution_weights(bundle, border)
