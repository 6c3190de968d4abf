"""`edgesr export --delegate gpu`: what it refuses, and a network of windows that its list takes whole afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.formats.targets import plan_artifacts
from edgesr.export.inspection.contents import inspect
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.adapters.tflite import refusals
from edgesr.runtimes.errors import InputError
from tests.export.foreign.conftest import NETWORKS


def plans(*targets: str, delegate: str) -> list[str | None]:
    return [plan.delegate for plan in plan_artifacts(targets, ("fp32",), ("tile",), (64, 64), delegate)]


def test_only_files_that_are_rewritten_are_planned_for_it() -> None:
    assert plans("onnx", "tflite", delegate="gpu") == [None, "gpu"]
    with pytest.raises(InputError, match=r"--delegate gpu: rewrites tflite files; add tflite to --targets"):
        plans("onnx", delegate="gpu")
    with pytest.raises(InputError, match=r"--delegate 'nnapi': files are rewritten for gpu alone; 'edgesr inspect'"):
        plans("tflite", delegate="nnapi")


def test_the_command_refuses_others(run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, error = run_cli("export", "--delegate", "qnn", "--output", tmp_path / "b")
    assert code == 2
    assert "--delegate 'qnn': files are rewritten for gpu alone" in error
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_windows_are_taken_whole(tmp_path: Path, cache_dir: Path) -> None:
    network = str(NETWORKS / "attention.py:window_attention")
    options = ExportOptions(module=network, targets=("tflite",), graphs=("full",), tile_size=(48, 48), delegate="gpu")
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    (artifact,) = bundle.manifest.artifacts
    found = refusals(bundle.model_path(artifact))
    assert [one.count for one in found] == [0, 0, 0]
    parity = check_parity(bundle, artifact, runtime="tflite", threads=1)
    assert len(parity.goldens) == 3
    assert all(golden.failures == () and (golden.psnr_db or 999) > 120 for golden in parity.goldens)
    told = next(table for table in inspect(bundle.root) if table.title.startswith("Operators that delegates"))
    assert told.rows == ((artifact.id, "gpu, nnapi, qnn", f"none of {found[0].operators}", "-", "-"),)
