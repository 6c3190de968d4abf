"""Options of upscaling an image, and of the files of a run."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import DEFAULT_MAX_MEGAPIXELS, SUFFIXES
from edgesr.runtimes.threads import require_threads
from edgesr.runtimes.upscaling.self_ensemble import ALL_EIGHT, SINGLE, Member

DEFAULT_MEMORY_BYTES = 256_000_000
DEFAULT_FOLDER_SUFFIX = ".png"


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """Options of `upscale`. ``memory_bytes`` bounds the memory of tiles at one time, without the image and its output;
    None is 256 MB, which a file of one fixed size may exceed.

    ``tile_size`` (h,w), in LR pixels, replaces the size that the memory allows. ``halo`` "field" puts the whole
    receptive field around every tile, instead of the halo that was measured to be enough. ``self_ensemble`` takes the
    mean over the eight flips and turns. ``provider`` is an execution provider of the runtime.
    """

    artifact_id: str | None = None
    runtime: str | None = None
    threads: int = 1
    memory_bytes: int | None = None
    tile_size: Size | None = None
    halo: str | None = None
    self_ensemble: bool = False
    provider: str | None = None

    def __post_init__(self) -> None:
        require_threads(self.threads)
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise InputError(f"memory is {self.memory_bytes} bytes: need more than 0")
        if self.tile_size is not None and min(self.tile_size) < 1:
            raise InputError(f"tile size {self.tile_size}: need at least 1 pixel a side")
        if self.halo not in (None, "field"):
            raise InputError(f"--halo {self.halo}: give field, for the receptive field, or leave it out")

    @property
    def members(self) -> tuple[Member, ...]:
        return ALL_EIGHT if self.self_ensemble else SINGLE


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options of the files of a run. ``quality`` is that of JPEG and WebP, 1 to 100; ``suffix`` is that of a
    folder's outputs; ``max_megapixels`` is the largest input that is decoded.
    """

    quality: int | None = None
    suffix: str = DEFAULT_FOLDER_SUFFIX
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS

    def __post_init__(self) -> None:
        if not self.max_megapixels > 0:
            raise InputError(f"--max-megapixels {self.max_megapixels}: give a number above 0")
        if self.suffix.lower() not in SUFFIXES:
            raise InputError(f"--suffix {self.suffix!r}: give one of {', '.join(SUFFIXES)}")
