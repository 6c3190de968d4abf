"""Execution providers of ONNX Runtime: absent ones are refused, and who ran each operator is told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.results.rows import Key, select_artifacts
from edgesr.cli.completion import IN_HELP
from edgesr.export.inspection.doctor import provider_table
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.adapters.registry import RUNTIMES, require_provider, with_provider
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface import runtime
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import Provider, RunSettings
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.runtimes.adapters.small_onnx import convolution

ABSENT = "xnnpack"


def test_the_package_has_the_cpu_and_one_that_runs_nothing() -> None:
    assert set(ort.providers()) == {"cpu", "azure"}


def test_an_absent_provider_is_refused_with_those_that_are_there(mobile_bundle: Bundle) -> None:
    with pytest.raises(InputError, match=rf"--provider {ABSENT}: this onnxruntime \S+ has azure, cpu; choose"):
        open_session(mobile_bundle, mobile_bundle.artifact("onnx-fp32-tile"), provider=ABSENT)
    with pytest.raises(InputError, match=r"LiteRT .* has no execution providers"):
        select_artifacts(mobile_bundle, runtime="tflite", provider="cpu")


@pytest.mark.parametrize("command", ["parity", "bench", "profile"])
def test_commands_refuse_it_before_they_measure(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: RunCli, command: str
) -> None:
    refused(run_cli, tmp_path, command, mobile_bundle.root, "--provider", ABSENT, naming="has azure, cpu")


def test_upscaling_refuses_it(mobile_bundle: Bundle, tmp_path: Path, run_cli: RunCli) -> None:
    source = picture(tmp_path / "in.png")
    arguments = ("upscale", source, tmp_path / "out.png", "--bundle", mobile_bundle.root, "--provider", ABSENT)
    refused(run_cli, tmp_path, *arguments, naming="has azure, cpu")


@pytest.mark.parametrize("command", ["parity", "bench", "profile", "upscale"])
def test_a_runtime_without_any_is_refused_whether_installed_or_not(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(runtime, "installed_version", lambda _: None)
    arguments: tuple[object, ...] = (command, mobile_bundle.root)
    if command == "upscale":
        arguments = (command, picture(tmp_path / "in.png"), tmp_path / "out.png", "--bundle", mobile_bundle.root)
    options = ("--runtime", "tflite", "--provider", "cpu")
    refused(run_cli, tmp_path, *arguments, *options, naming="has no execution providers; leave it out")


def test_a_runtime_that_only_another_edgesr_knows_is_left_out(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    assert with_provider([(artifact, "later"), (artifact, "ort")], "cpu") == [(artifact, "ort")]


def test_one_of_a_fuller_build_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["CUDAExecutionProvider", "XnnpackExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(ort.load(), "get_available_providers", lambda: names)
    require_provider(RUNTIMES["ort"], "xnnpack")
    assert ort.providers() == ("cuda", "xnnpack", "cpu")


def test_only_artifacts_of_runtimes_with_providers_are_measured(mobile_bundle: Bundle) -> None:
    chosen = select_artifacts(mobile_bundle, provider="azure")
    assert [(artifact.id, runtime) for artifact, runtime in chosen] == [
        ("onnx-fp32-full", "ort"),
        ("onnx-fp32-tile", "ort"),
    ]


def profiled(tmp_path: Path, provider: str | None) -> OperatorProfile:
    file = convolution(tmp_path / "model.onnx")
    batch = np.full((1, 3, 16, 16), 100.0, np.float32)
    return ort.profile(file, batch, RunSettings(provider=provider), calls=2)


def test_who_ran_each_operator_is_read_from_the_profile(tmp_path: Path) -> None:
    found = profiled(tmp_path, "cpu")
    assert {one.ran_as for one in found.operators} == {"cpu"}
    assert found.execution is not None and found.execution.warning is None
    (part,) = found.execution.parts
    assert (part.ran_as, part.operators, part.share) == ("cpu", len(found.operators), 1.0)
    assert profiled(tmp_path, None).execution is None


def test_falling_back_to_the_cpu_is_named(tmp_path: Path) -> None:
    execution = profiled(tmp_path, "azure").execution
    assert execution is not None
    assert execution.warning == "no operator ran on azure, ONNX Runtime ran all on cpu"
    assert execution.main == "cpu"


def test_shares_of_two_providers(tmp_path: Path) -> None:
    """The time of operators counts, not their number."""
    found = profiled(tmp_path, "cpu")
    one = found.operators[0]
    operators = (replace(one, ms=3.0, ran_as="xnnpack"), *[replace(one, ms=0.5, ran_as="cpu")] * 2)
    execution = ort._execution_of(replace(found, operators=operators), "xnnpack")
    assert execution.warning is None
    assert execution.text == "xnnpack: 1 operator, 75%, cpu: 2 operators, 25%"


def test_falling_back_with_most_of_the_time_is_named(tmp_path: Path) -> None:
    found = profiled(tmp_path, "cpu")
    one = replace(found.operators[0], ran_as="cpu", ms=1.0)

    def warning(on_provider_ms: float) -> str | None:
        operators = (replace(one, ms=on_provider_ms, ran_as="xnnpack"), one, one)
        return ort._execution_of(replace(found, operators=operators), "xnnpack").warning

    assert warning(0.5) == "ONNX Runtime ran 2 of 3 operators, 80% of the time, on cpu, not on xnnpack"
    assert warning(2.0) is None


def test_operators_without_measurable_time_are_no_fall_back(tmp_path: Path) -> None:
    """The profiler counts whole microseconds."""
    found = profiled(tmp_path, "cpu")
    one = replace(found.operators[0], ms=0.0)
    operators = (replace(one, ran_as="xnnpack"), replace(one, ran_as="cpu"))
    assert ort._execution_of(replace(found, operators=operators), "xnnpack").warning is None


def test_upscaling_tells_it_once(mobile_bundle: Bundle) -> None:
    told: list[str] = []
    options = UpscaleOptions(provider="azure", tile_size=(48, 48))
    upscaler = Upscaler(mobile_bundle, options, progress=lambda event: told.append(event.note))
    pixels = np.full((60, 60, 3), 90, np.uint8)
    for _ in range(2):
        upscaler.array(pixels)
    warnings = [note for note in told if "azure" in note]
    assert len(warnings) == 1
    assert warnings[0].startswith("onnx-fp32-tile: warning: no operator ran on azure")


def test_a_result_is_of_a_provider() -> None:
    key = Key(artifact="a", runtime="ort", threads=1, device="host")
    assert replace(key, provider="azure") != key
    assert (key.engine, replace(key, provider="azure").engine) == ("ort", "ort, azure")


def test_those_that_nobody_tested_are_marked() -> None:
    states = {row[1]: row[3] for row in provider_table().rows}
    assert {name for name, state in states.items() if state == "yes"} == {"cpu", "azure"}
    assert set(states.values()) == {"yes", "not tested"}
    assert {"xnnpack", "cuda", "coreml", "nnapi", "qnn", "openvino", "dml"} <= states.keys()


def providers_here() -> dict[str, str]:
    return {row[1]: row[4] for row in provider_table().rows}


def use_package(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Let processes import this instead of ONNX Runtime."""
    (folder / "onnxruntime.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))


def test_doctor_tells_those_of_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert {name for name, here in providers_here().items() if here == "yes"} == {"cpu", "azure"}
    assert set(providers_here().values()) == {"yes", "no"}
    names = ["XnnpackExecutionProvider", "LaterExecutionProvider", "CPUExecutionProvider"]
    functions = ("set_default_logger_severity = print", f"get_available_providers = lambda: {names}")
    use_package(monkeypatch, tmp_path, "\n".join(functions))
    assert {name for name, here in providers_here().items() if here == "yes"} == {"xnnpack", "later", "cpu"}
    assert ("ort", "later", "-", "not tested", "yes") in provider_table().rows


def test_doctor_of_a_package_that_is_absent_or_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_package(monkeypatch, tmp_path, "raise ImportError('libgomp.so.1: cannot open shared object file')")
    assert set(providers_here().values()) == {"it cannot be imported"}
    monkeypatch.setattr(runtime, "installed_version", lambda _: None)
    assert set(providers_here().values()) == {"not installed"}


def test_the_help_names_them_by_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(IN_HELP["providers"]())
    assert text.startswith("cpu, azure, ") and text.endswith(" (ONNX Runtime)")
    other = replace(RUNTIMES["tflite"], known_providers=(Provider(name="npu", title="a chip"),))
    monkeypatch.setitem(RUNTIMES, "tflite", other)
    assert "".join(IN_HELP["providers"]()) == f"{text}; npu ({other.title})"
