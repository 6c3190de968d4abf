"""The file that the stages of an export read, whatever the user gave."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.foreign.live import live_archive
from edgesr.export.foreign.recognised import own_or_recognised
from edgesr.export.foreign.source import cached_archive
from edgesr.export.options import ExportOptions
from edgesr.export.stages.cache import StageCache
from edgesr.runtimes.progress import Progress
from edgesr.sr_model.generators.foreign.live import Generator


def generator_file(options: ExportOptions, live: Generator | None, cache: StageCache, progress: Progress) -> Path:
    """A checkpoint of edgesr or a published one, or the archive of another network: live, of a file, or recognised."""
    if live is not None:
        return live_archive(live, cache, progress)
    if options.is_foreign:
        return cached_archive(options, cache, progress)
    return own_or_recognised(options, cache, progress)
