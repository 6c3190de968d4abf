"""Checkpoints of others in an export: the archive of one whose architecture spandrel recognises."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.foreign import child_process
from edgesr.export.options import ExportOptions
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.progress import Progress
from edgesr.sr_model.generators.recognised import UnknownNetworkError, require_spandrel


def own_or_recognised(options: ExportOptions, cache: StageCache, progress: Progress) -> Path:
    """The checkpoint itself where it is edgesr's or a published one, else the archive of what spandrel recognises."""
    checkpoint = options.source()
    try:
        _ = StageRunner(cache, checkpoint, progress).config
    except UnknownNetworkError as error:
        require_spandrel(error)
        folder = cache.run(Stage("recognise", child_process.recognise), checkpoint)
        child_process.tell_notes(folder, progress)
        return folder / child_process.FILE
    return checkpoint
