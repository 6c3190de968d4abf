"""Two latency files side by side: verdicts, refusals, exit codes; and a planted slow-down, measured for real."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import typer

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import Latency, Round, join_rounds
from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults, run_latency
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import BundleIdentity
from edgesr.benchmarks.results.rows import Key, select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.changes import change_lines, change_table
from edgesr.cli.commands.measuring.compare import compare
from edgesr.cli.terminal import parse_percent
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import decode, to_json


def made_up_round(random: np.random.Generator, middle: float) -> Round:
    """Ten calls around ``middle`` milliseconds; processes differ by 1%."""
    samples = middle * np.exp(random.normal(0, 0.01) + random.normal(0, 0.01, 10))
    return Round(
        size=(64, 64),
        gmac=1.0,
        load_ms=1.0,
        first_call_ms=2.0,
        warmup_calls=6,
        steady=True,
        samples_ms=tuple(map(float, samples)),
        peak_rss_mb=90.0,
        pinned_cores=(),
        core_mhz=None,
    )


def _joined(random: np.random.Generator, middle: float, rounds: int) -> Latency:
    return join_rounds([made_up_round(random, middle) for _ in range(rounds)])


def made_up_results(middles: Sequence[float | None], *, rounds: int = 5, seed: int = 0) -> LatencyResults:
    """Artifacts a, b, c with these medians; None crashed."""
    random = np.random.default_rng(seed)
    latencies = [None if m is None else _joined(random, m, rounds) for m in middles]
    rows = tuple(
        LatencyResult(
            key=Key(artifact=name, runtime="ort", threads=1, device="host"),
            status="done" if latency else "crashed",
            reason=None if latency else "killed by SIGSEGV",
            latency=latency,
            ratio_to_fp32=None,
            gflops=None,
            share_of_peak=None,
            intensity_flop_per_byte=None,
        )
        for name, latency in zip("abc", latencies, strict=False)
    )
    return LatencyResults(
        schema_version=LatencyResults.VERSION,
        kind="latency",
        created_utc="2026-01-01T00:00:00+00:00",
        bundle=BundleIdentity(manifest_sha256="0", generator="g", checkpoint_sha256="0"),
        environment=current_environment(),
        settings=LatencySettings(),
        rounds=rounds,
        complete=True,
        limits=(),
        warnings=(),
        results=rows,
    )


def exit_code(*files: Path, **options: object) -> int:
    with pytest.raises(typer.Exit) as exit_info:
        compare(*files, **options)  # type: ignore[arg-type]
    return exit_info.value.exit_code


def written(folder: Path, results: LatencyResults, name: str) -> Path:
    write_json(results, folder / name)
    return folder / name


def test_verdicts() -> None:
    old, new = made_up_results([10, 20, 30]), made_up_results([8, 20, 36], seed=1)
    changes = compare_results(old, new, limit=0.05)
    assert [c.verdict for c in changes.changes] == ["faster", "no difference seen", "slower"]
    assert [c.key.artifact for c in changes.regressions] == ["c"]
    assert [c.ratio for c in changes.changes] == pytest.approx([0.8, 1.0, 1.2], rel=0.03)
    table = change_table(changes)
    assert [row[-1] for row in table.rows] == ["faster", "no difference seen", "slower, beyond 5.0%"]
    assert change_lines(changes) == ["1 of 3 failed or became slower by more than 5.0%"]
    assert not compare_results(old, new, limit=0.3).regressions


def test_artifact_that_fails_now_is_a_regression() -> None:
    changes = compare_results(made_up_results([10, 20]), made_up_results([10, None], seed=1), limit=0.05)
    assert [c.verdict for c in changes.changes] == ["no difference seen", "failed"]
    assert [c.key.artifact for c in changes.regressions] == ["b"]
    assert change_lines(changes)[0] == "b: failed: crashed: killed by SIGSEGV"


def test_single_rounds_are_not_compared() -> None:
    with pytest.raises(InputError, match="two rounds or more"):
        compare_results(made_up_results([10]), made_up_results([20], rounds=1), limit=0.05)
    with pytest.raises(InputError, match="nothing to compare"):
        compare_results(made_up_results([10]), made_up_results([]), limit=0.05)


def test_unlike_conditions_are_refused_unless_accepted() -> None:
    old = made_up_results([10])
    environment = replace(old.environment, cpu="another", packages={**old.environment.packages, "numpy": "1.0"})
    new = replace(made_up_results([10], seed=1), environment=environment, settings=LatencySettings(pin=True))
    with pytest.raises(InputError, match=r"cpu was .*; packages.numpy was .*; settings.pin was False, is True"):
        compare_results(old, new, limit=0.05)
    assert len(compare_results(old, new, limit=0.05, unlike=True).unlike) == 3
    newer = replace(old.environment, packages={**old.environment.packages, "edgesr": "9"})
    assert not compare_results(old, replace(old, environment=newer), limit=0.05).unlike


def test_other_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text("nonsense")
    with pytest.raises(InputError, match="is not JSON"):
        read_results(LatencyResults, file)
    file.write_text('{"kind": "parity", "schema_version": 6}')
    with pytest.raises(InputError, match="is of kind 'parity', not 'latency'"):
        read_results(LatencyResults, file)
    file.write_text('{"kind": "latency", "schema_version": 5}')
    with pytest.raises(InputError, match=r"old.json: schema version 5 is not supported.*measure again"):
        read_results(LatencyResults, file)
    file.write_text(f'{{"kind": "latency", "schema_version": {LatencyResults.VERSION}}}')
    with pytest.raises(InputError, match=r"old.json: damaged result file: top level: missing"):
        read_results(LatencyResults, file)


def test_compare_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = written(tmp_path, made_up_results([10]), "old.json")
    slow = written(tmp_path, made_up_results([12], seed=1), "slow.json")
    assert exit_code(old, old) == 0
    assert exit_code(old, slow) == 1
    assert "slower, beyond 5.0%" in capsys.readouterr().out
    assert exit_code(old, slow, limit="50") == 0
    with pytest.raises(InputError, match="give a percentage"):
        parse_percent("--limit", "-1%")


def test_bench_against_an_earlier_file(
    mobile_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_cli: Callable[..., tuple[int, str, str]],
) -> None:
    """A device that answers 10 ms, then 12 ms: the second bench ends with exit code 1; another setting with 2."""
    random = np.random.default_rng(0)
    middle = 10.0

    class MadeUp(Device):
        name = "host"

        def run(self, job: Job) -> Outcome:
            if job.kind == "limits":
                return Outcome(status="error", reason="no limits", result=None)
            return Outcome(status="done", reason=None, result=json.loads(to_json(made_up_round(random, middle))))

    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", MadeUp)
    first = ("bench", mobile_bundle.root, "--artifact", "onnx-fp32-tile", "--runtime", "ort")
    assert run_cli(*first, "--json", tmp_path / "old.json")[0] == 0
    against = (*first, "--against", tmp_path / "old.json")
    assert run_cli(*against)[0] == 0
    middle = 12.0
    code, out, _ = run_cli(*against)
    assert (code, "slower, beyond 5.0%" in out) == (1, True)
    assert run_cli(*against, "--limit", "40%")[0] == 0
    code, _, err = run_cli(*against, "--calls", 11)
    assert (code, "settings.calls was 10, is 11" in err) == (2, True)
    assert run_cli(*against, "--image-size", "90x90")[0] == 2


SLOWED = """
import sys, time
from pathlib import Path
from dataclasses import replace
from edgesr.benchmarks.worker import main
from edgesr.runtimes.adapters.registry import RUNTIMES

opened = RUNTIMES["ort"].open

def slowed(*arguments, **options):
    session = opened(*arguments, **options)

    class Slowed:
        def run(self, image):
            started = time.perf_counter()
            result = session.run(image)
            end = started + 1.1 * (time.perf_counter() - started)
            while time.perf_counter() < end:
                pass
            return result

    return Slowed()

RUNTIMES["ort"] = replace(RUNTIMES["ort"], open=slowed)
main(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class SlowedDevice(HostDevice):
    """This machine, every call of ONNX Runtime 10% longer."""

    def command(self, job_file: Path, result_file: Path) -> list[str]:
        return [sys.executable, "-P", "-c", SLOWED, str(job_file), str(result_file)]


@pytest.mark.slow
def test_slowed_worker_still_answers(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """The planted device of the acceptance figures in docs/benchmarks.md runs; what it finds is not asserted here."""
    settings = LatencySettings(calls=2, seconds=0.0, warmup_seconds=0.0)
    artifacts = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    old, new = (
        run_latency(mobile_bundle, device, artifacts=artifacts, threads=[1], settings=settings, rounds=2)
        for device in (HostDevice(), SlowedDevice())
    )
    assert compare_results(old, new, limit=0.05).changes[0].ratio is not None
    assert decode(LatencyResults, json.loads(written(tmp_path, new, "new.json").read_text())) == new
