"""Fixtures that the tests of users' networks share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.parity.check import check_parity
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


def require_parity(bundle: Bundle) -> None:
    """All artifacts of a bundle compute the network, on goldens of several sizes."""
    for artifact in bundle.manifest.artifacts:
        parity = check_parity(bundle, artifact, runtime=artifact.runtimes[0], threads=1)
        assert len(parity.goldens) >= 6
        for golden in parity.goldens:
            assert golden.failures == ()
            assert golden.psnr_db is None or golden.psnr_db > 120


@pytest.fixture(scope="session")
def foreign_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The SRVGG of the helpers for ONNX Runtime and TorchScript, tiles of 48x48. Do not change it."""
    return _exported("convolutional.py:srvgg", tmp_path_factory, cache_dir)


@pytest.fixture(scope="session")
def espcn_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The ESPCN of the helpers, of one channel, in the same way. Do not change it."""
    return _exported("one_channel.py:espcn", tmp_path_factory, cache_dir)


def _exported(network: str, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    options = ExportOptions(module=str(NETWORKS / network), targets=("onnx", "torchscript"), tile_size=(48, 48))
    return export_bundle(options, tmp_path_factory.mktemp("bundles") / "exported", cache_dir=cache_dir).bundle
