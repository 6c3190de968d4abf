"""Two artifacts compared layer by layer: equal ones, planted faults, lower precisions, refusals."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import typer
from numpy.typing import NDArray
from onnx import numpy_helper

from edgesr.cli.commands.diff import diff
from edgesr.export.diff.diff import diff as run_diff
from edgesr.export.diff.layers import PYTORCH, DiffResult
from edgesr.export.diff.options import DiffOptions
from edgesr.export.diff.tables import diff_summary, diff_table
from edgesr.export.formats.targets import TARGETS
from edgesr.export.graphs.onnx_graph import constants, convolutions
from edgesr.export.graphs.tflite_graph import constant_values, operator_name, read_tflite, set_constant, write_tflite
from edgesr.export.quantization.precisions import PRECISIONS
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.json_records import decode, to_json
from tests.helpers.small_bundle import planted

MOBILE = ["head", *(f"blocks.{i}.conv{j}" for i in range(6) for j in (1, 2)), "tail"]
PROJECTION = ["head", *(f"blocks.{i}.conv{j}" for i in range(2) for j in (1, 2)), "tail"]
ONNX, WEIGHTS, BIAS = "onnx-fp32-tile", 1, 2
Values = NDArray[Any]


def tflite_id(bundle: Bundle, precision: str = "fp32", graph: str = "tile") -> str:
    height, width = bundle.manifest.tile_size
    return f"tflite-{precision}-{graph}-{height}x{width}"


def relative(result: DiffResult) -> list[float]:
    values = [layer.relative_rms for layer in result.layers]
    assert None not in values
    return [value for value in values if value is not None]


def with_fault(values: Values) -> Values:
    """One value of weights or of a bias changed, by the largest of them."""
    result = values.copy()
    result.flat[result.size // 2] += np.abs(values).max()
    return result


def edited_onnx(name: str | tuple[int, int], edit: Callable[[Values], Values]) -> Callable[[bytes], bytes]:
    """Change the initializer of a name, or that of a convolution by its number and input."""

    def change(content: bytes) -> bytes:
        model = onnx.load_from_string(content)
        found = name if isinstance(name, str) else convolutions(model)[name[0]].input[name[1]]
        tensor = constants(model)[found]
        tensor.CopyFrom(numpy_helper.from_array(edit(numpy_helper.to_array(tensor)), found))
        return bytes(model.SerializeToString())

    return change


def tflite_fault(number: int, position: int, *, upsampling: int) -> Callable[[bytes], bytes]:
    """The same in a TFLite file, whose first ``upsampling`` convolutions are not the network's."""

    def change(content: bytes) -> bytes:
        model = read_tflite(content)
        found = [op for op in model.subgraphs[0].operators if operator_name(model, op) == "CONV_2D"]
        operator = found[number + upsampling]
        set_constant(model, operator, position, with_fault(constant_values(model, int(operator.inputs[position]))))
        return bytes(write_tflite(model))

    return change


def test_an_artifact_equals_itself(any_bundle: Bundle) -> None:
    for artifact in any_bundle.manifest.artifacts:
        if TARGETS[artifact.format].open_layers is not None:
            result = run_diff(any_bundle, artifact.id, artifact.id, DiffOptions(threshold=0))
            assert result.passed and result.first_over is None and result.not_compared == ()
            assert set(relative(result)) == {0.0}
            assert {(x.max_abs_error, x.rms_error, x.snr_db, x.growth) for x in result.layers} == {(0, 0, None, None)}


@pytest.mark.parametrize("graph", ["tile", "full"])
def test_float32_files_agree_in_every_layer(any_bundle: Bundle, graph: str) -> None:
    result = run_diff(any_bundle, tflite_id(any_bundle, graph=graph), f"onnx-fp32-{graph}")
    layers = MOBILE if any_bundle.manifest.glue.noise_level is None else PROJECTION
    assert [x.name for x in result.layers if x.operator == "Conv"] == layers
    assert result.passed and result.not_compared == () and result.threshold == 1e-4
    assert 0 < max(relative(result)) < 1e-5
    assert (result.layers[-1].layer == "sr") == (graph == "full")
    for before, layer in zip(result.layers, result.layers[1:], strict=False):
        if layer.growth is not None:
            assert layer.growth == pytest.approx(layer.relative_rms / before.relative_rms)  # type: ignore[operator]
    worst = max(result.layers, key=lambda x: x.relative_rms or 0)
    assert worst.snr_db == pytest.approx(-20 * np.log10(max(relative(result))))


def test_files_agree_with_pytorch(any_bundle: Bundle) -> None:
    for artifact_id in (ONNX, tflite_id(any_bundle)):
        result = run_diff(any_bundle, artifact_id, PYTORCH)
        assert result.golden == "16x24" and result.size == (16, 24)
        assert result.passed and 0 < max(relative(result)) < 1e-5
        mobile = ["head", *(f"blocks.{i}.conv2 > Add" for i in range(6)), "tail > DepthToSpace"]
        published = ["head", "blocks.0.conv2", "blocks.1.conv2 > Add", "tail"]
        assert [x.name for x in result.layers] == (published if any_bundle.manifest.glue.noise_level else mobile)


@pytest.mark.parametrize("position", [WEIGHTS, BIAS], ids=["weight", "bias"])
@pytest.mark.parametrize("number", [0, 1, 7, 12, 13])
def test_planted_fault_in_the_mobile_network_is_named(
    number: int, position: int, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    other = tflite_id(mobile_bundle)
    for place, faulty, change in (
        ("onnx", ONNX, edited_onnx((number, position), with_fault)),
        ("tflite", other, tflite_fault(number, position, upsampling=0)),
    ):
        result = run_diff(planted(mobile_bundle, tmp_path / place, faulty, change), other, ONNX)
        assert result.first_over == MOBILE[number]
        index = next(i for i, x in enumerate(result.layers) if x.name == MOBILE[number])
        assert max(relative(result)[:index], default=0) < 1e-5 and relative(result)[index] > 1e-3


@pytest.mark.parametrize("position", [WEIGHTS, BIAS], ids=["weight", "bias"])
@pytest.mark.parametrize("number", range(6))
def test_planted_fault_in_the_published_form_is_named(
    number: int, position: int, projection_bundle: Bundle, tmp_path: Path
) -> None:
    other = tflite_id(projection_bundle)
    for place, faulty, change in (
        ("onnx", ONNX, edited_onnx((number, position), with_fault)),
        ("tflite", other, tflite_fault(number, position, upsampling=1)),
    ):
        result = run_diff(planted(projection_bundle, tmp_path / place, faulty, change), other, ONNX)
        assert result.first_over == PROJECTION[number]


@pytest.mark.parametrize(("number", "module"), [(0, "head"), (7, "blocks.3.conv2 > Add"), (13, "tail > DepthToSpace")])
def test_fault_in_the_reference_itself_is_named_by_pytorch(
    number: int, module: str, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    """Its tensors are no longer near PyTorch's, so that they are found by name."""
    faulty = planted(mobile_bundle, tmp_path / "bundle", ONNX, edited_onnx((number, WEIGHTS), with_fault))
    assert run_diff(faulty, ONNX, PYTORCH).first_over == module
    assert run_diff(faulty, tflite_id(faulty), PYTORCH).first_over is None


def test_upsampling_by_convolution_is_compared(projection_bundle: Bundle, tmp_path: Path) -> None:
    other = tflite_id(projection_bundle)
    change = tflite_fault(0, WEIGHTS, upsampling=0)
    result = run_diff(planted(projection_bundle, tmp_path / "bundle", other, change), other, ONNX)
    assert result.first_over == "input > Resize" and result.layers[0].shape == (3, 128, 128)


def test_values_that_are_not_finite_are_a_fault(bundle_copy: Bundle, tmp_path: Path) -> None:
    change = edited_onnx((3, BIAS), lambda values: np.full_like(values, np.inf))
    result = run_diff(planted(bundle_copy, tmp_path / "faulty", ONNX, change), ONNX, tflite_id(bundle_copy))
    assert result.first_over == MOBILE[3]
    first = next(x for x in result.layers if not x.passed)
    assert (first.max_abs_error, first.rms_error, first.relative_rms, first.snr_db) == (None,) * 4
    assert "nan" not in to_json(result).lower()


@pytest.mark.slow
@pytest.mark.parametrize("exact", [False, True])
def test_lower_precisions_pass_their_threshold(quantized_bundle: Bundle, exact: bool) -> None:
    largest: dict[str, float] = {}
    for artifact in quantized_bundle.manifest.artifacts:
        result = run_diff(quantized_bundle, artifact.id, f"onnx-fp32-{artifact.graph}", DiffOptions(exact=exact))
        assert result.passed and len(result.layers) == 33 + (artifact.graph == "full") and result.not_compared == ()
        assert result.threshold == PRECISIONS[artifact.precision].diff_threshold
        largest[artifact.precision] = max(relative(result))
    assert largest["fp32"] < 1e-5 < largest["fp16"] < 5e-3
    assert largest["fp16"] < largest["w8"] < 0.05 < largest["w8d"] < 0.12 < largest["int8"] < 0.4


def test_fault_in_int8_is_named(quantized_bundle: Bundle, tmp_path: Path) -> None:
    change = edited_onnx("generator.body.blocks.3.conv1.weight_quantized", lambda values: -values)
    faulty = planted(quantized_bundle, tmp_path / "bundle", "onnx-int8-tile", change)
    for other in (ONNX, tflite_id(faulty, "int8"), tflite_id(faulty, "w8d")):
        assert run_diff(faulty, "onnx-int8-tile", other).first_over == "blocks.3.conv1"


def test_refusals(mobile_bundle: Bundle, projection_bundle: Bundle, tmp_path: Path) -> None:
    other = tflite_id(mobile_bundle)
    for (a, b, options), message in (
        (("torchscript-fp32-tile", ONNX, {}), "does not give its inner tensors"),
        ((ONNX, "torchscript-fp32-tile", {}), "does not give its inner tensors"),
        ((PYTORCH, ONNX, {}), "only be the second"),
        ((ONNX, "onnx-fp32-full", {}), "tile and full"),
        ((ONNX, "no-such", {}), "no artifact 'no-such'"),
        ((ONNX, other, {"golden": "no-such"}), "no golden 'no-such'; it has photograph"),
        ((ONNX, PYTORCH, {"golden": "flat"}), "cannot be compared on golden flat"),
        ((tflite_id(mobile_bundle, graph="full"), PYTORCH, {}), "with PyTorch.s tensors"),
        ((ONNX, other, {"threshold": float("nan")}), "relative RMS error of 0 or more"),
    ):
        with pytest.raises(InputError, match=message):
            run_diff(mobile_bundle, a, b, DiffOptions(**options))
    kept = tuple(a for a in mobile_bundle.manifest.artifacts if a.id != ONNX)
    without = Bundle(mobile_bundle.root, dataclasses.replace(mobile_bundle.manifest, artifacts=kept))
    with pytest.raises(InputError, match="has no float32 ONNX tile graph"):
        run_diff(without, other, other)
    path = projection_bundle.root / projection_bundle.artifact(ONNX).file.path
    foreign = planted(mobile_bundle, tmp_path / "foreign", ONNX, lambda _content: path.read_bytes())
    with pytest.raises(EdgesrError, match="is not that of the float32 ONNX tile graph"):
        run_diff(foreign, other, ONNX)


def test_changed_file_is_not_loaded(bundle_copy: Bundle) -> None:
    path = bundle_copy.root / bundle_copy.artifact(ONNX).file.path
    path.write_bytes(edited_onnx((0, BIAS), with_fault)(path.read_bytes()))
    with pytest.raises(InputError, match="was changed"):
        run_diff(bundle_copy, tflite_id(bundle_copy), tflite_id(bundle_copy))


@pytest.mark.slow
def test_command_writes_table_json_and_picture(
    mobile_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (threshold, suffix) in enumerate(((None, "svg"), (1e-7, "png"), (0.0, "svg"))):
        file, plot = tmp_path / "diff.json", tmp_path / f"{number}.{suffix}"
        with pytest.raises(typer.Exit) as exit_info:
            diff(mobile_bundle.root, tflite_id(mobile_bundle), ONNX, threshold=threshold, json=file, plot=plot)
        result = decode(DiffResult, json.loads(file.read_text()))
        assert exit_info.value.exit_code == (0 if threshold is None else 1)
        assert result == run_diff_again(mobile_bundle, result)
        printed = capsys.readouterr().out
        assert diff_summary(result)[0] in printed and diff_table(result).title in " ".join(printed.split())
        content = plot.read_bytes()
        assert content.startswith(b"\x89PNG") if suffix == "png" else b"blocks.3.conv2 &gt; Add" in content
    with pytest.raises(InputError, match=r"\.svg or \.png"):
        diff(mobile_bundle.root, ONNX, ONNX, plot=tmp_path / "picture.jpg")


def run_diff_again(bundle: Bundle, result: DiffResult) -> DiffResult:
    again = run_diff(bundle, result.a, result.b, DiffOptions(threshold=result.threshold))
    return dataclasses.replace(again, created_utc=result.created_utc)
