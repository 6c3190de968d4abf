"""The output of 'edgesr doctor' about a machine: also one that has little, and one that tells little of itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edgesr.export.inspection import machine
from edgesr.runtimes import machine_memory
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.interface import runtime
from tests.helpers.cli_refusals import RunCli
from tests.helpers.places import ROOT

PAGE = ROOT / "docs" / "exporting.md"
WHAT = [
    *("Python", "memory", "free disk, cache folder", "free disk, working folder", "C compiler"),
    *("emulated arm64 CPUs", "emulated x86-64 CPU", "libvips", "Chromium", "browser runtimes", "Node.js with npm"),
]


@pytest.fixture(autouse=True)
def no_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest and the web app of whoever runs the tests are not looked at."""

    def installed(what: str) -> None:
        raise MissingPackageError(f"{what} is not set up: edgesr devices setup {what}")

    monkeypatch.setattr(machine, "installed_guest", lambda: installed("arm64"))
    monkeypatch.setattr(machine, "installed_app", lambda: installed("browser"))


def rows() -> dict[str, tuple[str, ...]]:
    """Found, needed for, how to get it: by what."""
    table = machine.machine_table()
    assert table.columns == ("what", "found", "needed for", "how to get it")
    return {row[0]: row[1:] for row in table.rows}


def test_doctor_tells_of_the_machine(run_cli: RunCli) -> None:
    code, out, err = run_cli("doctor")
    assert (code, err) == (0, "")
    titles = ["Runtimes", "Export targets", "This machine"]
    assert [line.strip() for line in out.splitlines() if line.strip() in titles] == titles
    after = out.split("This machine")[1]
    assert all(what in after for what in WHAT)


def test_a_machine_with_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "compiler", lambda: "/usr/bin/gcc")
    monkeypatch.setattr(machine, "memory_bytes", lambda: (16_000_000_000, 8_000_000_000))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(machine, "libvips_version", lambda: "8.18.0")
    monkeypatch.chdir(tmp_path)
    found = rows()
    assert list(found) == WHAT
    assert found["memory"][0] == "16.0 GB, 8.0 GB available"
    assert found["C compiler"][0] == "/usr/bin/gcc"
    assert found["free disk, working folder"][0].endswith(f" GB at {tmp_path}")
    missing = {"emulated arm64 CPUs", "emulated x86-64 CPU", "browser runtimes"}
    assert {what for what, (*_, advice) in found.items() if advice} == missing
    assert found["browser runtimes"][::2] == ("browser is not set up", "edgesr devices setup browser")
    assert found["Node.js with npm"][0] == "/usr/bin/node"


def test_a_machine_with_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages that only exports and emulated devices need, a compiler, a browser, or enough memory."""
    for package in ("platformdirs", "filelock", "psutil", "pyvips", "torch", "tensorflow", "onnx"):
        monkeypatch.setitem(sys.modules, package, None)
    for module in (runtime, machine):
        monkeypatch.setattr(module, "installed_version", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(machine, "memory_bytes", lambda: (2_000_000_000, 1_000_000_000))
    found = rows()
    assert found["free disk, cache folder"][::2] == ("not told", "pip install 'edgesr[export]'")
    assert found["libvips"][::2] == ("not installed", "pip install 'edgesr[images]'")
    assert found["C compiler"][::2] == ("none (cc, gcc, clang)", "apt install gcc")
    assert found["Chromium"][::2] == ("not installed", "apt install chromium")
    assert found["Node.js with npm"][0] == "not installed"
    assert found["memory"][2] == "end other programs before an export of srrescycgan"


@pytest.mark.parametrize(
    ("error", "cells"),
    [
        (
            MissingPackageError("the arm64 guest in x is damaged (a: b): edgesr devices setup arm64"),
            ("the arm64 guest in x is damaged (a: b)", "edgesr devices setup arm64"),
        ),
        (
            InputError("the arm64 guest needs Linux on x86-64; this is Darwin on arm64"),
            ("the arm64 guest needs Linux on x86-64; this is Darwin on arm64", ""),
        ),
    ],
)
def test_why_emulated_devices_are_not_there(
    error: Exception, cells: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed() -> None:
        raise error

    monkeypatch.setattr(machine, "installed_guest", installed)
    monkeypatch.setattr("edgesr.benchmarks.devices.arm64.setup.require_host", lambda _place: None)
    found = rows()
    assert found["emulated arm64 CPUs"][::2] == found["emulated x86-64 CPU"][::2] == cells


def test_memory_of_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meminfo"
    monkeypatch.setattr(machine_memory, "MEMINFO", file)
    file.write_text("MemTotal:  16 kB\nMemFree:  1 kB\nMemAvailable:  4 kB\nHugePages_Total:  0\n")
    assert machine_memory.memory_bytes() == (16 * 1024, 4 * 1024)
    file.write_text("MemTotal:  16 kB\n")
    assert machine_memory.memory_bytes() == (16 * 1024, None)


def test_memory_of_systems_that_tell_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_memory, "MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(os, "sysconf_names", {"SC_PHYS_PAGES": 1, "SC_PAGE_SIZE": 2})
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1_000_000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert machine_memory.memory_bytes() == (4_096_000_000, None)
    assert rows()["memory"][0] == "4.1 GB, not told available"
    monkeypatch.setattr(os, "sysconf_names", {})
    assert machine_memory.memory_bytes() == (None, None)
    assert rows()["memory"][0] == "not told"


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert machine.free_bytes(tmp_path / "a" / "b") == pytest.approx(machine.free_bytes(tmp_path), rel=0.1)


def test_memory_of_exports_is_that_of_the_page() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `srrescycgan") and " s | " in line]
    peaks = [line.split("|")[-2].strip() for line in lines]
    assert peaks == [f"{machine.SMALLEST_EXPORT_GB} GB", f"{machine.LARGEST_EXPORT_GB} GB"]
