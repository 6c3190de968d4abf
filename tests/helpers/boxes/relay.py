"""A slow link, as ssh's ProxyCommand: python relay.py HOST PORT DELAY_MS MBYTES_PER_SECOND, both ways alike."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable

_CHUNK = 32768


def pump(read: Callable[[int], bytes], write: Callable[[bytes], object], *, delay: float, rate: float) -> None:
    """Hand on what is read, each chunk so many seconds later, at so many bytes a second."""
    waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(maxsize=64)

    def collect() -> None:
        free = time.monotonic()
        while True:
            chunk = read(_CHUNK)
            free = max(free, time.monotonic()) + len(chunk) / rate
            waiting.put((free + delay, chunk))
            if not chunk:
                return

    threading.Thread(target=collect, daemon=True).start()
    while True:
        due, chunk = waiting.get()
        time.sleep(max(0.0, due - time.monotonic()))
        if not chunk:
            return
        write(chunk)


def write_all(content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(1, left) :]


def main(host: str, port: int, delay: float, rate: float) -> None:
    with socket.create_connection((host, port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def upwards() -> None:
            pump(lambda size: os.read(0, size), link.sendall, delay=delay, rate=rate)
            link.shutdown(socket.SHUT_WR)

        threading.Thread(target=upwards, daemon=True).start()
        pump(link.recv, write_all, delay=delay, rate=rate)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1e3, float(sys.argv[4]) * 1e6)
