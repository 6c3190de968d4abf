"""A folder served on loopback, with the headers that threads of WebAssembly need."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from edgesr.runtimes.errors import InputError

LOOPBACK = "127.0.0.1"
HTTP_PORT = 80
"""Browsers leave it out of the name of a server."""
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of all answers: pages without them have no memory that threads share."""
_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}


class LoopbackServer(ThreadingHTTPServer):
    """A server that this machine alone reaches, on any free port unless one is given; raises an InputError for one
    in use.
    """

    daemon_threads = True

    def __init__(self, handler: Callable[..., FolderHandler], port: int = 0) -> None:
        try:
            super().__init__((LOOPBACK, port), handler)
        except OSError as error:
            raise InputError(f"port {port}: cannot be used: {error.strerror or error}; give another --port") from error

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/"


class FolderHandler(SimpleHTTPRequestHandler):
    """Files of a folder, for those who address this server by its own name."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | _TYPES

    def __init__(self, *given: Any, folder: Path) -> None:
        super().__init__(*given, directory=str(folder))

    def do_GET(self) -> None:
        if self.host_is_ours():
            super().do_GET()
        else:
            self.answer(HTTPStatus.FORBIDDEN)

    def do_HEAD(self) -> None:
        if self.host_is_ours():
            super().do_HEAD()
        else:
            self.answer(HTTPStatus.FORBIDDEN)

    def host_is_ours(self) -> bool:
        """Whether the request names loopback: a page of others whose name leads here does not."""
        return names_loopback(self.headers.get("Host"), self.connection.getsockname()[1])

    def answer(self, status: HTTPStatus, content: bytes = b"") -> None:
        """An answer of bytes; one that refuses ends the connection, whose request may not have been read."""
        if status >= HTTPStatus.BAD_REQUEST:
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self) -> None:
        for name, value in ISOLATION.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 - no folder is listed
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, *_: Any) -> None:
        """Log nothing: requests are not for the terminal."""


def names_loopback(host: str | None, port: int) -> bool:
    """Whether the header `Host` of a request to this port names loopback."""
    names = (LOOPBACK, "localhost")
    return host in [f"{name}:{port}" for name in names] or (port == HTTP_PORT and host in names)


def folder_server(folder: Path, port: int) -> LoopbackServer:
    """A server of a folder, which `serve_forever` starts; a block closes it."""
    return LoopbackServer(partial(FolderHandler, folder=folder), port)
