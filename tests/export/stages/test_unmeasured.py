"""An export where a runtime of its files is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.interface.runtime import Runtime
from edgesr.runtimes.progress import ProgressEvent


@pytest.mark.parametrize("absent", [{"openvino"}, set()])
def test_runtimes_that_are_not_measured_are_told(
    absent: set[str], cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Runtime.version
    monkeypatch.setattr(Runtime, "version", lambda self: None if self.name in absent else real(self))
    events: list[ProgressEvent] = []
    options = ExportOptions(preset="srrescycgan-mobile", targets=("onnx",), graphs=("tile",), tile_size=(64, 64))
    made = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir, progress=events.append)
    (artifact,) = made.bundle.manifest.artifacts
    assert {use.name for use in artifact.uses if use.memory is None} == absent
    told = [event.note for event in events if event.is_notice and "not measured" in event.note]
    assert [note.split()[0] for note in told] == sorted(absent)
    assert all("export again after pip install 'edgesr[openvino]'" in note for note in told)
