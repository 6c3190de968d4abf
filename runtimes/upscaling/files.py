"""Upscale an image file, or every image of a folder, with a bundle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.contract import COLOUR_TEXTS
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError, MissingImagePackageError, MissingPackageError
from edgesr.runtimes.files import require_creatable
from edgesr.runtimes.images.colour_bleeding import bleed_colours
from edgesr.runtimes.images.image_io import list_images, read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.picture_writer import check_output_format, holds_alpha
from edgesr.runtimes.images.strips import StripPicture, opened_in_strips
from edgesr.runtimes.images.writing import WritingWay, opened_writer, way_of_writing
from edgesr.runtimes.images.writing_time import writing_seconds
from edgesr.runtimes.progress import Progress, ProgressEvent, notice, silent
from edgesr.runtimes.upscaling.folders.journal import FolderJournal
from edgesr.runtimes.upscaling.folders.occupied import occupied
from edgesr.runtimes.upscaling.folders.output_names import output_names, refuse_outputs_that_are_sources
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import FolderReport, PlannedImage, Written
from edgesr.runtimes.upscaling.plan import UpscalePlan, check_choice
from edgesr.runtimes.upscaling.upscale import Upscaler
from edgesr.runtimes.wording import counted


@dataclass(frozen=True)
class FolderRun:
    """The images (source, output) that a run is to write, how many an earlier one wrote, and the hidden folder
    ``work`` for what is not finished.
    """

    pending: tuple[tuple[Path, Path], ...]
    done_before: int
    journal: FolderJournal
    work: Path


class FileUpscaler:
    """Reads, upscales and writes files with one bundle. ``upscaler`` with the same bundle and options: to watch it."""

    def __init__(
        self,
        bundle: Bundle,
        options: UpscaleOptions,
        files: FileOptions,
        progress: Progress = silent,
        *,
        upscaler: Upscaler | None = None,
    ) -> None:
        self._bundle, self._options, self._files, self._progress = bundle, options, files, progress
        self._scale = bundle.manifest.scale
        self._upscaler = upscaler or Upscaler(bundle, options, progress)
        self._told = bundle.manifest.colour == "rgb"

    def file(self, source: Path, target: Path) -> Written:
        """Upscale one image to a file of the format that its suffix names; the source itself is never replaced."""
        with _named_failures(source):
            picture = self._read(source, target)
            way = way_of_writing(target, picture, scale=self._scale)
            plan = self._plan(source, picture, way)
            tile_rows, quality = plan.grid.tile_size[0], self._files.quality
            with opened_writer(target, picture, scale=self._scale, quality=quality, tile_rows=tile_rows) as writer:
                self._upscaler.run(picture.pixels, writer.put, source.name, plan=plan, restart=writer.restart)
        height, width = (side * self._scale for side in picture.size)
        return Written(target, width, height, plan.artifact.id, plan.runtime)

    def folder(self, source: Path, target: Path) -> FolderReport:
        """Upscale all images of a folder into another; a run that was interrupted goes on where it stopped.

        An image that cannot be read, upscaled or written is reported at the end and does not stop the others; a runtime
        that is not installed does.
        """
        with self.begun(source, target) as run:
            written: list[Written] = []
            failures: list[str] = []
            for done, (file, output) in enumerate(run.pending):
                self._progress(ProgressEvent("images", done, len(run.pending), file.name))
                with self._collected(failures):
                    written.append(self.file(file, output))
                    run.journal.add(file, output)
            self._progress(ProgressEvent("images", len(run.pending), len(run.pending)))
            if not failures:
                run.journal.remove()
        return FolderReport(tuple(written), run.done_before, tuple(failures))

    @contextmanager
    def begun(self, source: Path, target: Path) -> Iterator[FolderRun]:
        """A run over a folder, which nobody else may write into until the end of the block."""
        pairs = self.pairs(source, target)
        with occupied(target) as work:
            journal = self._journal(target)
            pending = tuple((file, output) for file, output in pairs if journal.output_of(file) is None)
            if done := len(pairs) - len(pending):
                notice(self._progress, f"{target}: going on, done already: {done} of {counted(len(pairs), 'image')}")
            yield FolderRun(pending, done, journal, work)

    def planned(self, source: Path, target: Path) -> Iterator[PlannedImage | str]:
        """The plan of every image, without writing anything; for an image of a folder that cannot be upscaled, the
        reason.
        """
        if not source.is_dir():
            yield self._planned(source, target)
            return
        for file, output in self.pairs(source, target):
            failures: list[str] = []
            with self._collected(failures):
                yield self._planned(file, output, in_folder=True)
            yield from failures

    def _planned(self, source: Path, target: Path, *, in_folder: bool = False) -> PlannedImage:
        with _named_failures(source):
            picture = self._read(source, target, in_folder=in_folder)
            way = way_of_writing(target, picture, scale=self._scale)
            plan = self._plan(source, picture, way)
            seconds = self._seconds(picture, target, plan, streamed=way.streamed)
        height, width = (side * self._scale for side in picture.size)
        return PlannedImage(
            source=source,
            target=target,
            plan=plan,
            width=width,
            height=height,
            memory_bytes=plan.memory_bytes,
            image_bytes=picture.held_bytes + way.held_bytes,
            ways=f"{picture.reading}, {way.description}",
            seconds=seconds,
        )

    def _seconds(self, picture: Picture | StripPicture, target: Path, plan: UpscalePlan, *, streamed: bool) -> float:
        """The network and the encoder; where rows are written meanwhile the slower one, and the last row of tiles."""
        tiles = plan.grid.pixels / math.prod(plan.grid.tile_size)
        network = self._upscaler.seconds_per_tile(plan) * tiles * len(plan.members) * plan.passes
        quality = self._files.quality
        writing = writing_seconds(picture, target.suffix, scale=self._scale, quality=quality, streamed=streamed)
        if not streamed:
            return network + writing
        last = plan.grid.rows[-1]
        return max(network, writing) + writing * (last.keep_stop - last.keep_start) / plan.size[0]

    def pairs(self, source: Path, target: Path) -> list[tuple[Path, Path]]:
        """The images of a folder and where each is written, see `output_names`: never one of the images themselves."""
        files = list_images(source)
        if target.exists() and not target.is_dir():
            raise InputError(f"{target}: is a file; give a folder to write the images of {source} into")
        if target.exists() and target.samefile(source):
            raise InputError(f"{target}: is the folder of the images; give another one to write into")
        if self._bundle.holds(target):
            raise InputError(f"{target}: is inside the bundle; give another folder to write into")
        require_creatable(target)
        check_choice(self._bundle, self._options)
        journal = self._journal(target)
        kept = {file.name: output.name for file in files if (output := journal.output_of(file)) is not None}
        names = output_names([file.name for file in files], self._files.suffix, kept=kept)
        pairs = [(file, target / names[file.name]) for file in files]
        refuse_outputs_that_are_sources(pairs)
        place = existing_place(target / f"image{self._files.suffix}")
        check_output_format(place, (1, 1), scale=self._scale, quality=self._files.quality)
        return pairs

    def _journal(self, target: Path) -> FolderJournal:
        return FolderJournal(target, self._bundle, self._options, self._files)

    @contextmanager
    def _collected(self, failures: list[str]) -> Iterator[None]:
        """Tell and append an error that costs one image of a folder alone; raise every other one."""
        try:
            yield
        except EdgesrError as error:
            if isinstance(error, MissingPackageError) and not isinstance(error, MissingImagePackageError):
                raise
            failures.append(str(error))
            notice(self._progress, str(error))

    def _read(self, source: Path, target: Path, *, in_folder: bool = False) -> Picture | StripPicture:
        """The picture, in strips where it is large and nothing needs the whole.

        On white where the target holds no alpha: the network then sees what is shown, edges included. Colour and alpha
        upscaled apart and laid on white afterwards would keep the soft edge of bilinear alpha.
        """
        refuse_outputs_that_are_sources([(source, target)])
        picture = self._in_strips(source) or read_picture(source, max_megapixels=self._files.max_megapixels)
        place = existing_place(target) if in_folder else target
        check_output_format(place, picture.size, scale=self._scale, quality=self._files.quality)
        self._tell_of_colours(picture)
        if isinstance(picture, StripPicture):
            return picture
        return bleed_colours(picture if holds_alpha(target) else picture.on_white())

    def _in_strips(self, source: Path) -> StripPicture | None:
        """A self-ensemble turns the image, and one that has to be extended is extended as a whole."""
        if self._options.self_ensemble:
            return None
        picture = opened_in_strips(source, max_megapixels=self._files.max_megapixels)
        return picture if picture is not None and self._upscaler.takes_size(picture.size) else None

    def _tell_of_colours(self, picture: Picture | StripPicture) -> None:
        """A notice at the first colour picture for a network of one channel."""
        if not (self._told or picture.grey):
            self._told = True
            notice(self._progress, f"{self._bundle.root}: {COLOUR_TEXTS[self._bundle.manifest.colour]}")

    def _plan(self, source: Path, picture: Picture | StripPicture, way: WritingWay) -> UpscalePlan:
        try:
            if not way.streamed:
                return self._upscaler.plan(picture.size, row_bytes=picture.row_bytes)
            held = picture.held_bytes + way.held_bytes
            return self._upscaler.plan(
                picture.size,
                row_bytes=picture.row_bytes + way.row_bytes,
                held_bytes=held,
                halve_last_row=way.slow,
            )
        except InputError as error:
            raise InputError(f"{source}: {error}") from error


@contextmanager
def _named_failures(source: Path) -> Iterator[None]:
    """Failures of the file system or of memory while an image is worked on become InputErrors that name it."""
    try:
        yield
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        raise InputError(f"{source}: cannot be upscaled: {place}{error.strerror or error}") from error
    except MemoryError as error:
        raise InputError(
            f"{source}: too large for the memory of this machine; give a smaller image, or less --memory"
        ) from error


def existing_place(target: Path) -> Path:
    """The nearest folder above a file that exists: there the file can be checked before its own folder is made."""
    return next(p for p in target.absolute().parents if p.is_dir()) / target.name
