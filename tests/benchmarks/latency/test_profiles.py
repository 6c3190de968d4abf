"""Operator profiles: their numbers against whole calls, their tables, and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.latency.operators import measure_profile
from edgesr.benchmarks.latency.profiles import ProfileResult, ProfileResults
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import bundle_identity, utc_now
from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.tables.profiles import delegate_table, kind_table, operator_table, profile_notes
from edgesr.runtimes.adapters.ort import read_profile
from edgesr.runtimes.adapters.profiling import profile_operators
from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.operator_profile import OperatorProfile, OperatorTime

CONVOLUTIONS = {"ort": "Conv", "torchscript": "aten::_convolution"}


def node(name: str, kind: str, microseconds: int, sides: list[int]) -> dict[str, object]:
    arguments = {"op_name": kind, "output_type_shape": [{"float": sides}]}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": microseconds, "args": arguments}


def test_events_of_onnx_runtime_are_read_without_the_first_call() -> None:
    events: list[dict[str, object]] = [{"cat": "Session", "name": "model_loading_uri", "dur": 5}]
    for factor in (100, 1, 3, 2):
        events += [node("conv", "Conv", 400 * factor, [1, 8, 4, 4]), node("relu", "Relu", 10 * factor, [])]
        events.append({"cat": "Session", "name": "model_run", "dur": 500 * factor})
    found = read_profile(events, 3)
    assert found.call_ms == 1.0
    assert found.operators == (
        OperatorTime(name="conv", kind="Conv", output="1x8x4x4", ms=0.8),
        OperatorTime(name="relu", kind="Relu", output="", ms=0.02),
    )


@pytest.mark.parametrize("runtime", ["ort", "torchscript"])
def test_operators_add_up_to_the_call(mobile_bundle: Bundle, runtime: str) -> None:
    artifact = next(a for a in mobile_bundle.manifest.artifacts if runtime in a.runtimes and a.graph == "tile")
    found = measure_profile(mobile_bundle, artifact, runtime=runtime, threads=1, calls=3)
    assert sum(one.kind == CONVOLUTIONS[runtime] for one in found.operators) == 14
    total = sum(one.ms for one in found.operators)
    assert 0 < total < 1.5 * found.call_ms
    assert len({one.name for one in found.operators}) == len(found.operators)
    assert found.calls == 3
    assert found.why_no_times is None


def test_litert_tells_parts_but_no_times(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("tflite-fp32-tile-64x64")
    found = measure_profile(mobile_bundle, artifact, runtime="tflite", threads=1, calls=2)
    assert found.operators == ()
    assert found.why_no_times == "LiteRT's Python package has no operator profiler"
    assert found.delegation == Delegation(partitions=1, fallback={})
    with pytest.raises(InputError, match="cannot run on 'ort'"):
        profile_operators(
            mobile_bundle,
            artifact,
            mobile_bundle.tensor(mobile_bundle.manifest.goldens[0].input),
            runtime="ort",
            threads=1,
            calls=1,
        )


def results_with(bundle: Bundle, *profiles: OperatorProfile | None) -> ProfileResults:
    return ProfileResults(
        schema_version=ProfileResults.VERSION,
        kind="operators",
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        results=tuple(
            ProfileResult(
                key=Key(artifact=artifact.id, runtime=artifact.runtimes[0], threads=1, device="host"),
                status="done" if profile else "crashed",
                reason=None if profile else "killed by SIGSEGV",
                profile=profile,
            )
            for artifact, profile in zip(bundle.manifest.artifacts, profiles, strict=False)
        ),
    )


def test_tables_join_small_kinds_and_name_failures(mobile_bundle: Bundle) -> None:
    times = [("c1", "Conv", 90.0), ("c2", "Conv", 8.0), ("r", "Relu", 1.2), ("s", "Shape", 0.5), ("t", "Cast", 0.3)]
    operators = tuple(OperatorTime(name=n, kind=k, output="", ms=ms) for n, k, ms in times)
    profile = OperatorProfile(calls=1, call_ms=101.0, operators=operators, why_no_times=None, delegation=None)
    results = results_with(mobile_bundle, profile, None)
    first = results.results[0].key.artifact
    assert kind_table(results).rows == (
        (first, "ort", "Conv", "2", "98", "98.0%"),
        ("", "", "Relu", "1", "1.2", "1.2%"),
        ("", "", "others (2)", "2", "0.8", "0.8%"),
    )
    assert [row[2] for row in operator_table(results).rows] == ["c1", "c2", "r"]
    assert profile_notes(results) == [
        f"{results.results[1].key.artifact} on ort: crashed: killed by SIGSEGV",
        "ort: no delegates, all operators run in kernels of the runtime's own",
    ]
    assert not results.passed


def test_a_prediction_that_fails_is_shown(mobile_bundle: Bundle) -> None:
    found = Delegation(partitions=3, fallback={"CONV_2D": 2})
    profile = OperatorProfile(calls=1, call_ms=1.0, operators=(), why_no_times="none", delegation=found)
    only = [a for a in mobile_bundle.manifest.artifacts if a.format == "tflite"]
    results = results_with(mobile_bundle, *(profile for _ in mobile_bundle.manifest.artifacts))
    rows = delegate_table(mobile_bundle.manifest, results).rows
    assert rows == tuple((a.id, "XNNPACK", "1; no fallback", "as predicted", "3; CONV_2D 2") for a in only)
    assert profile_notes(results) == ["none"]


def test_command_writes_what_the_report_reads(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "profile.json"
    artifact = "tflite-fp32-tile-64x64"
    code, shown, _ = run_cli("profile", mobile_bundle.root, "--artifact", artifact, "--calls", 2, "--json", file)
    assert code == 0
    assert "as predicted" in shown
    assert "LiteRT's Python package has no operator profiler" in shown
    found = read_results(ProfileResults, file)
    assert found is not None
    assert [r.key for r in found.results] == [Key(artifact=artifact, runtime="tflite", threads=1, device="host")]
    written = json.loads(file.read_text())
    assert written["kind"] == "operators"
    (profile,) = (result["profile"] for result in written["results"])
    assert [one["delegate"] for one in profile["refusals"]] == ["gpu", "nnapi", "qnn"]
    assert "gpu, nnapi, qnn" in shown
    code, _, error = run_cli("profile", mobile_bundle.root, "--artifact", "none")
    assert code == 2
    assert "none" in error
