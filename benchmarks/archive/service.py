"""One photograph after the other in an open session, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgesr.benchmarks.archive.messages import Reply, Settings
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError, MissingImagePackageError, MissingPackageError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.runtimes.upscaling.files import FileUpscaler


class Service:
    """Upscales as one run over a folder does; the session stays open. ``tell`` gets what the user is to know."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        bundle = open_bundle(Path(settings.bundle), verify="used")
        if settings.manifest_sha256 not in (None, bundle.manifest_sha256):
            raise InputError(f"{settings.bundle}: was replaced during the run; run the command again")

        def progress(event: ProgressEvent) -> None:
            if event.is_notice:
                tell(event.note)

        self._files = FileUpscaler(bundle, settings.options, settings.files, progress)

    def upscale(self, source: Path, target: Path) -> Reply:
        """Write the output of one photograph."""
        try:
            written = self._files.file(source, target)
        except EdgesrError as error:
            every = isinstance(error, MissingPackageError) and not isinstance(error, MissingImagePackageError)
            return Reply(kind="unable" if every else "failed", text=str(error))
        return Reply(
            kind="done",
            width=written.width,
            height=written.height,
            artifact=written.artifact,
            runtime=written.runtime,
        )
