"""Pages of the shared bundles, served on loopback, and Chromium to visit them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from edgesr.benchmarks.devices.browser.chromium import require_chromium
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.web.serving import FolderHandler, LoopbackServer
from edgesr.runtimes.web.site import write_site
from tests.benchmarks.web_app.visits import ARGUMENTS, Visit
from tests.helpers.browser.needs import require_browser

Visits = Callable[..., Visit]


class PlainHandler(FolderHandler):
    """A host that sets no headers."""

    def end_headers(self) -> None:
        SimpleHTTPRequestHandler.end_headers(self)


@contextmanager
def _served(folder: Path, handler: type[FolderHandler]) -> Iterator[str]:
    with LoopbackServer(partial(handler, folder=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def site(mobile_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the page of `mobile_bundle`."""
    folder = tmp_path_factory.mktemp("web") / "mobile"
    write_site(mobile_bundle, folder, app=require_browser().folder)
    with _served(folder, FolderHandler) as url:
        yield url


@pytest.fixture
def plain_site(mobile_bundle: Bundle, tmp_path: Path) -> Iterator[str]:
    """The page of `mobile_bundle` on a host that sets no headers."""
    write_site(mobile_bundle, tmp_path / "site", app=require_browser().folder, artifact="onnx-fp32-tile")
    with _served(tmp_path / "site", PlainHandler) as url:
        yield url


@pytest.fixture(scope="session")
def projection_site(projection_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the page of `projection_bundle`."""
    folder = tmp_path_factory.mktemp("web") / "projection"
    write_site(projection_bundle, folder, app=require_browser().folder)
    with _served(folder, FolderHandler) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    require_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(require_chromium()), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visits(chromium: Browser) -> Iterator[Visits]:
    """Opens pages of a URL; at the end none has said an error or asked another host for anything."""
    opened: list[Visit] = []

    def visit(url: str, *, width: int = 1280) -> Visit:
        opened.append(Visit(chromium.new_context(viewport={"width": width, "height": 844}), url))
        return opened[-1]

    yield visit
    for one in opened:
        one.close()
    assert [error for one in opened for error in one.errors] == []
    assert [request for one in opened for request in one.foreign] == []
