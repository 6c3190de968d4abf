"""An export that is killed leaves the old bundle or the new one, and the next one works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgesr.runtimes.bundle.opening import Bundle, open_bundle

MOMENTS = 20


def start_export(output: Path, cache_dir: Path, tile_size: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-c", "from edgesr.cli.main import main; main()", "export"]
    options = ["--targets", "torchscript", "--tile-size", tile_size, "--output", output, "--cache-dir", cache_dir]
    return subprocess.Popen(
        [*command, *map(str, options)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def tile_size(bundle: Bundle) -> str:
    return "x".join(map(str, bundle.manifest.tile_size))


@pytest.mark.slow
def test_killed_export_leaves_a_whole_bundle(tmp_path: Path) -> None:
    """Ten kills of exports that convert, ten of exports that only write, spread over the time that each takes."""
    output, warm = tmp_path / "place" / "bundle", tmp_path / "warm"
    for size in ("48x48", "40x40"):
        assert start_export(output, warm, size).wait() == 0
    survivors = []
    for cold in (True, False):
        started = time.monotonic()
        assert start_export(output, tmp_path / "timing" if cold else warm, "48x48").wait() == 0
        duration = time.monotonic() - started
        for moment in range(MOMENTS // 2):
            before = tile_size(open_bundle(output))
            after = "40x40" if before == "48x48" else "48x48"
            process = start_export(output, tmp_path / f"cold{moment}" if cold else warm, after)
            time.sleep(duration * (moment + 0.5) / (MOMENTS // 2))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            survivors.append(tile_size(open_bundle(output)) == before)
            assert tile_size(open_bundle(output)) in (before, after)
    assert len(survivors) == MOMENTS
    assert any(survivors), "at least the early kills leave the old bundle"
    assert start_export(output, warm, "40x40").wait() == 0
    assert tile_size(open_bundle(output)) == "40x40"
    assert [p.name for p in output.parent.iterdir()] == ["bundle"], "nothing of the killed runs is left"
