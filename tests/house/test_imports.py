"""The cost of an import: no training framework, no runtime, before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgesr.runtimes.adapters.registry import RUNTIMES
from tests.helpers.places import ROOT

LAYERS = ("sr_model", "export", "runtimes", "benchmarks")
HEAVY = (
    *("torch", "tensorflow", "onnx", "onnxruntime", "ai_edge_litert", "onnx2tf", "openvino", "ncnn", "pnnx", "MNN"),
    "_tools",
)
LIGHT = [
    f"edgesr.{'.'.join(file.relative_to(ROOT).with_suffix('').parts)}"
    for package in ("runtimes", "benchmarks")
    for file in sorted((ROOT / package).rglob("*.py"))
    if file.stem != "__init__"
]
CACHED_EXPORT = [
    "edgesr.export.pipeline",
    "edgesr.export.inspection.doctor",
    "edgesr.export.inspection.contents",
    "edgesr.sr_model.generators.config",
    "edgesr.sr_model.generators.checkpoint",
]


def heavy_modules_after(code: str) -> list[str]:
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_light_modules_stay_light() -> None:
    assert len(LIGHT) > 90
    assert heavy_modules_after("\n".join(f"import {name}" for name in LIGHT)) == []


def test_cached_export_needs_no_framework() -> None:
    assert heavy_modules_after("\n".join(f"import {name}" for name in CACHED_EXPORT)) == []


@pytest.mark.parametrize("arguments", [["--help"], ["export", "--help"], ["doctor"]])
def test_command_line_stays_light(arguments: list[str]) -> None:
    started = f"from edgesr.cli.main import main\nsys.argv = ['edgesr', *{arguments!r}]"
    code = f"{started}\ntry:\n    main()\nexcept SystemExit: pass"
    assert heavy_modules_after(code) == []


def test_adapters_load_only_their_runtime() -> None:
    expected = {
        "ort": ["onnxruntime"],
        "tflite": ["ai_edge_litert"],
        "torchscript": ["torch"],
        "openvino": ["openvino"],
        "ncnn": ["ncnn"],
        "coreml": ["coremltools"],
        "mnn": ["MNN"],
        "executorch": ["torch"],
    }
    assert expected.keys() == RUNTIMES.keys()
    for adapter, modules in expected.items():
        started = f"from edgesr.runtimes.adapters.registry import RUNTIMES; runtime = RUNTIMES['{adapter}']"
        assert heavy_modules_after(started) == []
        if RUNTIMES[adapter].why_not_here is None:
            assert heavy_modules_after(f"{started}; runtime.load()") == modules


def test_each_folder_of_code_is_linked_once() -> None:
    links = {link.name: link.readlink() for link in (ROOT / "edgesr").iterdir() if link.is_symlink()}
    assert links == {name: Path("..") / name for name in LAYERS}
    assert {p.parent.name for p in ROOT.glob("*/__init__.py")} == {*LAYERS, "edgesr", "tests"}
    assert [p.name for p in ROOT.glob("*.py")] == []


def test_the_quantizer_that_is_unmaintained_is_named_nowhere() -> None:
    modules = [file for package in (*LAYERS, "edgesr") for file in (ROOT / package).rglob("*.py")]
    files = [*modules, ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    assert [file.name for file in files if re.search(r"ai[-_]edge[-_]quantizer", file.read_text())] == []
