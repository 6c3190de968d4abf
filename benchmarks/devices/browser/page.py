"""A page of headless Chromium that opens model files and runs them, in a worker of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edgesr.benchmarks.devices.browser.channel import Channel, PageEndedError, Patience, served_channel
from edgesr.benchmarks.devices.browser.chromium import Chromium, require_chromium, running_chromium
from edgesr.benchmarks.devices.browser.engine import Engine
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import OtherSystemError
from edgesr.runtimes.interface.runtime import RunSettings


@dataclass
class Page:
    """Starts when it is first used, so that it keeps to the cores of this process; ends with a block.

    ``app`` is the built app, ``folder`` is for Chromium's own files, ``engine`` what computes.
    """

    app: Path
    folder: Path
    engine: Engine
    patience: Patience = field(default_factory=Patience)
    _channel: Channel | None = None
    _chromium: Chromium | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def ask(self, question: dict[str, Any], payload: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Ask the page, as `Channel.ask` does."""
        if self._channel is None:
            self._channel = self._started()
        return self._channel.ask(question, payload)

    def peak_rss_bytes(self) -> int:
        """Highest resident memory of the process that shows the page."""
        found = 0 if self._chromium is None else self._chromium.peak_rss_bytes()
        if found == 0:
            raise PageEndedError("no process shows the page any more")
        return found

    def _started(self) -> Channel:
        """The channel to a new page; raises an OtherSystemError where Chromium lacks what the engine needs."""
        channel = Channel(self.patience)
        url = self._stack.enter_context(served_channel(channel, self.app))
        running = running_chromium(require_chromium(), url, folder=self.folder, options=self.engine.options)
        self._chromium = self._stack.enter_context(running)
        channel.why_ended = self._chromium.why_ended
        features, _ = channel.ask({"do": "features"})
        if (missing := self.engine.why_missing(features)) is not None:
            raise OtherSystemError(missing)
        return channel


@dataclass
class PageSession:
    """A model file that a page opened; as `DistantSession`."""

    page: Page
    number: int
    load_ms: float

    def run(self, image: FloatArray) -> FloatArray:
        answer, content = self.page.ask(self._question(image, wants_output=True), image.tobytes())
        output: FloatArray = np.frombuffer(content, dtype="<f4").reshape(answer["shape"])
        return output

    def call_ms(self, image: FloatArray) -> float:
        answer, _ = self.page.ask(self._question(image, wants_output=False), image.tobytes())
        return float(answer["ms"])

    def peak_rss_bytes(self) -> int:
        return self.page.peak_rss_bytes()

    def _question(self, image: FloatArray, *, wants_output: bool) -> dict[str, Any]:
        return {"do": "run", "session": self.number, "shape": list(image.shape), "output": wants_output}


def open_in_page(page: Page, runtime: str, path: Path, settings: RunSettings) -> PageSession:
    """Open a verified model file on a runtime of the app."""
    question = {
        "do": "open",
        "runtime": runtime,
        "backend": page.engine.backend,
        "threads": settings.threads,
    }
    answer, _ = page.ask(question, path.read_bytes())
    return PageSession(page, int(answer["session"]), float(answer["ms"]))
