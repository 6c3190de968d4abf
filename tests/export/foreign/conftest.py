"""What the tests of users' networks share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_records import to_json
from edgesr.sr_model.generators.foreign.archive import ERROR
from edgesr.sr_model.generators.foreign.child import main
from edgesr.sr_model.generators.foreign.request import Request
from tests.helpers.places import ROOT

Archived = Callable[..., Path]
NETWORKS = ROOT / "tests" / "helpers" / "foreign"


@pytest.fixture
def archived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archived:
    """Runs in this process what a process of its own does for a user: file, function -> the archive, or an error."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "edgesr_users_generator", sys)  # so that it is as before in the end
    np.save(tmp_path / "photograph.npy", photograph("cat", (160, 160)))

    def run(
        file: Path,
        function: str,
        *,
        peak: int | None = None,
        multiple: int | None = None,
        checkpoint: Path | None = None,
    ) -> Path:
        weights = None if checkpoint is None else str(checkpoint)
        request = Request(
            file=str(file),
            function=function,
            checkpoint=weights,
            name=function,
            peak=peak,
            multiple=multiple,
            photograph=str(tmp_path / "photograph.npy"),
        )
        (tmp_path / "request.json").write_text(to_json(request))
        archive = tmp_path / "made.edgesr-program"
        code = main(tmp_path / "request.json", archive)
        assert (code == 0) == archive.is_file()
        return archive if code == 0 else tmp_path / ERROR

    return run


@pytest.fixture(scope="session")
def foreign_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The SRVGG of the helpers for ONNX Runtime and TorchScript, tiles of 48x48. Do not change it."""
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "foreign"
    module = f"{NETWORKS / 'convolutional.py'}:srvgg"
    options = ExportOptions(module=module, targets=("onnx", "torchscript"), tile_size=(48, 48))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def espcn_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The ESPCN of the helpers for ONNX Runtime and TorchScript, tiles of 48x48. Do not change it."""
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "espcn"
    module = f"{NETWORKS / 'one_channel.py'}:espcn"
    options = ExportOptions(module=module, targets=("onnx", "torchscript"), tile_size=(48, 48))
    return export_bundle(options, output, cache_dir=cache_dir).bundle
