"""The upscaler of a cluster's node: photographs come and outputs go as bytes, so that nodes need not share files."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from edgesr.benchmarks.archive.messages import Reply, Settings
from edgesr.benchmarks.archive.service import Service
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.import_closure import import_closure

ACTOR = "edgesr.benchmarks.archive.actor"


def code_digest() -> str:
    """A digest of all code that an actor runs: both sides must have the same one."""
    sources = sorted(import_closure(ACTOR).sources.items())
    return hashlib.sha256(repr(sources).encode()).hexdigest()


class Actor:
    """One per worker process of the cluster. Its files are in a folder of its own, which `close` deletes; those of
    actors that were killed go when the next one is opened.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir()) / f"{_prefix()}{os.getpid()}"
        self._notices: list[str] = []

    def code(self) -> str:
        """See `code_digest`."""
        return code_digest()

    def open(self, settings: Settings, archive: bytes) -> Reply:
        """Unpack the bundle, a .tar.gz, and make ready."""
        _sweep()
        self._folder.mkdir(mode=0o700)
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(self._folder / "bundle", filter="data")
        try:
            own = replace(settings, bundle=str(self._folder / "bundle"))
            self._service = Service(own, self._notices.append)
        except EdgesrError as error:
            return Reply(kind="unable", text=str(error))
        return Reply(kind="ready")

    def upscale(self, names: tuple[str, str], content: bytes) -> tuple[Reply, bytes, list[str]]:
        """The answer for a photograph, its output, and what the user is to know. ``names``: of both files, as in the
        answer's text.
        """
        source, target = (self._folder / name for name in names)
        source.write_bytes(content)
        reply = self._service.upscale(source, target)
        output = target.read_bytes() if reply.kind == "done" else b""
        source.unlink()
        target.unlink(missing_ok=True)
        told, self._notices[:] = list(self._notices), []
        return replace(reply, text=reply.text.replace(f"{self._folder}/", "")), output, told

    def close(self) -> None:
        """Delete its files."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _prefix() -> str:
    return f"edgesr-actor-{platform.node()}-"


def _sweep() -> None:
    """Delete the folders of processes of this user that are gone."""
    for old in Path(tempfile.gettempdir()).glob(f"{_prefix()}*"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(old.name.removeprefix(_prefix()))}").exists():
                shutil.rmtree(old, ignore_errors=True)
