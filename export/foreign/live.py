"""Networks that a Python caller holds, in an export: the archive of one, made in the caller's process."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from edgesr.export.foreign import child_process
from edgesr.export.options import ExportOptions
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress
from edgesr.sr_model.generators.foreign.archive import NOTES, Notes
from edgesr.sr_model.generators.foreign.live import Generator

_SOURCES = ("preset", "weights", "checkpoint", "module", "onnx", "peak", "multiple", "colour")


def split_source(
    source: ExportOptions | Generator, options: ExportOptions | None
) -> tuple[ExportOptions, Generator | None]:
    """The options and the live network; the network is None if the options name their source."""
    if isinstance(source, ExportOptions):
        if options is not None:
            raise InputError("give the options once: options= belongs to a Generator")
        return source, None
    if not isinstance(source, Generator):
        raise InputError(f"a {type(source).__name__}: give ExportOptions, or Generator(module) with a torch.nn.Module")
    options = ExportOptions() if options is None else options
    if given := [name for name in _SOURCES if getattr(options, name) is not None]:
        raise InputError(f"ExportOptions({', '.join(given)}): says which network to export, and a Generator is given")
    return options, source


def live_archive(generator: Generator, cache: StageCache, progress: Progress) -> Path:
    """The archive of a live network: made anew each time, and the same file as before where it computes the same."""
    import torch

    from edgesr.sr_model.generators.foreign.making import make_archive

    photograph = torch.from_numpy(child_process.probing_photograph())[None]
    with tempfile.TemporaryDirectory(prefix="edgesr-module-") as name:
        archive = Path(name) / child_process.FILE
        with warnings.catch_warnings(action="ignore"):  # of torch about the user's code, whose result is proven
            made = make_archive(
                archive,
                generator.built(),
                generator.title,
                photograph,
                scale=generator.scale,
                peak=generator.peak,
                multiple=generator.multiple,
                colour=generator.colour,
            )
        folder = cache.run(Stage("program", _keep), made.sha256, made.notes, archive.replace)
    child_process.tell_notes(folder, progress)
    return folder / child_process.FILE


def _keep(
    folder: Path,
    sha256: str,  # noqa: ARG001
    notes: tuple[str, ...],
    move_archive: Callable[[Path], object],
) -> None:
    """Keep an archive and its notes; ``sha256`` is of what it computes, which counts, and the file does not."""
    move_archive(folder / child_process.FILE)
    (folder / NOTES).write_text(to_json(Notes(notes)))
