"""The conversion by pnnx: proven at sizes that nobody traced, refused with reasons, without traces outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgesr.export.answers import answers_of
from edgesr.export.ncnn.conversion import export_ncnn
from edgesr.export.ncnn.param_file import read_layers
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions import planted_modules as planted
from tests.export.conversions.planted_modules import Planted
from tests.export.ncnn.small_ncnn import convolution, model, seeded, written
from tests.helpers.places import ROOT


def converted(module: Planted, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    export_ncnn(module, folder, proof=proof_of(module))
    return folder


def test_two_files_are_all_that_is_left_and_the_same_every_time(tmp_path: Path) -> None:
    folders = [converted(planted.sound(), tmp_path / name) for name in ("first", "second")]
    content = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders]
    assert content[0].keys() == {"model.param", "model.bin"}
    assert content[0] == content[1]
    first, *_ = read_layers(folders[0] / "model.param")
    assert (first.kind, first.parameters) == ("Input", {2: "3"})


def median() -> Planted:
    return Planted(lambda features, _lr: features - torch.median(features))


def topk() -> Planted:
    return Planted(lambda features, _lr: features - features.flatten().topk(7).values[-1])


@pytest.mark.parametrize(("make", "named"), [(median, "aten::median"), (topk, "topk")])
def test_operators_that_ncnn_lacks_are_named(make: Callable[[], Planted], named: str, tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=f"ncnn has no layer for .*{named}.*; replace these operators in the network"):
        converted(make(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (planted.traced_view, r"pnnx cannot convert the network: .*shape '\[1, 3, 40, 56\]' is invalid"),
        (planted.parity_branch, "the ncnn files do not compute what the module does: .* a size was baked in"),
    ],
    ids=["view", "branch"],
)
def test_a_size_baked_in_is_refused(make: Callable[[], Planted], reason: str, tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=reason):
        converted(make(), tmp_path)


def test_another_number_of_channels(tmp_path: Path) -> None:
    class Grey(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 4, 3, padding=1)

        def forward(self, lr: torch.Tensor) -> torch.Tensor:
            return F.pixel_shuffle(self.conv(lr), 2)

    module = Grey().eval().requires_grad_(False)
    export_ncnn(module, tmp_path, proof=proof_of(module, colour="luma"))
    assert read_layers(tmp_path / "model.param")[0].parameters == {2: "1"}


def test_an_image_that_is_refused_is_one_answer(tmp_path: Path) -> None:
    """The others are answered."""
    file = written(tmp_path, model(convolution(seeded(0, 5, 3, 3, 3), None)))
    images = [np.ones((channels, 6, side), dtype=np.float32) for channels, side in ((3, 7), (4, 8), (3, 9))]
    answers = answers_of("ncnn", file, images, RunSettings())
    for place in (0, 2):
        assert answers.run(images[place][None]).shape == (1, 5, *images[place].shape[1:])
    with pytest.raises(EdgesrError, match="it takes 1x3xhxw in float32, and not 1x4x6x8 in float32"):
        answers.run(images[1][None])


_APART = """
import socket, sys
from pathlib import Path
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
try:
    socket.create_connection(("1.1.1.1", 53), timeout=2)
except OSError:
    pass
else:
    sys.exit("there is a network")
options = ExportOptions(targets=("ncnn",), precisions=("fp32", "int8"), graphs=("tile",), tile_size=(64, 64))
print(export_bundle(options, Path(sys.argv[1]) / "bundle", cache_dir=Path(sys.argv[1]) / "cache").bundle.manifest)
"""


@pytest.mark.slow
def test_an_export_without_a_network_and_with_a_read_only_home(tmp_path: Path) -> None:
    """Nothing but the bundle, the cache and the folder for temporary files is written, where torch keeps its own."""
    if subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody make a network namespace (unshare -rn)")
    home, own, temporary = (tmp_path / name for name in ("home", "own", "temporary"))
    for folder in (home, own, temporary):
        folder.mkdir()
    mounted = f'mount -t tmpfs -o ro tmpfs {home} && exec "$@"'
    environment = {
        **os.environ,
        **{"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(temporary)},
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = ["unshare", "-rnm", "sh", "-c", mounted, "sh", sys.executable, "-c", _APART, str(own)]
    done = subprocess.run(command, cwd=own, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ncnn-fp32-tile" in done.stdout and "ncnn-int8-tile" in done.stdout
    assert sorted(file.name for file in own.iterdir()) == ["bundle", "cache"]
    assert [file for file in temporary.iterdir() if not file.name.startswith("torchinductor_")] == []
