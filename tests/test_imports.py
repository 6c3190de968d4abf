"""What an import costs: no training framework, no runtime, before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edgesr.runtimes.import_closure import OUR_PACKAGES

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "tensorflow", "onnx", "onnxruntime", "ai_edge_litert", "onnx2tf")
ADAPTERS = {"ort", "tflite", "torchscript"}
PROFILERS = {f"{adapter}_profile" for adapter in ADAPTERS}
LIGHT = [
    f"{package}.{file.stem}"
    for package in ("runtimes", "benchmarks")
    for file in sorted((ROOT / package).glob("*.py"))
    if file.stem not in {"__init__", *ADAPTERS, *PROFILERS}
]
CACHED_EXPORT = [
    "edgesr.export.pipeline",
    "edgesr.export.doctor",
    "edgesr.export.inspection",
    "edgesr.sr_model.config",
    "edgesr.sr_model.checkpoint",
]


def heavy_modules_after(code: str) -> list[str]:
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_light_modules_stay_light() -> None:
    assert len(LIGHT) > 20
    assert heavy_modules_after("\n".join(f"import {name}" for name in LIGHT)) == []


def test_cached_export_needs_no_framework() -> None:
    assert heavy_modules_after("\n".join(f"import {name}" for name in CACHED_EXPORT)) == []


@pytest.mark.parametrize("arguments", [["--help"], ["export", "--help"], ["doctor"]])
def test_command_line_stays_light(arguments: list[str]) -> None:
    code = f"import edgesr\nsys.argv = ['edgesr', *{arguments!r}]\ntry:\n    edgesr.main()\nexcept SystemExit: pass"
    assert heavy_modules_after(code) == []


def test_adapters_import_only_their_runtime() -> None:
    expected = {"ort": ["onnxruntime"], "tflite": ["ai_edge_litert"], "torchscript": ["torch"]}
    for adapter, modules in expected.items():
        for module in (adapter, f"{adapter}_profile"):
            assert heavy_modules_after(f"import edgesr.runtimes.{module}") == modules


def test_packaging_lists_all_code() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    layers = ("sr_model", "export", "runtimes", "benchmarks")
    found = [file.parent for layer in layers for file in (ROOT / layer).rglob("__init__.py")]
    packages = {".".join(folder.relative_to(ROOT).parts) for folder in found}
    assert (
        set(listed["packages"])
        == packages
        == {*layers, "edgesr.benchmarks.arm64", "edgesr.benchmarks.report", "edgesr.export.steps"}
    )
    assert set(layers) == {p.parent.name for p in ROOT.glob("*/__init__.py")}
    assert set(listed["py-modules"]) == {p.stem for p in ROOT.glob("*.py")}


def test_the_quantizer_that_is_unmaintained_is_named_nowhere() -> None:
    modules = [file for package in OUR_PACKAGES for file in (ROOT / package).rglob("*.py")]
    files = [*modules, *ROOT.glob("*.py"), ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    assert [file.name for file in files if re.search(r"ai[-_]edge[-_]quantizer", file.read_text())] == []
