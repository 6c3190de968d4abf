"""A page that is no browser: a thread that speaks the page's side of the protocol, and misbehaves as it is told."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgesr.benchmarks.devices.browser.channel import Channel, Patience, served_channel
from edgesr.benchmarks.devices.browser.framing import packed, unpacked

Answer = Callable[[dict[str, Any], bytes], bytes | None]
"""From a question and its bytes to a message; None: the page never answers."""


@dataclass
class FakePage:
    """A client that talks to the server of a channel, as a page does."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def _place(self) -> tuple[str, str]:
        parts = urlsplit(self.url)
        return parts.netloc, parts.query

    def request(
        self, method: str, path: str, body: bytes | None = None, *, query: str | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of an answer."""
        place, own = self._place
        connection = http.client.HTTPConnection(place, timeout=30)
        try:
            connection.request(method, f"{path}?{own if query is None else query}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def live(self, answer: Answer) -> None:
        """Take questions until one is not answered, or the server has ended."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self._live(answer)

    def _live(self, answer: Answer) -> None:
        while True:
            status, message, _ = self.request("GET", "/questions")
            if status != 200:
                continue
            question, payload = unpacked(message)
            self.asked.append(question)
            told = answer(question, payload)
            if told is None:
                return
            self.request("POST", "/answers", told)


def echoed(question: dict[str, Any], payload: bytes) -> bytes:
    """An answer that has the question's bytes."""
    return packed({"id": question["id"], "shape": question.get("shape"), "ms": 1.5, "session": 0}, payload)


def refused(question: dict[str, Any], _: bytes) -> bytes:
    return packed({"id": question["id"], "error": "no kernel of that name"})


@contextmanager
def fake_page(
    folder: Path, answer: Answer | None, *, patience: Patience | None = None
) -> Iterator[tuple[Channel, FakePage]]:
    """A channel, and a page that answers so in a thread of its own; None: no page lives."""
    channel = Channel(patience)
    with served_channel(channel, folder) as url:
        page = FakePage(url)
        if answer is not None:
            threading.Thread(target=page.live, args=(answer,), daemon=True).start()
        yield channel, page


def message_of(head: object) -> bytes:
    """A message with any JSON as its head."""
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text
