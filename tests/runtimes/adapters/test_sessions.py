"""Sessions of each runtime: exact arithmetic, sizes, refusals, and what the manifest says of files."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.adapters.session import CheckedSession, open_session
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import TensorSpec
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.interface.runtime import timed_call_ms
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of, run_whole


@pytest.mark.parametrize("graph", ["full", "tile"])
@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_exact_arithmetic_is_close_in_float32(runtime: str, graph: str, any_bundle: Bundle) -> None:
    artifact = artifact_of(any_bundle, runtime, graph)
    image = photograph("coffee", any_bundle.manifest.tile_size)
    usual = open_session(any_bundle, artifact, runtime=runtime).infer(image)
    exact = open_session(any_bundle, artifact, runtime=runtime, exact=True).infer(image)
    own = RUNTIMES[runtime].own_tolerances.get("fp32")
    assert np.abs(usual - exact).max() <= (0.01 if own is None else own.max_abs_error)
    one_arithmetic = runtime == "torchscript" or not RUNTIMES[runtime].exact_arithmetic
    assert np.array_equal(usual, exact) or not one_arithmetic


def test_exact_arithmetic_of_onnx_runtime_fuses_nothing(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    levels = []
    real = onnxruntime.InferenceSession

    def recorded(path: str, options: onnxruntime.SessionOptions, **settings: object) -> onnxruntime.InferenceSession:
        levels.append(options.graph_optimization_level)
        return real(path, options, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", recorded)
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    for exact in (False, True):
        open_session(mobile_bundle, artifact, exact=exact)
    known = onnxruntime.GraphOptimizationLevel
    assert levels == [known.ORT_ENABLE_ALL, known.ORT_DISABLE_ALL]


def test_threads_of_onnx_runtime_sleep_next_to_other_work(
    mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upscaler's glue and encoder need the cores that waiting threads would keep busy."""
    import onnxruntime

    spinning = []
    real = onnxruntime.InferenceSession

    def recorded(path: str, options: onnxruntime.SessionOptions, **settings: object) -> onnxruntime.InferenceSession:
        try:
            spinning.append(options.get_session_config_entry("session.intra_op.allow_spinning"))
        except RuntimeError:
            spinning.append("not set")
        return real(path, options, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", recorded)
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    open_session(mobile_bundle, artifact, threads=2)
    Upscaler(mobile_bundle, UpscaleOptions(threads=2)).session(artifact, "ort")
    assert spinning == ["not set", "0"]


def test_exact_arithmetic_of_litert_is_without_delegate(mobile_bundle: Bundle) -> None:
    from edgesr.runtimes.adapters.tflite import LiteRtSession

    artifact = mobile_bundle.artifact("tflite-fp32-tile-64x64")
    delegated = []
    for exact in (False, True):
        opened = open_session(mobile_bundle, artifact, exact=exact)
        opened.infer(photograph("cat", (8, 8)))
        assert isinstance(opened.session, CheckedSession)
        session = opened.session.session
        assert isinstance(session, LiteRtSession)
        delegated.append("DELEGATE" in {op["op_name"] for op in session.interpreter._get_ops_details()})
    assert delegated == [True, False]


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_full_graph_equals_tile_graph_and_glue(runtime: str, any_bundle: Bundle) -> None:
    """Without a projection, and with one: also where it is active."""
    manifest = any_bundle.manifest
    goldens = [g for g in manifest.goldens if g.size == manifest.tile_size]
    assert len(goldens) == (3 if manifest.glue.noise_level is None else 4)
    for golden in goldens:
        image = any_bundle.tensor(golden.input)
        results = [run_whole(any_bundle, image, runtime=runtime, graph=graph) for graph in ("full", "tile")]
        assert np.abs(results[0] - results[1]).max() <= 0.01


def test_fixed_size_is_enforced(mobile_bundle: Bundle) -> None:
    session = open_session(mobile_bundle, mobile_bundle.artifact("tflite-fp32-full-64x64"))
    with pytest.raises(InputError, match=r"takes 64x64 .* not 64x60"):
        session.infer(photograph("cat", (64, 60)))


def test_resizable_tiles_change_their_size_between_calls(any_bundle: Bundle) -> None:
    """There and back, each result as a session that was opened for it gives it."""
    artifact = artifact_of(any_bundle, "tflite", "tile")
    assert artifact.use("tflite").resizable
    session = open_session(any_bundle, artifact)
    for size in ((40, 56), (33, 47), (40, 56)):
        image = photograph("coffee", size)
        fresh = open_session(any_bundle, artifact).infer(image)
        assert fresh.shape == (3, 4 * size[0], 4 * size[1])
        assert np.array_equal(session.infer(image), fresh)


def test_what_cannot_be_opened_is_refused(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = mobile_bundle.artifact("onnx-fp32-full")
    with pytest.raises(InputError, match="unknown runtime 'nope': choose one of ort, "):
        open_session(mobile_bundle, artifact, runtime="nope")
    with pytest.raises(InputError, match="cannot run on 'tflite': it opens in ort"):
        open_session(mobile_bundle, artifact, runtime="tflite")
    with pytest.raises(InputError, match="threads is 0"):
        open_session(mobile_bundle, artifact, threads=0)
    monkeypatch.setattr("edgesr.runtimes.interface.runtime.installed_version", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'edgesr\[onnx\]'"):
        open_session(mobile_bundle, artifact)


def test_changed_file_is_not_loaded(bundle_copy: Bundle) -> None:
    artifact = bundle_copy.artifact("onnx-fp32-full")
    path = bundle_copy.root / artifact.file.path
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="was changed"):
        open_session(bundle_copy, artifact)


def described(spec: TensorSpec) -> tuple[str, tuple[int | None, ...], str]:
    return spec.name, spec.shape, spec.dtype


def test_onnx_files_are_as_the_manifest_says(mobile_bundle: Bundle) -> None:
    import onnxruntime

    for graph in ("full", "tile"):
        artifact = artifact_of(mobile_bundle, "ort", graph)
        path = mobile_bundle.path(artifact.file)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        values = (session.get_inputs()[0], session.get_outputs()[0])
        for value, spec in zip(values, (artifact.inputs[0], artifact.outputs[0]), strict=True):
            shape = tuple(side if isinstance(side, int) else None for side in value.shape)
            assert (value.name, shape, "float32") == described(spec)
            assert value.type == "tensor(float)"


def test_tflite_files_are_as_the_manifest_says(mobile_bundle: Bundle) -> None:
    from ai_edge_litert.interpreter import Interpreter

    for graph in ("full", "tile"):
        artifact = artifact_of(mobile_bundle, "tflite", graph)
        interpreter = Interpreter(model_path=str(mobile_bundle.path(artifact.file)))
        details = (interpreter.get_input_details()[0], interpreter.get_output_details()[0])
        for value, spec in zip(details, (artifact.inputs[0], artifact.outputs[0]), strict=True):
            assert (value["name"], tuple(value["shape"]), np.dtype(value["dtype"]).name) == described(spec)
            assert spec.layout == "NHWC"


def test_a_call_is_timed_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = iter([3.0, 3.25]), []

    class Answering:
        def run(self, image: FloatArray) -> FloatArray:
            asked.append(image.shape)
            return image

    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    assert timed_call_ms(Answering(), np.zeros((1, 3, 4, 5), np.float32)) == 250
    assert asked == [(1, 3, 4, 5)]
