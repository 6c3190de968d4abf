"""Export: what a bundle holds, conversions, graph rewrites."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph, photograph_files, sample_tiles
from edgesr.export.formats.targets import TARGETS, plan_artifacts
from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.generator import Generator
from tests.helpers.published_reference import seeded_published_generator
from tests.helpers.small_generator import projected_generator, save_projected_generator


def test_artifacts_of_the_bundle(mobile_bundle: Bundle) -> None:
    manifest = mobile_bundle.manifest
    assert [a.id for a in manifest.artifacts] == [
        "onnx-fp32-full",
        "onnx-fp32-tile",
        "tflite-fp32-full-64x64",
        "tflite-fp32-tile-64x64",
        "torchscript-fp32-full",
        "torchscript-fp32-tile",
        "ncnn-fp32-full",
        "ncnn-fp32-tile",
        "mnn-fp32-full",
        "mnn-fp32-tile",
        "coreml-fp32-full-64x64",
        "coreml-fp32-tile-64x64",
    ]
    for artifact in manifest.artifacts:
        assert artifact.halo == (15 if artifact.graph == "tile" else None)
        assert artifact.padding == "zero"
        assert artifact.mac_per_hr_pixel == 7926
        assert artifact.legacy is (artifact.format == "torchscript")
        assert set(TARGETS[artifact.format].packages) < set(artifact.made_by)
        assert 400_000 < artifact.size_bytes < 700_000
    assert manifest.checkpoint.parameters == 127_280
    assert open_bundle(mobile_bundle.root).manifest == manifest


@pytest.mark.parametrize("size", [(33, 47), (64, 64), (120, 200), (200, 120), (1, 1), (2, 2), (5, 131)])
@pytest.mark.parametrize("artifact_id", ["onnx-fp32-full", "onnx-fp32-tile", "torchscript-fp32-full"])
def test_dynamic_files_take_any_size(mobile_bundle: Bundle, artifact_id: str, size: tuple[int, int]) -> None:
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile"))
    assert _error_of(generator, mobile_bundle, artifact_id, size) <= 0.01


@pytest.mark.parametrize("size", [(2, 2), (5, 131), (33, 47)])
@pytest.mark.parametrize("artifact_id", ["onnx-fp32-full", "onnx-fp32-tile", "torchscript-fp32-full"])
def test_dynamic_files_with_projection_take_any_size(
    projection_bundle: Bundle, artifact_id: str, size: tuple[int, int]
) -> None:
    assert _error_of(projected_generator(), projection_bundle, artifact_id, size) <= 0.01


def _error_of(generator: Generator, bundle: Bundle, artifact_id: str, size: tuple[int, int]) -> float:
    """Largest difference of 255 between PyTorch and an artifact on a photograph."""
    image = photograph("coffee", size)
    session = open_session(bundle, bundle.artifact(artifact_id))
    result = session.infer(image)
    if session.artifact.graph == "tile":
        result = apply_residual(image, result, scale=bundle.manifest.scale, glue=bundle.manifest.glue)
    with torch.inference_mode():
        expected = generator(torch.from_numpy(image)[None])[0].numpy()
    return float(np.abs(result - expected).max())


def test_full_graph_without_projection_has_no_statistics(mobile_bundle: Bundle) -> None:
    """Convolutions, resize, subtract and clip."""
    model = onnx.load(mobile_bundle.path(mobile_bundle.artifact("onnx-fp32-full").file))
    operators = Counter(n.op_type for n in model.graph.node)
    assert operators == {
        "Conv": 14,
        "LeakyRelu": 12,
        "Add": 6,
        "Div": 1,
        "DepthToSpace": 1,
        "Resize": 1,
        "Sub": 1,
        "Clip": 1,
    }


def test_full_graph_with_projection_has_its_median(projection_bundle: Bundle) -> None:
    graphs = {}
    for graph in ("full", "tile"):
        model = onnx.load(projection_bundle.path(projection_bundle.artifact(f"onnx-fp32-{graph}").file))
        graphs[graph] = {n.op_type for n in model.graph.node}
    assert {"TopK", "Sqrt", "Clip"} <= graphs["full"]
    assert graphs["tile"] == {"Conv", "PRelu", "Pad", "Add", "Resize"}


def test_second_export_converts_nothing(mobile_bundle: Bundle, cache_dir: Path, tmp_path: Path) -> None:
    targets = tuple(dict.fromkeys(artifact.format for artifact in mobile_bundle.manifest.artifacts))
    options = ExportOptions(preset="srrescycgan-mobile", targets=targets, tile_size=(64, 64))
    report = export_bundle(options, tmp_path / "again", cache_dir=cache_dir)
    assert report.conversions == ()
    assert report.bundle.manifest == mobile_bundle.manifest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again"]


def test_a_checkpoint_whose_name_is_no_text(projection_bundle: Bundle, cache_dir: Path, tmp_path: Path) -> None:
    """Its conversions are those of the bundle."""
    checkpoint = save_projected_generator(tmp_path).rename(tmp_path / os.fsdecode(b"c\xff.safetensors"))
    options = ExportOptions(checkpoint=checkpoint, targets=("onnx",), tile_size=projection_bundle.manifest.tile_size)
    report = export_bundle(options, tmp_path / "b", cache_dir=cache_dir)
    assert report.conversions == ()
    assert open_bundle(tmp_path / "b").manifest.checkpoint.name == r"c\udcff.safetensors"


def test_only_what_was_asked_for(cache_dir: Path, tmp_path: Path) -> None:
    options = ExportOptions(targets=("torchscript",), graphs=("tile",), tile_size=(40, 64))
    bundle = export_bundle(options, tmp_path / "one", cache_dir=cache_dir).bundle
    assert [a.id for a in bundle.manifest.artifacts] == ["torchscript-fp32-tile"]
    assert bundle.manifest.goldens[0].size == (40, 64)


@pytest.mark.slow
def test_published_architecture_round_trip(cache_dir: Path, tmp_path: Path) -> None:
    """Seeded weights in a published .pth: ONNX, full and tile, at a small tile."""
    torch.save(seeded_published_generator(6.0).published_state(), tmp_path / "seeded.pth")
    options = ExportOptions(checkpoint=tmp_path / "seeded.pth", targets=("onnx",), tile_size=(16, 24))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    assert bundle.manifest.checkpoint.name == "seeded.pth"
    assert {a.id: a.halo for a in bundle.manifest.artifacts} == {"onnx-fp32-full": None, "onnx-fp32-tile": 4}
    for artifact in bundle.manifest.artifacts:
        assert artifact.padding == "reflect"
        for golden in check_parity(bundle, artifact, runtime="ort", threads=2).goldens:
            assert not golden.failures, (artifact.id, golden)


def test_unsupported_work_is_refused_with_the_table(tmp_path: Path) -> None:
    for targets, precisions, graphs in (
        (("torchscript",), ("int8",), ("full",)),
        (("onnx", "torchscript"), ("fp32", "w8d"), ("full",)),
        (("tensorrt",), ("fp32",), ("full",)),
        (("onnx",), ("fp64",), ("full",)),
        (("onnx",), ("fp32",), ("half",)),
        ((), ("fp32",), ("full",)),
    ):
        with pytest.raises(InputError, match="supported are onnx: fp32/fp16/fp16a/bf16/int8/w8a16 full/tile; tflite"):
            plan_artifacts(targets, precisions, graphs, (64, 64))
    ids = [p.id for p in plan_artifacts(("onnx", "tflite", "onnx"), ("fp32",), ("tile",), (64, 96))]
    assert ids == ["onnx-fp32-tile", "tflite-fp32-tile-64x96"]


def test_missing_converter_is_named_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.runtimes.packages.installed_version", lambda name: None if name == "onnx2tf" else "1")
    with pytest.raises(MissingPackageError, match=r"onnx2tf.*pip install 'edgesr\[export\]'"):
        export_bundle(ExportOptions(), tmp_path / "b", cache_dir=tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def depth_to_space_model() -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = numpy_helper.from_array(random.normal(size=(48, 5, 3, 3)).astype(np.float32), "w")
    bias = numpy_helper.from_array(random.normal(size=48).astype(np.float32), "b")
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["y"], ["z"], blocksize=4, mode="CRD"),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, None, None]) for n, c in (("x", 5), ("z", 3))]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [weights, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_dcr_order_gives_the_same_numbers_and_the_expected_operators(tmp_path: Path) -> None:
    model = depth_to_space_model()
    before = model.SerializeToString()
    changed = use_dcr_order(model)
    assert model.SerializeToString() == before
    assert [n.op_type for n in changed.graph.node] == ["Conv", "DepthToSpace"]
    assert {a.name: a.s or a.i for a in changed.graph.node[1].attribute} == {"mode": b"DCR", "blocksize": 4}
    x = np.random.default_rng(1).normal(size=(1, 5, 7, 9)).astype(np.float32)
    outputs = []
    for name, m in (("crd", model), ("dcr", changed)):
        onnx.save(m, tmp_path / name)
        outputs.append(ort.open(tmp_path / name, RunSettings()).run(x))
    assert outputs[0].shape == (1, 3, 28, 36)
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-5


def test_tflite_has_one_depth_to_space_and_no_transpose(mobile_bundle: Bundle) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    path = mobile_bundle.path(mobile_bundle.artifact("tflite-fp32-tile-64x64").file)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
    operators = [o["op_name"] for o in interpreter._get_ops_details()]
    assert operators.count("DEPTH_TO_SPACE") == 1
    assert operators.count("CONV_2D") == 14
    assert set(operators) == {"CONV_2D", "LEAKY_RELU", "ADD", "DEPTH_TO_SPACE"}


def test_glue_of_a_projection_is_in_the_manifest(projection_bundle: Bundle) -> None:
    assert projection_bundle.manifest.glue == Glue(upsample="bilinear", noise_level="db7-mad", alpha=8.5)
    assert projection_bundle.manifest.generator["projection"] is True


def test_photographs_are_few_small_and_of_stated_origin() -> None:
    files = photograph_files()
    provenance = (files[0].parent / "PROVENANCE.md").read_text()
    assert len(files) <= 12
    assert sum(f.stat().st_size for f in files) <= 400_000
    assert all(f"| {f.name} |" in provenance for f in files)


def test_sample_tiles_differ_and_repeat() -> None:
    tiles = sample_tiles(20, (128, 128))
    assert all(t.shape == (3, 128, 128) and t.dtype == np.float32 for t in tiles)
    assert len({t.tobytes() for t in tiles}) == 20
    assert all(np.array_equal(a, b) for a, b in zip(tiles, sample_tiles(20, (128, 128)), strict=True))
    assert photograph("galaxies", (300, 50)).shape == (3, 300, 50)


def test_manifest_is_plain_json(mobile_bundle: Bundle) -> None:
    manifest = json.loads((mobile_bundle.root / "manifest.json").read_text())
    assert manifest["schema_version"] == 6
    assert manifest["glue"] == {"upsample": "bilinear", "noise_level": None, "alpha": None}
    assert manifest["generator"]["projection"] is False
    paths = {p.relative_to(mobile_bundle.root).as_posix() for p in mobile_bundle.root.rglob("*") if p.is_file()}
    assert paths == {"manifest.json"} | {e.path for e in mobile_bundle.manifest.files()}
