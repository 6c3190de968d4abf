"""The exercises of docs/walkthrough.md work as they are printed there."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices import registry
from edgesr.benchmarks.devices.device import DeviceKind
from edgesr.benchmarks.quality import figures, metrics
from tests.helpers.cli_refusals import RunCli
from tests.helpers.light_install.bundle import write_light_bundle
from tests.helpers.places import ROOT


def printed(begins: str) -> str:
    """The block of code of the page that begins so."""
    text = (ROOT / "docs" / "walkthrough.md").read_text()
    blocks = [textwrap.dedent(block).strip() for block in re.findall(r"(?:^ {8}.*\n|^\n(?= {8}|\n))+", text, re.M)]
    (found,) = [block for block in blocks if block.startswith(begins)]
    return found


def test_the_metric_is_measured() -> None:
    names = {**vars(metrics), **vars(figures)}
    exec(printed("def mean_abs_error("), names)
    figure = eval(printed("Figure(").rstrip(","), names)
    assert printed("mean_abs_error:") == f"{figure.field}: float | None = None"
    hr = np.full((16, 16, 3), 100, dtype=np.uint8)
    assert figure.measure(figures.Compared(hr + np.uint8(5), hr, 4, None)) == 5


def test_the_device_is_known(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mirror.py"
    file.write_text(printed('"""A toy'))
    spec = importlib.util.spec_from_file_location("mirror", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mirror", module)
    spec.loader.exec_module(module)
    kind: DeviceKind = module.MIRROR_KIND
    monkeypatch.setattr(registry, "DEVICE_KINDS", (*registry.DEVICE_KINDS, kind))
    monkeypatch.setenv("COLUMNS", "200")
    write_light_bundle(tmp_path / "bundle")
    chosen = (tmp_path / "bundle", "--artifact", "onnx-int8-tile", "--runtime", "ort")
    code, out, _ = run_cli("parity", *chosen, "--device", "host,mirror")
    shown = [" ".join(line.split()) for line in out.splitlines()]
    assert (code, "onnx-int8-tile ort mirror 6 of 6 0 photograph identical" in shown) == (0, True)
    code, _, error = run_cli("bench", *chosen, "--device", "mirror")
    assert (code, "mirror: does not count instructions" in error) == (2, True)
