"""Actors of a ray cluster, which is started in a network of the loopback alone; kills as in test_kills.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edgesr.runtimes.errors import MissingPackageError
from tests.helpers.archive.runs import archive_run, by_one_process, contents, photographs
from tests.helpers.boxes.needs import absent, require_root
from tests.helpers.places import ROOT

IMAGES, KILLS = 40, 20


@pytest.mark.slow
def test_twenty_kills_of_actors(tmp_path: Path) -> None:
    require_root()
    if find_spec("ray") is None:
        absent("needs ray: pip install 'edgesr[ray]'")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="e-") as short:  # ray's sockets need a short path
        folder = Path(short)
        source = photographs(folder / "in", IMAGES, (60, 60))
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        told = _told(folder)
        assert told.pop("once") is not None
        assert told == {**told, "killed": KILLS, "kept": True, "left": [], "token": False, "folders": []}
        assert told["actors"] > 2 and told["seen"] > KILLS
        assert contents(folder / "out") == by_one_process(source, folder / "one")


def _told(folder: Path) -> dict[str, Any]:
    """The output of the run, which has processes and a network of its own."""
    places = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)}
    words = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc"]
    program = [sys.executable, "-m", "tests.helpers.archive.ray_run", str(folder), str(IMAGES), str(KILLS)]
    done = subprocess.run(
        [*words, *program], env={**os.environ, **places}, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-3000:]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_without_ray_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.runtimes.packages.installed_version", lambda _name: None)
    source = photographs(tmp_path / "in", 1)
    with pytest.raises(MissingPackageError, match=r"--ray needs .*ray.*: pip install 'edgesr\[ray\]'"):
        archive_run(source, tmp_path / "out", ray="auto")
    assert not (tmp_path / "out").exists()
