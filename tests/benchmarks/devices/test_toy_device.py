"""Another kind of device is one file and one line: lists, options, help, completion and results know it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesr.benchmarks.devices import registry
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.benchmarks.devices.toy_device import TOY_KIND
from tests.helpers.cli_refusals import RunCli


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "DEVICE_KINDS", (*registry.DEVICE_KINDS, TOY_KIND))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def row(output: str, name: str) -> str:
    return next(" ".join(line.split()) for line in output.splitlines() if line.strip().startswith(name))


def test_devices_are_listed_and_set_up(run_cli: RunCli) -> None:
    code, out, _ = run_cli("devices")
    assert (code, row(out, "toy"), row(out, "host")) == (0, "toy a toy ready", "host this machine ready")
    assert row(out, "x86-64").endswith("not set up edgesr devices setup arm64")
    assert [out.count(line) for line in ("the arm64 guest is not set up:", "Toys do not count.")] == [1, 1]
    code, out, _ = run_cli("devices", "setup", "toy")
    assert (code, out.splitlines()) == (0, ["box: 2 MB", "devices: toy", "spring 1.0"])
    code, _, error = run_cli("devices", "setup", "host")
    known = "arm64, box-x86_64, box-aarch64, browser, toy"
    assert (code, f"device 'host' cannot be set up: choose one of {known}" in error) == (
        2,
        True,
    )


def test_help_and_errors_know_all_devices(run_cli: RunCli) -> None:
    _, out, _ = run_cli("devices", "setup", "--help")
    listed = " ".join(out.split())
    assert "arm64: an emulator for all arm64 CPUs; box-x86_64: the files that edgesr sends to PCs (x86_64); " in listed
    assert listed.count("; toy: a toy that is wound up.") == 1
    known = r"unknown device 'phone': choose from host, .*haswell, browser, .*, toy, ssh:\[USER@\]HOST, adb:SERIAL$"
    with pytest.raises(InputError, match=known):
        registry.open_devices("phone")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("bench", "bundle", "--device", "t"), ["toy"]),
        (("parity", "bundle", "--device", "host,t"), ["host,toy"]),
        (("devices", "setup", "t"), ["toy"]),
    ],
)
def test_names_are_completed(
    words: tuple[str, ...], offered: list[str], run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_EDGESR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["edgesr", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert run_cli()[1].split() == offered


def test_parity_runs_there(mobile_bundle: Bundle, run_cli: RunCli, tmp_path: Path) -> None:
    file = tmp_path / "parity.json"
    chosen = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--device", "toy")
    code, out, _ = run_cli("parity", mobile_bundle.root, *chosen, "--json", file)
    assert (code, "onnx-fp32-tile on toy" in out) == (0, True)
    results = json.loads(file.read_text())
    assert [row["key"]["device"] for row in results["results"]] == ["host", "toy"]
    assert [device["cpu"] for device in results["devices"]] == ["clockwork"]
    assert results["differences"][0]["max_difference"] == 0
    code, _, error = run_cli("bench", mobile_bundle.root, *chosen)
    assert (code, error) == (2, "edgesr: toy: does not count instructions; use it for 'edgesr parity'\n")
    code, _, error = run_cli("parity", mobile_bundle.root, "--runtime", "tflite", "--device", "toy")
    assert (code, "toy has no build of what these artifacts need: only ort" in error) == (2, True)
