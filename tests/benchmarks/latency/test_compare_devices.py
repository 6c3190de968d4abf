"""Two latency files of several devices: each device is compared with itself, and what one file lacks is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.devices import registry
from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.tables.changes import change_lines, change_table
from edgesr.runtimes.errors import InputError
from tests.benchmarks.latency.test_compare import made_up_results
from tests.helpers.cli_refusals import RunCli
from tests.helpers.made_up_latency import NamedDevice
from tests.helpers.places import RELEASED_BUNDLE


def on_devices(middles: Mapping[str, float], *, seed: int = 0) -> LatencyResults:
    """One artifact on each of these devices, with these medians."""
    found = made_up_results([])
    rows = []
    for place, (name, middle) in enumerate(middles.items()):
        (row,) = made_up_results([middle], seed=seed + place).results
        rows.append(replace(row, key=replace(row.key, device=name)))
    return replace(found, results=tuple(rows))


def test_each_device_is_compared_with_itself() -> None:
    old = on_devices({"host": 10, "ssh:a": 30, "ssh:b": 5})
    new = on_devices({"host": 10, "ssh:a": 36, "ssh:c": 7}, seed=5)
    changes = compare_results(old, new, limit=0.05)
    assert [(c.key.device, c.verdict) for c in changes.changes] == [("host", "no difference seen"), ("ssh:a", "slower")]
    assert [c.key.device for c in changes.regressions] == ["ssh:a"] and not changes.passed
    assert (changes.only_old, changes.only_new) == (("ssh:b",), ("ssh:c",))
    table = change_table(changes)
    place = table.columns.index("device")
    assert [(row[place], row[-1]) for row in table.rows] == [
        ("host", "no difference seen"),
        ("ssh:a", "slower, beyond 5.0%"),
    ]
    assert change_lines(changes) == [
        "ssh:b: only the old file has it, so it is not compared",
        "ssh:c: only the new file has it, so it is not compared",
        "host: 0 of 1 failed or became slower by more than 5.0%",
        "ssh:a: 1 of 1 failed or became slower by more than 5.0%",
    ]


def test_files_without_a_common_device_are_not_compared() -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        compare_results(on_devices({"ssh:a": 10}), on_devices({"ssh:b": 10}), limit=0.05)


def test_one_box_is_named_in_its_table() -> None:
    changes = compare_results(on_devices({"ssh:a": 10}), on_devices({"ssh:a": 10}, seed=1), limit=0.05)
    assert [row[2] for row in change_table(changes).rows] == ["ssh:a"]
    assert change_lines(changes) == ["0 of 1 failed or became slower by more than 5.0%"]


def test_bench_against_a_file_of_several(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One device of three is slower; another is left out; of a device that the file has not, nothing is measured."""
    speeds = {"ssh:a": 10.0, "ssh:b": 10.0, "ssh:c": 10.0, "ssh:d": 10.0}

    def opened(text: str, **_: object) -> list[NamedDevice]:
        return [NamedDevice(name, p50=speeds[name]) for name in text.split(",")]

    monkeypatch.setattr(registry, "open_devices", opened)
    words = ("bench", RELEASED_BUNDLE, "--runtime", "ort", "--artifact", "onnx-fp32-full", "--rounds", 2)
    old = tmp_path / "old.json"
    assert run_cli(*words, "--device", "ssh:a,ssh:b,ssh:c", "--json", old)[0] == 0
    against = (*words, "--against", old)
    code, out, _ = run_cli(*against, "--device", "ssh:a,ssh:b")
    assert (code, "ssh:c: only the old file has it" in out) == (0, True)
    speeds["ssh:b"] = 20.0
    code, out, _ = run_cli(*against, "--device", "ssh:a,ssh:b")
    assert (code, "ssh:a: 0 of 1 failed" in out, "ssh:b: 1 of 1 failed" in out) == (1, True, True)
    code, out, error = run_cli(*against, "--device", "ssh:d", "--json", tmp_path / "new.json")
    assert (code, out, (tmp_path / "new.json").exists()) == (2, "", False)
    assert error.endswith("old.json: was measured on ssh:a, ssh:b, ssh:c, not on ssh:d: nothing to compare\n")
