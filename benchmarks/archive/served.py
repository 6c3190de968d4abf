"""Workers that are processes, of this machine or of a box, and are asked through their pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable
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
from edgesr.benchmarks.archive.worker import DiedError, Task, Worker
from edgesr.benchmarks.devices.running import watched
from edgesr.benchmarks.devices.standing import Standing
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_text

LEASE_SECONDS = 120
"""A worker of another machine ends when nothing came for so long: a link that is cut ends no process by itself."""
_SIGN_OF_LIFE_SECONDS = 20.0
_MOST_NOISE = 1 << 20
_MOST_ERRORS = 1 << 14
_PATIENCE_SECONDS = 5.0


class ServedWorker(Worker):
    """A process that stays, started as ``standing`` tells; it is ready when this is made.

    It is in a session of its own, so that Ctrl-C reaches this process alone, and ends when its standard input does.
    """

    def __init__(self, standing: Standing, settings: Settings, tell: Callable[[str], None]) -> None:
        self._standing, self._tell, self._errors = standing, tell, b""
        self._resources = contextlib.ExitStack()
        self._process = subprocess.Popen(
            standing.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(standing.environment),
            start_new_session=True,
        )
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._threads = [self._thread(self._collect_errors)]
        try:
            self._resources.enter_context(watched(self._process))
            self._begin(settings)
        except BaseException:
            self.close()
            raise

    def upscale(self, task: Task, output: Path) -> Reply:
        if self._standing.shares_files:
            self._send(Request(source=str(task.source), target=str(output)))
            return self._reply()
        names = Request(source=f"edgesr-source{task.source.suffix}", target=f"edgesr-output{output.suffix}")
        reply = self._sent_and_brought(task, names, output)
        text = shown_text(reply.text.replace(names.source, str(task.source)).replace(names.target, str(output)))
        return Reply(**{**vars(reply), "text": text})

    def close(self) -> None:
        """Close its input, which ends it wherever it is, and kill what is started here if that takes too long."""
        self._ended.set()
        self._close_input()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._resources.close()

    def _close_input(self) -> None:
        """Unless the other thread cannot finish an empty line, since nobody reads it."""
        if self._writing.acquire(timeout=_PATIENCE_SECONDS):
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.close()
            self._writing.release()

    def _begin(self, settings: Settings) -> None:
        self._pass_noise()
        self._send(settings)
        reply = self._reply()
        if reply.kind != "ready":
            raise InputError(reply.text)
        if settings.lease_seconds:
            self._threads.append(self._thread(self._renew_lease))

    def _sent_and_brought(self, task: Task, names: Request, output: Path) -> Reply:
        """Send the photograph, and write what comes back."""
        try:
            source = task.source.open("rb")
        except OSError as error:
            return Reply(kind="failed", text=f"{task.source}: cannot be upscaled: {error.strerror}")
        with source:
            size = os.fstat(source.fileno()).st_size
            self._send(Request(source=names.source, target=names.target, size_bytes=size), source)
        reply = self._reply()
        if reply.kind == "done":
            self._bring(reply.size_bytes or 0, output)
        return reply

    def _bring(self, size: int, output: Path) -> None:
        try:
            with output.open("wb") as file:
                copy_bytes(self._output, file, size)
                os.fsync(file.fileno())
        except UnreadableMessageError:
            raise DiedError(self._how_it_ended()) from None
        except OSError as error:
            raise DiedError(f"{output}: cannot be written: {error.strerror}") from error

    def _send(self, message: object, content: IO[bytes] | None = None) -> None:
        """Send a message, and a file of the size that it tells."""
        assert self._process.stdin is not None
        try:
            with self._writing:
                write_message(self._process.stdin, message)
                if content is not None and isinstance(message, Request):
                    copy_bytes(content, self._process.stdin, message.size_bytes or 0)
        except OSError:
            raise DiedError(self._how_it_ended()) from None

    def _reply(self) -> Reply:
        """The next answer; notices are handed on."""
        while True:
            try:
                reply = read_message(self._output, Reply)
            except UnreadableMessageError as error:
                raise DiedError(str(error)) from error
            if reply is None:
                raise DiedError(self._how_it_ended())
            if reply.kind != "notice":
                return reply
            self._tell(shown_text(reply.text))

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _pass_noise(self) -> None:
        """Read up to the line with the token."""
        if self._standing.token is None:
            return
        read = 0
        for line in iter(lambda: self._output.readline(_MOST_NOISE), b""):
            read += len(line)
            if line.strip() == self._standing.token.encode():
                return
            if read > _MOST_NOISE:
                raise DiedError(f"it prints more than {_MOST_NOISE:,} bytes before its answer")
        raise DiedError(self._how_it_ended())

    def _how_it_ended(self) -> str:
        try:
            returncode = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its output and did not end"
        self._threads[0].join(_PATIENCE_SECONDS)
        return shown_text(self._standing.ended(returncode, self._errors.decode(errors="replace")))

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _collect_errors(self) -> None:
        assert self._process.stderr is not None
        while chunk := os.read(self._process.stderr.fileno(), 1 << 12):
            self._errors = (self._errors + chunk)[-_MOST_ERRORS:]

    def _renew_lease(self) -> None:
        """Send empty lines, between messages."""
        assert self._process.stdin is not None
        while not self._ended.wait(_SIGN_OF_LIFE_SECONDS):
            with self._writing, contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(b"\n")
                self._process.stdin.flush()
