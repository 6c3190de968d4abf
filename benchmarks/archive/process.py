"""A process that upscales photographs until its standard input ends: python -P -m edgesr.benchmarks.archive.process.

Messages come by standard input and go by standard output. It imports no training framework.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO

from edgesr.benchmarks.archive.messages import (
    Reply,
    Request,
    Settings,
    UnreadableMessageError,
    copy_bytes,
    read_message,
    write_message,
)
from edgesr.benchmarks.archive.service import Service
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import shown_text


def main() -> None:
    keep_large_blocks_after_torch()
    requests, answers = sys.stdin.buffer, _own_output()
    settings = read_message(requests, Settings)
    if settings is None:
        return
    try:
        service = Service(settings, lambda text: write_message(answers, Reply(kind="notice", text=text)))
    except EdgesrError as error:
        write_message(answers, Reply(kind="unable", text=str(error)))
        return
    write_message(answers, Reply(kind="ready"))
    pending: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, pending, settings.lease_seconds), daemon=True).start()
    while True:
        _serve(service, pending.get(), answers)


def _own_output() -> IO[bytes]:
    """Standard output for messages alone: what libraries print there goes to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _receive(stream: IO[bytes], pending: queue.SimpleQueue[Request], lease_seconds: int) -> None:
    """Hand on what is asked. Whoever asks has ended when the stream does, and then nothing here is of use any more."""
    try:
        while request := _next(stream, lease_seconds):
            if request.size_bytes is not None:
                with Path(request.source).open("wb") as file:
                    copy_bytes(stream, file, request.size_bytes, lambda: signal.alarm(lease_seconds))
            pending.put(request)
    except (OSError, UnreadableMessageError) as error:
        sys.stderr.write(f"{shown_text(str(error))}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _next(stream: IO[bytes], lease_seconds: int) -> Request | None:
    """The next request; empty lines, which only say that whoever asks is alive, renew the lease."""
    while True:
        signal.alarm(lease_seconds)
        head = stream.peek(1)[:1]  # type: ignore[attr-defined]
        if head != b"\n":
            return read_message(stream, Request)
        stream.read(1)


def _serve(service: Service, request: Request, answers: IO[bytes]) -> None:
    """Upscale one photograph; of one that came by the stream, the output goes back the same way."""
    source, target = Path(request.source), Path(request.target)
    reply = service.upscale(source, target)
    if request.size_bytes is None:
        write_message(answers, reply)
        return
    source.unlink()
    if reply.kind != "done":
        write_message(answers, reply)
        return
    with target.open("rb") as file:
        size = target.stat().st_size
        write_message(answers, replace(reply, size_bytes=size))
        copy_bytes(file, answers, size)
    target.unlink()


if __name__ == "__main__":
    main()
