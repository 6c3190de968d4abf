"""A ray cluster of one node on the loopback, and a command that runs next to it: python -m ... FOLDER COMMAND.

The caller gives it a network of the loopback alone and processes of its own, which end with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ADDRESS = "127.0.0.1:6399"
_HEAD = (
    *("start", "--head", "--block", "--port=6399", "--node-ip-address=127.0.0.1", "--num-cpus=2"),
    *("--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=100000000"),
)


@contextlib.contextmanager
def ray_cluster(folder: Path) -> Iterator[None]:
    """A head that listens at ``ADDRESS``, with its files in a folder of a short path, until the end of the block."""
    loopback = struct.pack("16sH14x", b"lo", 0x41)  # SIOCSIFFLAGS: up, running
    with socket.socket() as opened:
        fcntl.ioctl(opened, 0x8914, loopback)
    with (folder / "ray.log").open("wb") as log:
        command = [sys.executable, "-m", "ray.scripts.scripts", *_HEAD, f"--temp-dir={folder}/r"]
        head = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_it_listens(head)
        yield
    finally:
        head.kill()
        head.wait()


def _until_it_listens(head: subprocess.Popen[bytes]) -> None:
    host, port = ADDRESS.split(":")
    for _ in range(600):
        assert head.poll() is None, "ray did not start"
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("ray does not listen")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / "tmp").mkdir()
    with ray_cluster(place):
        done = subprocess.run(["bash", "-c", sys.argv[2]], env={**os.environ, "TMPDIR": f"{place}/tmp"}, check=False)
    sys.exit(done.returncode)
