"""OpenVINO: the precision that was asked for, what it tells of its kernels, and nothing sent or written."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.export.graphs.layer_graphs import Match
from edgesr.export.graphs.openvino_layers import open_openvino_layers
from edgesr.runtimes.adapters import openvino, ort
from edgesr.runtimes.adapters.operator_profile import OperatorTime
from edgesr.runtimes.adapters.pooled import PooledSession
from edgesr.runtimes.adapters.runtime import RunSettings
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.threads import MAX_THREADS
from tests.runtimes.adapters.small_onnx import convolution, pooled

X86 = platform.machine() == "x86_64"


@pytest.fixture(scope="module")
def image() -> FloatArray:
    return photograph("coffee", (40, 52))[None]


def computes_bfloat16() -> bool:
    return "BF16" in openvino.load().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def test_float32_is_float32(tmp_path: Path, image: FloatArray) -> None:
    """Its own choice would be bfloat16 where the CPU has it, 1e-2 away."""
    file = convolution(tmp_path / "model.onnx")
    found, expected = (runtime.open(file, RunSettings()).run(image) for runtime in (openvino, ort))
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    ran = openvino.execution(file, image, RunSettings())
    assert ran is not None
    assert [(part.ran_as, part.operators, part.share) for part in ran.parts] == [("float32", 2, 1.0)]
    assert ran.warning is None


def test_bfloat16_is_bfloat16_or_an_error(tmp_path: Path, image: FloatArray) -> None:
    file, settings = convolution(tmp_path / "model.onnx"), RunSettings(precision="bf16")
    if not computes_bfloat16():
        with pytest.raises(EdgesrError, match="OpenVINO computes in f32 on this CPU, not in bf16"):
            openvino.open(file, settings)
        return
    single = openvino.open(file, RunSettings()).run(image)
    error = np.abs(openvino.open(file, settings).run(image) - single).max() / np.abs(single).max()
    assert 1e-4 < error < 3e-2
    ran = openvino.execution(file, image, settings)
    assert ran is not None and ran.main == "bfloat16" and ran.warning is None


@pytest.mark.parametrize(
    ("chosen", "threads", "refusal"),
    [("bf16", 1, "computes in bf16 on this CPU, not in f32"), ("f32", 2, "runs 2 threads at most .* not 1")],
)
def test_another_choice_than_was_asked_for_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, threads: int, refusal: str
) -> None:
    answers = {"INFERENCE_PRECISION_HINT": SimpleNamespace(to_string=lambda: chosen), "INFERENCE_NUM_THREADS": threads}
    compiled = SimpleNamespace(get_property=answers.__getitem__)
    real = openvino.load().Core()
    core = SimpleNamespace(read_model=real.read_model, compile_model=lambda *_: compiled)
    monkeypatch.setattr(openvino, "_core", lambda: core)
    with pytest.raises(EdgesrError, match=refusal):
        openvino.open(convolution(tmp_path / "model.onnx"), RunSettings())


def test_more_threads_than_it_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=f"at most on this machine, not {MAX_THREADS}"):
        openvino.open(convolution(tmp_path / "model.onnx"), RunSettings(threads=MAX_THREADS))


@pytest.mark.skipif(not X86, reason="OpenVINO has int8 kernels on x86 alone")
def test_int8_layers_run_in_int8(tmp_path: Path, image: FloatArray) -> None:
    file, settings = convolution(tmp_path / "model.onnx", quantized=True), RunSettings(precision="int8")
    ran = openvino.execution(file, image, settings)
    assert ran is not None
    assert [(part.ran_as, part.operators) for part in ran.parts] == [("int8", 2)]
    assert ran.warning is None
    found, expected = (runtime.open(file, settings).run(image) for runtime in (openvino, ort))
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def layer(kernel: str) -> OperatorTime:
    return OperatorTime(name="one", kind="Convolution", output="", ms=1.0, ran_as=openvino._arithmetic(kernel))


@pytest.mark.parametrize(
    ("precision", "kernels", "warning"),
    [
        ("int8", ["brgconv_avx512_I8", "brgconv_avx512_f32"], None),
        ("int8", ["gemm_acl_f32", "gemm_acl_f32", "jit_I8"], "2 of 3 layers in float32 on this CPU, not in int8"),
        ("fp32", ["brgconv_f32", "jit_bf16"], "1 of 2 layers in bfloat16 on this CPU, not in float32"),
        ("bf16", ["jit_f16", "jit_f32"], "1 of 2 layers in float16, 1 of 2 layers in float32 on this CPU"),
        ("fp16", ["jit_f32"], None),
    ],
)
def test_arithmetic_that_nobody_asked_for_is_named(
    precision: Precision, kernels: list[str], warning: str | None
) -> None:
    found = openvino._execution_of(tuple(map(layer, kernels)), precision).warning
    assert found == warning or (warning and found and found.startswith(f"OpenVINO runs {warning}"))


def test_graphs_that_pool(tmp_path: Path, image: FloatArray) -> None:
    """By themselves, where means are nan, and with given ones."""
    file = pooled(tmp_path / "model.onnx")
    sessions = [runtime.open(file, RunSettings()) for runtime in (openvino, ort)]
    alone = [session.run(image) for session in sessions]
    assert np.abs(alone[0] - alone[1]).max() <= 1e-3 * alone[1].max()
    assert alone[1].max() > 100
    mask = (np.arange(52) < 30).astype(np.float32)[None, None, None].repeat(40, axis=2)
    given = np.array([[1.0, np.nan, 2.0]], dtype=np.float32)
    outputs = []
    for session in sessions:
        assert isinstance(session, PooledSession)
        outputs.append(session.run_pooled(image, given, mask))
    for found, expected in zip(*outputs, strict=True):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.array_equal(outputs[0][0][0, 2], 2 * image[0, 2])


def test_inner_tensors(tmp_path: Path, image: FloatArray) -> None:
    """The input, one inside and the output."""
    file = open_openvino_layers(convolution(tmp_path / "model.onnx"), "fp32")
    match = Match(tensors={name: name for name in ("x", "r", "y")})
    tensors = file.tensors(match, image[0], exact=False)
    values = {name: tensors.read(name)[0] for name in tensors.names}
    assert np.array_equal(values["x"], image[0])
    assert values["r"].shape == (16, 40, 52) and values["r"].min() == 0 < values["r"].max()
    expected = openvino.open(tmp_path / "model.onnx", RunSettings()).run(image)[0]
    assert np.abs(values["y"] - expected).max() < 1e-5 * np.abs(expected).max()


_WITHOUT_SOCKETS = """
import socket, sys
from pathlib import Path
import numpy as np
def refused(*_, **__):
    raise SystemExit("a socket was opened")
socket.socket = socket.create_connection = socket.getaddrinfo = refused
from edgesr.runtimes.adapters import openvino
from edgesr.runtimes.adapters.runtime import RunSettings
session = openvino.open(Path(sys.argv[1]), RunSettings())
session.run(np.zeros((1, 3, 9, 9), np.float32))
openvino.profile(Path(sys.argv[1]), np.zeros((1, 3, 9, 9), np.float32), RunSettings(), calls=1)
print(sorted(name for name in sys.modules if name.startswith("openvino_telemetry")))
"""


@pytest.mark.parametrize("without_network", [False, True])
def test_it_sends_and_writes_nothing(tmp_path: Path, without_network: bool) -> None:
    """With a home that cannot be written to, and in a namespace without any network."""
    file = convolution(tmp_path / "model.onnx")
    places = {name: tmp_path / name for name in ("HOME", "TMPDIR", "work")}
    for place in places.values():
        place.mkdir()
    places["HOME"].chmod(0o555)
    command = [sys.executable, "-P", "-c", _WITHOUT_SOCKETS, str(file)]
    if without_network:
        namespace = [shutil.which("unshare") or "unshare", "--map-root-user", "--net"]
        if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine allows no namespace without network")
        command = [*namespace, *command]
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment = kept | {name: str(places[name]) for name in ("HOME", "TMPDIR")}
    done = subprocess.run(
        command, env=environment, cwd=places["work"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert [path for place in places.values() for path in place.rglob("*")] == []
