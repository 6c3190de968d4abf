"""OpenVINO: the precision that was asked for, what it tells of its kernels, and nothing sent or written."""

from __future__ import annotations

import itertools
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
from edgesr.runtimes.allocator import resident_bytes
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.pooled import PooledSession
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.threads import MAX_THREADS
from tests.runtimes.adapters.small_onnx import convolution, pooled, unknown_operator

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
    told = rf"at most on this machine, not {MAX_THREADS}: take --threads \d+ or fewer"
    with pytest.raises(EdgesrError, match=told):
        openvino.open(convolution(tmp_path / "model.onnx"), RunSettings(threads=MAX_THREADS))


_ONE_CORE = """
set -e
echo 0-1 > both; echo 0 > first
for cpu in 0 1; do
  folder=/sys/devices/system/cpu/cpu$cpu
  for file in $folder/cache/index*/shared_cpu_list $folder/topology/{core_cpus_list,thread_siblings_list}; do
    mount --bind both $file
  done
  mount --bind first $folder/topology/core_id
done
"""
"""In a namespace of its own: what Linux tells of two processors is that they are two threads of one core."""


def test_two_threads_of_one_core_are_two(tmp_path: Path) -> None:
    """Its own choice would be one thread of a core, whatever number it is given."""
    namespace = ["unshare", "--map-root-user", "--mount", "bash", "-c"]
    told = subprocess.run([*namespace, _ONE_CORE], cwd=tmp_path, capture_output=True, check=False)
    if told.returncode or os.cpu_count() != 2:
        pytest.skip("needs two processors, and a namespace in which they can be told to be one core")
    file = convolution(tmp_path / "model.onnx")
    opened = "import sys; from pathlib import Path; from edgesr.runtimes.adapters import openvino; "
    opened += "from edgesr.runtimes.interface import runtime; "
    opened += "openvino.open(Path(sys.argv[1]), runtime.RunSettings(threads=2))"
    command = [*namespace, f'{_ONE_CORE}\nexec "$@"', "bash", sys.executable, "-c", opened, str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads a process's memory in /proc")
def test_images_of_many_sizes_leave_nothing_behind(tmp_path: Path) -> None:
    """By itself it takes 0.2 MB more for every size that it sees."""
    session = openvino.open(convolution(tmp_path / "model.onnx"), RunSettings())
    resident = []
    for least in (20, 30):
        for height, width in itertools.product(range(20, 60), range(least, least + 10)):
            session.run(np.zeros((1, 3, height, width), dtype=np.float32))
        resident.append(resident_bytes())
    assert resident[1] - resident[0] < 30_000_000


@pytest.mark.skipif(not X86, reason="OpenVINO has int8 kernels on x86 alone")
def test_int8_layers_run_in_int8(tmp_path: Path, image: FloatArray) -> None:
    file, settings = convolution(tmp_path / "model.onnx", quantized=True), RunSettings(precision="int8")
    ran = openvino.execution(file, image, settings)
    assert ran is not None
    assert [(part.ran_as, part.operators) for part in ran.parts] == [("int8", 2)]
    assert ran.warning is None
    found, expected = (runtime.open(file, settings).run(image) for runtime in (openvino, ort))
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_an_operator_that_it_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as refusal:
        openvino.open(unknown_operator(tmp_path / "model.onnx"), RunSettings())
    assert str(refusal.value) == "No conversion rule found for operations: my.domain.Frobnicate"


def test_an_input_that_it_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    session = openvino.open(convolution(tmp_path / "model.onnx"), RunSettings())
    with pytest.raises(RuntimeError, match=r"^Can't set the input tensor .*\[1,3,\?,\?\].*1\.2\.9\.8.* incompatible$"):
        session.run(np.zeros((1, 2, 9, 8), dtype=np.float32))


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(RuntimeError, match=r"^Unable to read the model: .*model is correct"):
        openvino.open(tmp_path / "model.onnx", RunSettings())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Exception from a.cpp:1:\nCheck 'x > 0' failed at b.cpp:2:\nFailed with GeneralFailure:\n why\n\n", "why"),
        ("Exception from a.cpp:1:\n", "Exception from a.cpp:1:\n"),
        ("", ""),
    ],
)
def test_the_reason_of_an_error(text: str, reason: str) -> None:
    assert openvino._reason(text) == reason


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
from edgesr.runtimes.interface.runtime import RunSettings
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
