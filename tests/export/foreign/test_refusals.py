"""Users' files that cannot be exported: one line that says what is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from edgesr.export.foreign import child_process
from edgesr.export.foreign.child_process import Stated
from edgesr.export.options import ExportOptions
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.sr_model.generators.foreign.checkpoint_state import read_checkpoint
from tests.export.foreign.conftest import Archived
from tests.helpers.places import ROOT

HEAD = """
import os, sys, torch
from torch import nn
import torch.nn.functional as F
class Net(nn.Module):
    def __init__(self, channels=3, scale=2):
        super().__init__()
        self.scale, self.conv = scale, nn.Conv2d(channels, channels * scale**2, 3, padding=1)
        nn.init.constant_(self.conv.weight, 0.001), nn.init.zeros_(self.conv.bias)
    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), self.scale) + F.interpolate(x, scale_factor=self.scale)
class Changed(nn.Module):
    def __init__(self, change):
        super().__init__()
        self.net, self.change = Net(), change
    def forward(self, x):
        return self.change(x, self.net(x))
class Fours(Net):
    def forward(self, x):
        assert x.shape[2] % 4 == 0 and x.shape[3] % 4 == 0
        return super().forward(x)
class Written(Net):
    def forward(self, x):
        self.conv.weight.data = self.conv.weight.data * 1.0
        return super().forward(x)
def build():
"""
REFUSED = [
    ("pass\ndef build(width, depth):\n    return Net()", {}, ["needs width, depth", "a checkpoint's path"]),
    ("raise ValueError('no good')", {}, ["build failed", "ValueError: no good", "(line 27)"]),
    ("return 3", {}, ["build gives int", "torch.nn.Module"]),
    ("return Net\nbuild = 3", {}, ["build is no function, but of int"]),
    ("return Written()", {}, ["writes its weights in forward (conv.weight)", "where the network is built"]),
    ("sys.exit('bye')", {}, ["SystemExit: bye"]),
    ("return Changed(lambda x, y: y * float('nan'))", {}, ["not finite"]),
    ("return Changed(lambda x, y: (y, x))", {}, ["gives a tuple", "the picture alone"]),
    ("return Changed(lambda x, y: y[:, :, :-1])", {}, ["(1, 3, 95, 128)", "whole scale"]),
    ("return Changed(lambda x, y: F.interpolate(x, scale_factor=1.5))", {}, ["(1, 3, 72, 96)", "whole scale"]),
    ("return Net(scale=5)", {}, ["scale is 5", "1, 2, 3, 4, 8"]),
    ("return Net(channels=2)", {}, ["an image of 3 channels", "to have 2 channels", "or of 1 channel"]),
    ("return Changed(lambda x, y: y + torch.rand_like(y))", {}, ["two different pictures"]),
    ("return Changed(lambda x, y: y + 10 * torch.sign(y))", {}, ["give --peak 255", "--peak 1 if that is right"]),
    ("return Fours()", {"multiple": 2}, ["50x48", "multiples of 4"]),
    ("import absent_package", {}, ["ModuleNotFoundError", "absent_package"]),
]


@pytest.mark.parametrize(("code", "stated", "parts"), REFUSED)
def test_networks_that_cannot_be_exported(
    code: str, stated: dict[str, Any], parts: list[str], archived: Archived, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    {code}\n")
    error = archived(tmp_path / "net.py", "build", **stated).read_text()
    assert "\n" not in error
    for part in parts:
        assert part in error


def test_a_stated_peak_is_taken_with_a_doubt(archived: Archived, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    return Changed(lambda x, y: y + 10 * torch.sign(y))\n")
    archive = archived(tmp_path / "net.py", "build", peak=1)
    assert archive.suffix == ".edgesr-program"
    assert any("it seems to speak [0,255]" in note for note in child_process.read_notes(tmp_path))


@pytest.mark.parametrize(("change", "doubted"), [("255 * y", True), ("0 * y", True), ("0.9 * y", False)])
def test_a_network_that_makes_no_picture_is_doubted(
    change: str, doubted: bool, archived: Archived, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    return Changed(lambda x, y: {change})\n")
    assert archived(tmp_path / "net.py", "build").suffix == ".edgesr-program"
    notes = " ".join(child_process.read_notes(tmp_path))
    assert ("a photograph becomes no picture" in notes and "in [0,1]?" in notes) == doubted


def test_a_network_may_change_its_image(archived: Archived, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    return Changed(lambda x, y: y + 0 * x.sub_(0.1).sum())\n")
    assert archived(tmp_path / "net.py", "build").suffix == ".edgesr-program"
    assert child_process.read_notes(tmp_path) == []


def test_other_functions_are_named(archived: Archived, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    return Net()\n")
    assert (
        "has no function 'built'; it has Net, Changed, Fours and 2 more"
        in archived(tmp_path / "net.py", "built").read_text()
    )


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"module": "net"}, "give FILE.py:NAME"),
        ({"module": "absent.py:build"}, "no such file"),
        ({"module": "absent.py:"}, "give FILE.py:NAME"),
        ({"module": "{file}:build", "preset": "mobile-s"}, "not both"),
        ({"module": "{file}:build", "peak": 7}, "--peak 7: give 1 or 255"),
        ({"module": "{file}:build", "multiple": 0}, "--multiple 0"),
        ({"peak": 255}, "--peak 255"),
        ({"multiple": 8}, "--multiple 8"),
    ],
)
def test_options_are_refused_before_any_code_runs(options: dict[str, Any], part: str, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("raise SystemExit('it ran')")
    given: dict[str, Any] = {k: v.format(file=file) if isinstance(v, str) else v for k, v in options.items()}
    with pytest.raises(InputError, match=re.escape(part)) as error:
        ExportOptions(**given).source()
    assert "\n" not in str(error.value)


def build(tmp_path: Path, file: Path, name: str = "build") -> None:
    (tmp_path / "stage").mkdir()
    child_process.build(tmp_path / "stage", file, name, None, {}, Stated(peak=None, multiple=None))


def test_a_crash_costs_its_process(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    os.kill(os.getpid(), 11)\n")
    with pytest.raises(EdgesrError, match=r"net\.py:build: its process ended: killed by SIGSEGV"):
        build(tmp_path, tmp_path / "net.py")


def test_code_that_prints_moves_and_writes_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder with a space and no ASCII name, given by a relative path, next to a module that it imports."""
    folder = tmp_path / "ein Ordner für Netze"
    folder.mkdir()
    (folder / "sibling.py").write_text("")
    wild = "print('x' * 10**6); open('here', 'w').close(); os.chdir('/'); import sibling; return Net()"
    (folder / "mein Netz ß.py").write_text(f"{HEAD}    {wild}\n")
    monkeypatch.chdir(folder)
    build(tmp_path, Path("mein Netz ß.py"))
    made = {file.name for file in (tmp_path / "stage").iterdir()}
    assert made == {"generator.edgesr-program", "notes.json"}
    left = {file.name for file in folder.iterdir()} - {"__pycache__"}
    assert left == {"mein Netz ß.py", "sibling.py"}


@pytest.mark.slow
def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    started = tmp_path / "started"
    (tmp_path / "net.py").write_text(f"{HEAD}    open({str(started)!r}, 'w').close(); import time; time.sleep(600)\n")
    command = ["export", "--module", "net.py:build", "--output", "bundle", "--cache-dir", "cache"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    process = subprocess.Popen(
        [sys.executable, "-m", "edgesr", *command], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 100
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, b"edgesr: interrupted\n")
    assert not (tmp_path / "bundle").exists()
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and file.name != "lock"] == []
    assert list((tmp_path / "tmp").iterdir()) == []


STATE = {"conv.weight": torch.zeros(2), "conv.bias": torch.ones(3, dtype=torch.float16), "steps": torch.tensor(4)}


@pytest.mark.parametrize(
    ("wrap", "named"),
    [
        (lambda state: state, ""),
        (lambda state: {"params_ema": state, "params": {}}, "params_ema"),
        (lambda state: {"state_dict": state, "epoch": 3}, "state_dict"),
        (lambda state: {"model": {"params": state}}, "model / params"),
        (lambda state: {"params": {f"module.{name}": tensor for name, tensor in state.items()}}, "params / module."),
    ],
)
def test_wrappers_of_checkpoints_are_unpacked(
    wrap: Callable[[dict[str, torch.Tensor]], object], named: str, tmp_path: Path
) -> None:
    torch.save(wrap(STATE), tmp_path / "w.pth")
    state, wrappers = read_checkpoint(tmp_path / "w.pth")
    assert wrappers == named
    assert state.keys() == STATE.keys()
    assert state["conv.bias"].dtype == torch.float32
    assert state["steps"].dtype == torch.int64


def test_an_empty_checkpoint_is_named(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"but nothing; give that of the network$"):
        read_checkpoint(tmp_path / "w.pth")


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("it ran",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": Evil()}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds more than weights"):
        read_checkpoint(tmp_path / "w.pth")
    assert not (tmp_path / "it ran").exists()


def test_weights_of_another_network_are_refused(archived: Archived, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}    return Net()\n")
    torch.save({"conv.weight": torch.zeros(12, 3, 5, 5), "head.bias": torch.zeros(3)}, tmp_path / "w.pth")
    error = archived(tmp_path / "net.py", "build", checkpoint=tmp_path / "w.pth").read_text()
    assert "does not fit the network" in error
    assert "conv" in error
    assert "head.bias" in error


def test_a_function_that_takes_a_path_loads_the_checkpoint_itself(archived: Archived, tmp_path: Path) -> None:
    code = "def build(path):\n    net = Net()\n    net.load_state_dict(torch.load(path)['odd'])\n    return net\n"
    (tmp_path / "net.py").write_text(HEAD.replace("def build():\n", code))
    assert "give it with --checkpoint" in archived(tmp_path / "net.py", "build").read_text()
    weights = {"conv.weight": torch.zeros(12, 3, 3, 3), "conv.bias": torch.full((12,), 0.05)}
    torch.save({"odd": weights}, tmp_path / "w.pth")
    archive = archived(tmp_path / "net.py", "build", checkpoint=tmp_path / "w.pth")
    from edgesr.sr_model.generators.foreign.program import load_program

    grey = load_program(archive)(torch.full((1, 3, 16, 16), 100.0))
    assert (grey - (100 + 0.05 * 255)).abs().max() < 1e-3
