"""--targets all: what can be made here, and a line on each target that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.formats import targets
from edgesr.export.formats.targets import TARGETS, all_targets
from edgesr.export.options import ExportOptions
from edgesr.runtimes.errors import InputError, MissingPackageError


def test_every_target_that_has_a_precision() -> None:
    assert all_targets(("fp32",)) == (tuple(TARGETS), [])
    names, lines = all_targets(("int8", "w8"))
    assert names == tuple(name for name, target in TARGETS.items() if {"int8", "w8"} & set(target.precisions))
    assert lines == [f"{name} is left out: it has no int8, w8" for name in TARGETS if name not in names]
    assert "torchscript" not in names and {"onnx", "tflite", "mnn"} <= set(names)


def test_a_missing_package_costs_its_target_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"mnn", "pnnx"}
    monkeypatch.setattr(targets, "installed_version", lambda name: None if name in absent else "1")
    names, lines = all_targets(("fp32",))
    assert names == tuple(name for name in TARGETS if name not in ("mnn", "ncnn"))
    assert lines == [
        "ncnn is left out: it needs pnnx: pip install 'edgesr[export-ncnn]'",
        "mnn is left out: it needs mnn: pip install 'edgesr[export-mnn]'",
    ]


def test_nothing_that_can_be_made_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "installed_version", lambda _name: None)
    with pytest.raises(
        MissingPackageError, match="--targets all: nothing is left to export: onnx is left out: it needs"
    ):
        all_targets(("fp32",))


def test_an_onnx_file_becomes_what_it_can(tmp_path: Path) -> None:
    """Named ones that it cannot become are refused."""
    possible, lines = ExportOptions(onnx=tmp_path / "x.onnx", targets=("all",)).possible_targets()
    assert possible == ("onnx", "tflite", "mnn")
    assert [line.split()[0] for line in lines] == ["torchscript", "executorch", "ncnn", "coreml"]
    with pytest.raises(InputError, match="--targets ncnn: pnnx makes it from a trace of PyTorch; give --targets onnx"):
        ExportOptions(onnx=tmp_path / "x.onnx", targets=("onnx", "ncnn")).possible_targets()
    named = ExportOptions(targets=("onnx", "ncnn")).possible_targets()
    assert named == (("onnx", "ncnn"), [])
