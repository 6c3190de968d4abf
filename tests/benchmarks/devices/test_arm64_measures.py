"""Results of emulated CPUs: parity, instruction counts, and the int8 sums that saturate without VNNI."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgesr.benchmarks.devices.arm64.cpus import cpu
from edgesr.benchmarks.devices.arm64.device import Arm64Device
from edgesr.benchmarks.devices.arm64.guest import Guest
from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.emulated_x86 import EmulatedX86Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.instruction_changes import COUNT_LIMIT
from edgesr.benchmarks.latency.instruction_results import count_on_devices
from edgesr.benchmarks.machine.environment import x86_features
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.export.quantization.quantize_onnx import quantize_onnx
from edgesr.export.quantization.ranges import wide_ranges
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.runtimes.json_records import to_json

pytest_plugins = ("tests.helpers.arm64.fixtures",)
pytestmark = pytest.mark.slow

RUN = """
import sys
import numpy, onnxruntime
folder, output, exact = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
if exact == "exact":
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
numpy.save(output, session.run(None, {"x": numpy.load(f"{folder}/x.npy")})[0])
"""


@pytest.fixture(scope="module")
def arm64_devices(arm64_guest: Guest) -> list[Arm64Device]:
    return [Arm64Device(cpu(name), arm64_guest) for name in ("cortex-a53", "cortex-a76")]


def test_int8_is_equal_on_every_cpu(
    quantized_bundle: Bundle, arm64_devices: list[Arm64Device], arm64_guest: Guest
) -> None:
    """Our int8 files in ONNX Runtime and LiteRT: this host, both arm64 CPUs and a CPU without VNNI agree to the bit."""
    pairs = [
        (quantized_bundle.artifact(name), runtime)
        for name, runtime in (("onnx-int8-tile", "ort"), ("tflite-int8-tile-64x64", "tflite"))
    ]
    devices: list[Device] = [HostDevice(), *arm64_devices, EmulatedX86Device(arm64_guest)]
    results = check_on_devices(quantized_bundle, devices, artifacts=pairs)
    assert [r.reason for r in results.results if r.status != "done"] == []
    assert all(r.passed for r in results.results)
    assert len(results.results) == 8
    assert len(results.differences) == 6
    for found in results.differences:
        assert (found.artifact, found.device, found.max_difference) == (found.artifact, found.device, 0.0)
        assert found.identical_goldens == found.goldens > 3
    assert [one.name for one in results.devices] == ["arm64:cortex-a53", "arm64:cortex-a76", "x86-64:haswell"]


def test_float32_keeps_its_tolerance_on_arm64(quantized_bundle: Bundle, arm64_devices: list[Arm64Device]) -> None:
    pair = (quantized_bundle.artifact("tflite-fp32-tile-64x64"), "tflite")
    results = check_on_devices(quantized_bundle, [HostDevice(), arm64_devices[1]], artifacts=[pair])
    assert [r.passed for r in results.results] == [True, True]
    (found,) = results.differences
    assert found.max_difference is not None
    assert found.max_difference < 0.01


@pytest.mark.usefixtures("c_compiler")
def test_mnn_keeps_both_tolerances_on_arm64_in_fewer_instructions(
    mobile_bundle: Bundle, arm64_devices: list[Arm64Device]
) -> None:
    a76, artifacts = arm64_devices[1], [mobile_bundle.artifact(f"{form}-fp32-tile") for form in ("mnn", "onnx")]
    results = check_on_devices(mobile_bundle, [HostDevice(), a76], artifacts=[(artifacts[0], "mnn")])
    assert [(r.passed, r.reason) for r in results.results] == [(True, None)] * 2
    (found,) = results.differences
    assert found.max_difference is not None and 1e-3 < found.max_difference < 0.5
    counted = count_on_devices(mobile_bundle, [(a76, one, one.runtimes[0]) for one in artifacts])
    mnn, ort = (r.instructions for r in counted.results)
    assert mnn is not None and ort is not None and mnn.total < 0.4 * ort.total


@pytest.mark.skipif(platform.machine() != "x86_64", reason="OpenVINO has int8 kernels on x86 alone")
def test_openvino_runs_int8_files_in_float32_on_arm64(
    quantized_bundle: Bundle, arm64_devices: list[Arm64Device], arm64_guest: Guest
) -> None:
    """Named, not hidden; a CPU without VNNI computes int8 as this host does."""
    devices: list[Device] = [HostDevice(), arm64_devices[1], EmulatedX86Device(arm64_guest)]
    pair = (quantized_bundle.artifact("onnx-int8-tile"), "openvino")
    results = check_on_devices(quantized_bundle, devices, artifacts=[pair])
    assert [r.passed for r in results.results] == [True] * 3
    found = {r.key.device: r.parity.execution for r in results.results if r.parity is not None}
    told = {device: (one.main, one.warning is None) for device, one in found.items() if one is not None}
    assert told == {"host": ("int8", True), "arm64:cortex-a76": ("float32", False), "x86-64:haswell": ("int8", True)}
    causes = {one.device: (one.cause, one.max_difference == 0) for one in results.differences}
    assert causes == {
        "arm64:cortex-a76": ("host runs it in int8, arm64:cortex-a76 in float32", False),
        "x86-64:haswell": (None, True),
    }


@pytest.mark.usefixtures("c_compiler")
def test_instructions_of_float32_and_int8(quantized_bundle: Bundle, arm64_devices: list[Arm64Device]) -> None:
    names = ("onnx-fp32-tile", "onnx-int8-tile", "tflite-fp32-tile-64x64", "tflite-int8-tile-64x64")
    artifacts = [quantized_bundle.artifact(name) for name in names]
    jobs = [(device, one, one.runtimes[0]) for device in arm64_devices for one in artifacts]
    twice = (arm64_devices[1], artifacts[3], "tflite")
    counted = count_on_devices(quantized_bundle, [*jobs, twice])
    assert [r.reason for r in counted.results if r.status != "done"] == []
    found = {(r.key.device.split(":")[1], r.key.artifact): r for r in counted.results[:-1]}
    for (device, artifact), result in found.items():
        assert result.instructions is not None
        has_dot_products = device == "cortex-a76" and "int8" in artifact
        assert (result.instructions.dot_product > 0) == has_dot_products, (device, artifact)
        assert (result.instructions.fmla > 10e6) == ("fp32" in artifact), (device, artifact)
        assert result.instructions.spread < COUNT_LIMIT
    assert (found["cortex-a76", names[1]].ratio_to_fp32 or 1) <= 0.5
    assert (found["cortex-a76", names[3]].ratio_to_fp32 or 1) <= 0.5
    first, second = (r.instructions for r in (found["cortex-a76", names[3]], counted.results[-1]))
    assert first is not None
    assert second is not None
    assert abs(second.total - first.total) < COUNT_LIMIT * first.total


def test_a_guest_out_of_time_is_a_row(quantized_bundle: Bundle, arm64_devices: list[Arm64Device]) -> None:
    pair = (quantized_bundle.artifact("onnx-fp32-tile"), "ort")
    late = replace(arm64_devices[1], timeout_seconds=0.5)
    results = check_on_devices(quantized_bundle, [HostDevice(), late], artifacts=[pair])
    assert [(r.status, r.reason) for r in results.results] == [("done", None), ("timeout", "no result after 0.5 s")]


def saturating_model(folder: Path) -> None:
    """A convolution of int8 by int8 with weights of 8 bits per channel, and an input that fills its range."""
    random = np.random.default_rng(0)
    tensors = {
        "x_scale": np.float32(1 / 64),
        "x_zero": np.int8(-128),
        "w": random.integers(-127, 128, (16, 16, 3, 3)).astype(np.int8),
        "w_scale": (random.random(16) * 0.01 + 0.001).astype(np.float32),
        "w_zero": np.zeros(16, dtype=np.int8),
        "y_scale": np.float32(0.5),
        "y_zero": np.int8(0),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["x_int8"]),
        helper.make_node("DequantizeLinear", ["x_int8", "x_scale", "x_zero"], ["x_float"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_float"], axis=0),
        helper.make_node("Conv", ["x_float", "w_float"], ["sums"], pads=[1] * 4),
        helper.make_node("QuantizeLinear", ["sums", "y_scale", "y_zero"], ["y_int8"]),
        helper.make_node("DequantizeLinear", ["y_int8", "y_scale", "y_zero"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 16, 32, 32]) for name in ("x", "y")]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx"
    )
    np.save(folder / "x.npy", random.random((1, 16, 32, 32)).astype(np.float32) * 4)


def outputs(folder: Path, name: str, arguments: list[str], environment: dict[str, str] | None) -> NDArray[np.float32]:
    """The convolution's output as a process computes it."""
    target = folder / f"{name}.npy"
    exact = "exact" if name == "exact" else "fast"
    subprocess.run([*arguments, "-c", RUN, str(folder), str(target), exact], env=environment, check=True)
    found: NDArray[np.float32] = np.load(target)
    return found


def test_full_range_int8_saturates_without_vnni_and_not_on_arm64(arm64_guest: Guest, tmp_path: Path) -> None:
    """Per-channel int8 by int8 without reduce_range: the reason for our weights of 7 bits."""
    saturating_model(tmp_path)
    code = tmp_path / "code"
    code.mkdir()
    exact = outputs(tmp_path, "exact", [sys.executable], None)
    for name in ("cortex-a53", "cortex-a76"):
        command = arm64_guest.command(cpu(name), python_path=code)
        assert np.array_equal(outputs(tmp_path, name, command.arguments, command.environment), exact)
    x86 = EmulatedX86Device(arm64_guest)
    without_vnni = outputs(tmp_path, "haswell", x86.python, x86.process_environment)
    assert (without_vnni != exact).mean() > 0.5
    assert np.abs(without_vnni - exact).max() > 5
    features = x86_features()
    host = outputs(tmp_path, "host", [sys.executable], None)
    if features is not None:
        has_vnni = bool({"avx512_vnni", "avx_vnni"} & features)
        assert np.array_equal(host, exact) == has_vnni


def test_the_matrix_names_saturation(quantized_bundle: Bundle, arm64_guest: Guest, tmp_path: Path) -> None:
    """An artifact with weights of 8 bits is exact on arm64, and differs on a CPU without VNNI, which is told."""
    tile = onnx.load(quantized_bundle.path(quantized_bundle.artifact("onnx-fp32-tile").file))
    tiles = [quantized_bundle.tensor(golden.input) for golden in quantized_bundle.manifest.goldens]
    model = quantize_onnx(tile, wide_ranges(tile, tiles), scope="conv", reduced_range=False)
    onnx.save(model, tmp_path / "model.onnx")
    goldens = tuple(g for g in quantized_bundle.manifest.goldens if g.size[0] * g.size[1] < 2000)
    for golden in goldens:
        for entry in golden.files():
            (tmp_path / entry.path).parent.mkdir(exist_ok=True)
            (tmp_path / entry.path).write_bytes((quantized_bundle.root / entry.path).read_bytes())
    original = quantized_bundle.artifact("onnx-int8-tile")
    assert original.quantization is not None
    artifact = replace(
        original,
        files=(file_entry(tmp_path, tmp_path / "model.onnx"),),
        quantization=replace(original.quantization, reduced_range=False),
    )
    manifest = replace(quantized_bundle.manifest, artifacts=(artifact,), goldens=goldens)
    (tmp_path / "manifest.json").write_text(to_json(manifest))
    devices: list[Device] = [
        HostDevice(),
        Arm64Device(cpu("cortex-a76"), arm64_guest),
        EmulatedX86Device(arm64_guest),
    ]
    results = check_on_devices(Bundle(tmp_path, manifest), devices, artifacts=[(artifact, "ort")])
    assert [r.reason for r in results.results] == [None] * 3
    causes = {r.key.device: r.parity.difference_cause for r in results.results if r.parity is not None}
    assert "no VNNI" in str(causes["x86-64:haswell"])
    assert "no VNNI" not in str(causes["arm64:cortex-a76"])
    found = {one.device: one for one in results.differences}
    assert (found["x86-64:haswell"].max_difference or 0.0) > 1.0
    features = x86_features()
    if features is not None and {"avx512_vnni", "avx_vnni"} & features:
        assert "x86-64:haswell: this CPU has no VNNI" in str(found["x86-64:haswell"].cause)
    else:
        assert "host: this CPU has no VNNI" in str(found["arm64:cortex-a76"].cause)
