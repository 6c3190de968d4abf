"""The files that pages take as given: to add one, write a function that makes it and add its row to `NAMES`.

A file is made when a command reads it that is not there yet, so what an earlier command of the page wrote is taken.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from tests.commands.shell import Shell
from tests.helpers.hr_images import hr_pixels, save
from tests.helpers.light_install.bundle import write_light_bundle
from tests.helpers.places import ROOT, SHARED

Make = Callable[[Path, Shell], object]
"""Makes the file of that path; the shell runs commands in the folder of its page."""

_WRITTEN = re.compile(r"--(json|output|markdown|csv|plot|cache-dir|goldens|against)\s+\S+")
_NET = """from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 3, padding=1)
        self.tail = nn.Conv2d(16, 48, 3, padding=1)

    def forward(self, x):
        base = functional.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)
        return base + 0.1 * functional.pixel_shuffle(self.tail(functional.relu(self.head(x))), 4)


def build():
    return Net()
"""
_BUNDLE = "edgesr export --preset srrescycgan-mobile --targets onnx,tflite --precision fp32,int8 --output {}"
_MINE = "edgesr export --module my_net.py:build --checkpoint w.pth --targets onnx,tflite --output {}"
_QUICK = "edgesr bench bundle --runtime ort --rounds 2 --calls 1 --seconds 0 --json {}"


def make_missing(text: str, folder: Path, shell: Shell) -> None:
    """Make the files that a command reads and that are not there."""
    for name in needed(text):
        if not (folder / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            NAMES[name](folder / name, shell)


def needed(text: str) -> Iterator[str]:
    """Names that a command reads, in the order of the table."""
    words = set(re.split(r"[\s,:&;|=/]+", _WRITTEN.sub("", text)))
    for name in NAMES:
        if set(re.split("/", name)) <= words:
            yield name


def _image(path: Path, shell: Shell) -> None:
    save(path, hr_pixels("coffee", 96, 128))


def _photographs(path: Path, shell: Shell) -> None:
    for name in ("cat", "coffee", "astronaut"):
        save(path / f"{name}.png", hr_pixels(name, 264, 272))


def _pairs(path: Path, shell: Shell) -> None:
    for number, name in enumerate(("cat", "rocket"), start=1):
        pixels = hr_pixels(name, 192, 256)
        save(path / f"img_{number:03}_HR.png", pixels)
        Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC).save(path / f"img_{number:03}_LR.png")


def _bundle(path: Path, shell: Shell) -> None:
    shell.require(_BUNDLE.format(path.name))


def _light_bundle(path: Path, shell: Shell) -> None:
    write_light_bundle(path)


def _mine(path: Path, shell: Shell) -> None:
    make_missing("my_net.py w.pth", path.parent, shell)
    shell.require(_MINE.format(path.name))


def _published(path: Path, shell: Shell) -> None:
    shutil.copy(SHARED / "weights" / "srrescgan_x4.pth", path)


def _net(path: Path, shell: Shell) -> None:
    path.write_text(_NET)


def _weights(path: Path, shell: Shell) -> None:
    make_missing("my_net.py", path.parent, shell)
    shell.require(f"python -c 'import torch, my_net; torch.save(my_net.build().state_dict(), \"{path.name}\")'")


def _checkpoint(path: Path, shell: Shell) -> None:
    shutil.copy(ROOT / "sr_model" / "weights" / "srrescycgan-mobile-clean.safetensors", path)


def _onnx(path: Path, shell: Shell) -> None:
    import onnx

    from tests.helpers.foreign.onnx_files import OnnxFile

    onnx.save(OnnxFile().model(), path)


def _tflite(path: Path, shell: Shell) -> None:
    make_missing("bundle", path.parent, shell)
    shutil.copy(next((path.parent / "bundle").glob("tflite-fp32-tile*.tflite")), path)


def _measured_before(path: Path, shell: Shell) -> None:
    """The measurement that the page made, which then became no slower, or a measurement of the bundle."""
    for name in ("new.json", "latency.json"):
        if (path.parent / name).exists():
            shutil.copy(path.parent / name, path)
            return
    make_missing("bundle", path.parent, shell)
    shell.require(_QUICK.format(path.name))


def _result(command: str) -> Make:
    def make(path: Path, shell: Shell) -> None:
        make_missing("bundle", path.parent, shell)
        shell.require(command.format(path.name))

    return make


def _answers(path: Path, shell: Shell) -> None:
    make_missing("raw", path.parent, shell)
    from tests.benchmarks.outside.plain_runner import run_all

    run_all(path.parent / "bundle", path.parent / "raw", path, formats=("onnx",), only="onnx-fp32-tile")


NAMES: dict[str, Make] = {
    **dict.fromkeys(("photograph.jpg", "a.png", "crop.png"), _image),
    **dict.fromkeys(("LR_006.png", "LR_014.png"), _image),
    "photographs": _photographs,
    **dict.fromkeys(("Set5", "Set14", "BSD100_20"), _pairs),
    "srrescgan_x4.pth": _published,
    "my_net.py": _net,
    "w.pth": _weights,
    **dict.fromkeys(("run/generator.safetensors", "run-l1/generator.safetensors"), _checkpoint),
    **dict.fromkeys(("bundle", "edge"), _bundle),
    "demo/bundle": _light_bundle,
    "mine": _mine,
    "model.onnx": _onnx,
    "model.tflite": _tflite,
    **dict.fromkeys(("old.json", "new.json"), _measured_before),
    "latency.json": _result(_QUICK),
    "parity.json": _result("edgesr parity bundle --runtime ort --json {}"),
    "profile.json": _result("edgesr profile bundle --runtime ort --json {}"),
    "raw": _result("edgesr goldens bundle --output {}"),
    "out": _answers,
}
"""By name, how a file or folder of the pages is made."""
