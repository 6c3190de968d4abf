"""Questions to a page and its answers. The page asks a server on loopback for them, which serves the page, too."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from edgesr.benchmarks.devices.browser.framing import LARGEST_MESSAGE_BYTES, packed, unpacked
from edgesr.runtimes.json_file import JsonError
from edgesr.runtimes.web.serving import FolderHandler, LoopbackServer

POLL_SECONDS = 15.0
"""How long a page waits for a question before it asks again."""
_LOOK_SECONDS = 0.1


class PageError(RuntimeError):
    """The page answered that something failed."""


class PageEndedError(Exception):
    """The page is no more: its process crashed, or it gives no sign of life."""


class PageHungError(Exception):
    """The page lives, and has not answered in time."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds until an answer is too late, and until a page without a sign of life has ended."""

    answer_seconds: float = 300.0
    silence_seconds: float = 60.0


class Channel:
    """One page's questions and answers; ``token`` is known to it alone. ``why_ended`` tells whether its process has."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.token = secrets.token_urlsafe(24)
        self.why_ended: Callable[[], str | None] = lambda: None
        self._patience = patience or Patience()
        self._questions: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._seen = time.monotonic()
        self._asked = 0

    def ask(self, question: Mapping[str, Any], payload: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """The page's answer. A PageError is its own; a PageEndedError or a PageHungError is where there is none."""
        self._asked += 1
        self.sign_of_life()
        self._questions.put(packed({"id": self._asked, **question}, payload))
        message = self._answer()
        try:
            answer, content = unpacked(message)
        except JsonError as error:
            raise PageEndedError(f"the page's answer {error}") from error
        if answer.get("id") != self._asked:
            raise PageEndedError("the page answered another question")
        if "error" in answer:
            raise PageError(str(answer["error"]))
        return answer, content

    def sign_of_life(self) -> None:
        """The page was heard of."""
        self._seen = time.monotonic()

    def next_question(self) -> bytes | None:
        """The next question for the page; None if there was none in a while."""
        try:
            return self._questions.get(timeout=POLL_SECONDS)
        except queue.Empty:
            return None

    def put_answer(self, message: bytes) -> None:
        """Take an answer that the page sent."""
        self._answers.put(message)

    def _answer(self) -> bytes:
        began = time.monotonic()
        while True:
            try:
                return self._answers.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._require_hope(began)

    def _require_hope(self, began: float) -> None:
        now, patience = time.monotonic(), self._patience
        if (why := self.why_ended()) is not None:
            raise PageEndedError(why)
        if now - self._seen > patience.silence_seconds:
            raise PageEndedError(f"the page gave no sign of life for {patience.silence_seconds:g} s")
        if now - began > patience.answer_seconds:
            raise PageHungError(f"the page gave no answer in {patience.answer_seconds:g} s")


class _Handler(FolderHandler):
    """Files of the app, and the channel, for who knows its token."""

    channel: Channel

    def __init__(self, *given: Any, channel: Channel, folder: Path) -> None:
        self.channel = channel
        super().__init__(*given, folder=folder)

    def do_GET(self) -> None:
        if urlsplit(self.path).path != "/questions":
            super().do_GET()
        elif self._admitted():
            question = self.channel.next_question()
            self.answer(HTTPStatus.NO_CONTENT if question is None else HTTPStatus.OK, question or b"")

    def do_POST(self) -> None:
        path, size = urlsplit(self.path).path, self.headers.get("Content-Length", "")
        if not self._admitted():
            return
        if path not in ("/answers", "/beats") or not size.isdecimal():
            self.answer(HTTPStatus.BAD_REQUEST)
        elif int(size) > LARGEST_MESSAGE_BYTES:
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            content = self.rfile.read(int(size))
            if path == "/answers":
                self.channel.put_answer(content)
            self.answer(HTTPStatus.NO_CONTENT)

    def _admitted(self) -> bool:
        """Whether the request has the token; it is refused otherwise."""
        given = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
        admitted = self.host_is_ours() and secrets.compare_digest(given.encode(), self.channel.token.encode())
        if admitted:
            self.channel.sign_of_life()
        else:
            self.answer(HTTPStatus.FORBIDDEN)
        return admitted


@contextmanager
def served_channel(channel: Channel, folder: Path) -> Iterator[str]:
    """The URL of the page that answers, until the end of a block; ``folder`` is the built app."""
    with LoopbackServer(partial(_Handler, channel=channel, folder=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True).start()
        try:
            yield f"{server.url}device.html?token={channel.token}"
        finally:
            server.shutdown()
