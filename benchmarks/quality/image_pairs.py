"""HR images of a folder, each with its LR image where there is one: found and decoded once before work starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import InputError, MissingImagePackageError
from edgesr.runtimes.images.image_io import SUFFIXES, list_images, read_rgb8
from edgesr.runtimes.wording import counted, printable

LEAST_HR_SIDE = 32


@dataclass(frozen=True)
class ImagePair:
    """An HR image and its LR file, None where LR is to be made from HR; sizes are height and width as decoded."""

    hr: Path
    hr_size: Size
    lr: Path | None
    lr_size: Size | None

    def size(self, scale: int) -> Size:
        """Height and width of LR at a scale; raises an InputError when the LR file has another size."""
        expected = (self.hr_size[0] // scale, self.hr_size[1] // scale)
        if self.lr_size not in (None, expected):
            assert self.lr is not None and self.lr_size is not None
            raise InputError(
                f"{self.lr}: {_text(self.lr_size)} pixels is not 1/{scale} of {self.hr.name}, {_text(self.hr_size)}; "
                f"give the LR images of scale {scale}, or HR images alone"
            )
        return expected


@dataclass(frozen=True, kw_only=True)
class SkippedImage:
    """A file of the folder that could not be used, and why."""

    image: str
    reason: str


@dataclass(frozen=True)
class ImageSet:
    """The content of a folder: at least one usable pair, and the files that were skipped."""

    folder: Path
    pairs: tuple[ImagePair, ...]
    skipped: tuple[SkippedImage, ...]


def read_image_set(folder: Path) -> ImageSet:
    """HR images directly in a folder, sorted by name; broken ones and those below 32x32 are skipped.

    A file ``*_HR.*`` is paired with the image of the same name with ``_LR``, next to it or in a sub-folder whose name
    starts with LR; any other image is HR without LR.
    """
    files = [file for file in list_images(folder) if not file.stem.endswith("_LR")]
    if not files:
        raise InputError(f"{folder}: holds LR images (*_LR) alone; put the HR images (*_HR) beside them")
    lr_files = _lr_files(folder)
    pairs: list[ImagePair] = []
    skipped: list[SkippedImage] = []
    for file in files:
        lr = lr_files.get(f"{file.stem.removesuffix('_HR')}_LR") if file.stem.endswith("_HR") else None
        try:
            pairs.append(_read_pair(file, lr))
        except (InputError, MissingImagePackageError) as error:
            reason = str(error).removeprefix(f"{file}: ")
            skipped.append(SkippedImage(image=printable(file.name), reason=printable(reason)))
    if not pairs:
        first = skipped[0]
        raise InputError(
            f"{folder}: holds {counted(len(files), 'HR image')} and none can be used; give others. "
            f"{first.image}: {first.reason}"
        )
    return ImageSet(folder, tuple(pairs), tuple(skipped))


def _lr_files(folder: Path) -> dict[str, Path]:
    """LR images by stem; those next to HR come before those in sub-folders."""
    folders = [folder, *sorted(p for p in folder.iterdir() if p.is_dir() and p.name.startswith("LR"))]
    files = (file for place in reversed(folders) for file in sorted(place.iterdir()))
    return {file.stem: file for file in files if file.stem.endswith("_LR") and file.suffix.lower() in SUFFIXES}


def _read_pair(file: Path, lr: Path | None) -> ImagePair:
    hr_size = _decoded_size(file)
    if min(hr_size) < LEAST_HR_SIDE:
        raise InputError(f"{file}: {_text(hr_size)} pixels is too small, each side needs at least {LEAST_HR_SIDE}")
    return ImagePair(file, hr_size, lr, _decoded_size(lr) if lr else None)


def _decoded_size(file: Path) -> Size:
    height, width, _ = read_rgb8(file).shape
    return height, width


def _text(size: Size) -> str:
    return f"{size[1]}x{size[0]}"
