"""A ray cluster, a run on it, and twenty kills of its actors, in namespaces of its own: python -m ... FOLDER.

The caller gives it a network of the loopback alone and processes of its own, which end with it. It prints one line of
JSON.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from edgesr.benchmarks.archive import supervisor
from tests.helpers.archive.killer import Killer
from tests.helpers.archive.runs import archive_run, stamps

ADDRESS = "127.0.0.1:6399"
_HEAD = (
    *("start", "--head", "--block", "--port=6399", "--node-ip-address=127.0.0.1", "--num-cpus=2"),
    *("--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=100000000"),
)


def main(folder: Path, images: int, kills: int) -> None:
    """Upscale FOLDER/in into FOLDER/out by two actors."""
    loopback = struct.pack("16sH14x", b"lo", 0x41)  # SIOCSIFFLAGS: up, running
    with socket.socket() as opened:
        fcntl.ioctl(opened, 0x8914, loopback)
    supervisor.ASK_AGAIN_SECONDS = (0.1, 0.1, 0.1, 0.1)
    with (folder / "ray.log").open("wb") as log:
        command = [sys.executable, "-m", "ray.scripts.scripts", *_HEAD, f"--temp-dir={folder}/r"]
        head = subprocess.Popen(command, stdout=log, stderr=log)
    _until_it_listens(head)
    source, target = folder / "in", folder / "out"
    with Killer(target, images, actors, kills=kills) as killer:
        report = archive_run(source, target, ray=ADDRESS, jobs=2)
    unfinished = report.unfinished
    if unfinished:
        report = archive_run(source, target, ray=ADDRESS, jobs=2)
    told = {
        "killed": len(killer.killed),
        "actors": len(set(killer.killed)),
        "kept": stamps(target) | killer.seen == stamps(target),
        "seen": len(killer.seen),
        "left": report.unfinished,
        "once": unfinished,
        "token": (Path.home() / ".ray" / "auth_token").exists(),
        "folders": [one.name for one in Path(os.environ["TMPDIR"]).glob("edgesr-actor-*")],
    }
    sys.stdout.write(f"{json.dumps(told)}\n")
    head.kill()
    head.wait()


def actors() -> list[int]:
    """The processes of actors: ray names them by what they do."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "cmdline").read_bytes().startswith(b"ray::Actor"):
                found.append(int(place.name))
    return found


def _until_it_listens(head: subprocess.Popen[bytes]) -> None:
    host, port = ADDRESS.split(":")
    for _ in range(600):
        assert head.poll() is None, "ray did not start"
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("ray does not listen")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
