"""A visit to the page: what it said, what it asked for, and what a visitor does there."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, FilePayload

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WAIT_MS = 120_000
_ENDED = "#work[hidden]"


class Visit:
    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.requested: list[str] = []
        context.on("request", lambda request: self._asked(request.url))
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, url: str) -> None:
        self.requested.append(url)
        if not url.startswith((self.url, f"blob:{self.url}")):
            self.foreign.append(url)

    def wait_until_opened(self) -> None:
        """Until the network is open, so that all its files were loaded."""
        self.page.wait_for_selector("body[data-opened]", state="attached")

    def choose(self, artifact: str) -> None:
        self.page.select_option("#artifact", artifact)

    def give(self, content: bytes | Path, name: str = "photograph.png") -> None:
        """Choose a file, without waiting for its picture."""
        data = content.read_bytes() if isinstance(content, Path) else content
        self.page.set_input_files("#file", FilePayload(name=name, mimeType="", buffer=data))

    def drop(self, content: bytes, *names: str) -> None:
        """Drop files of these names onto the page."""
        encoded = base64.b64encode(content).decode()
        self.page.evaluate(
            """([encoded, names]) => {
                const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
                const given = new DataTransfer();
                for (const name of names) given.items.add(new File([bytes], name));
                const how = { dataTransfer: given, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new DragEvent("drop", how));
            }""",
            [encoded, names],
        )

    def wait(self) -> None:
        """Until what was given is upscaled or refused."""
        self.page.wait_for_selector(_ENDED, state="attached")

    def text(self, element: str) -> str:
        return self.page.inner_text(f"#{element}")

    def saved(self, button: str = "save-png") -> Image.Image:
        """The file that a button saves."""
        with self.page.expect_download() as download:
            self.page.click(f"#{button}")
        picture = Image.open(io.BytesIO(download.value.path().read_bytes()))
        picture.info["name"] = download.value.suggested_filename
        return picture

    def call(self, function: str, *given: Any) -> Any:
        """The result of an async JavaScript function in the page."""
        return self.page.evaluate(function, list(given))

    def close(self) -> None:
        self.context.close()


def png(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    """An image as PNG: (h,w) grey, (h,w,3) RGB, (h,w,4) RGBA."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG", **options)
    return written.getvalue()
