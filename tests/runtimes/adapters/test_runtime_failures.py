"""Errors of a runtime are one line that names the artifact, and cost one image of a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.runtimes.adapters.session import CheckedSession, ImageSession, open_session
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.runtimes.errors import EdgesrError
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of


def with_garbage(bundle: Bundle, runtime: str, root: Path) -> tuple[Path, str]:
    """A bundle whose tile artifact of a runtime is no model, though size and hash are the manifest's; its id."""
    shutil.copytree(bundle.root, root)
    artifact = artifact_of(bundle, runtime, "tile")
    file = root / artifact.file.path
    file.write_bytes(file.read_bytes()[:200] + b"garbage")
    entry = file_entry(root, file)
    manifest = json.loads((root / "manifest.json").read_text())
    for one in manifest["artifacts"]:
        if one["id"] == artifact.id:
            one["files"] = [{"path": entry.path, "size_bytes": entry.size_bytes, "sha256": entry.sha256}]
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root, artifact.id


@pytest.mark.parametrize("runtime", ["ort", "torchscript", "ncnn", "mnn"])
def test_a_file_that_a_runtime_refuses(mobile_bundle: Bundle, tmp_path: Path, run_cli: RunCli, runtime: str) -> None:
    root, artifact = with_garbage(mobile_bundle, runtime, tmp_path / "bundle")
    source = picture(tmp_path / "in.png")
    arguments = ("upscale", source, tmp_path / "out.png", "--bundle", root, "--artifact", artifact)
    refused(run_cli, tmp_path, *arguments, naming=f"{artifact}")
    refused(run_cli, tmp_path, *arguments, naming="cannot open it")


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_an_input_that_a_runtime_refuses(mobile_bundle: Bundle, runtime: str) -> None:
    """Two channels where the file has three."""
    session = open_session(mobile_bundle, artifact_of(mobile_bundle, runtime, "tile"), runtime=runtime)
    nchw = session.artifact.inputs[0].layout == "NCHW"
    with pytest.raises(EdgesrError, match=f"{session.artifact.id}: its runtime failed on an input of 1x"):
        session.session.run(np.zeros((1, 2, 64, 64) if nchw else (1, 64, 64, 2), np.float32))


def test_a_failure_costs_one_image_of_a_folder(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name, side in (("a.png", 32), ("b.png", 40), ("c.png", 32)):
        picture(tmp_path / "in" / name, side)
    real: Callable[[ImageSession, NDArray[np.float32]], NDArray[np.float32]] = ImageSession.infer

    class OutOfMemory:
        def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            raise RuntimeError("BFCArena: Failed to allocate memory\nand more lines")

    def infer(self: ImageSession, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if image.shape[1] == 40:
            assert isinstance(self.session, CheckedSession)
            self = replace(self, session=replace(self.session, session=OutOfMemory()))
        return real(self, image)

    monkeypatch.setattr(ImageSession, "infer", infer)
    code, _, err = run_cli("upscale", tmp_path / "in", tmp_path / "out", "--bundle", mobile_bundle.root)
    assert code == 2
    assert "1 image of" in err and "BFCArena: Failed to allocate memory" in err and "and more lines" not in err
    assert sorted(file.name for file in (tmp_path / "out").glob("*.png")) == ["a.png", "c.png"]
