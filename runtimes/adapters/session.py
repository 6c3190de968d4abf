"""Open an artifact on a runtime and run images through it. Its package is imported on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from edgesr.runtimes.adapters.registry import require_provider, runtime_for
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, Layout
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.size_bounds import taken_sizes
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import is_text
from edgesr.runtimes.interface.distant import DistantSession
from edgesr.runtimes.interface.pooled import PooledSession
from edgesr.runtimes.interface.runtime import RunSettings, Session
from edgesr.runtimes.threads import require_threads
from edgesr.runtimes.wording import shown_text


@dataclass(frozen=True)
class CheckedSession:
    """A session whose every answer has ``scale`` times the height and width of its input.

    Some files accept another size than their own and still answer at the old one.
    """

    artifact: Artifact
    session: Session
    scale: int
    failures: tuple[type[Exception], ...] = ()

    def run(self, image: FloatArray) -> FloatArray:
        """Run as `Session.run` does; raises EdgesrError that names the artifact for a failure, or an answer of
        another shape.
        """
        with self._named_failures(image):
            output = self.session.run(image)
        return self._checked(image, output)

    def run_pooled(self, image: FloatArray, means: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Run as `PooledSession.run_pooled` does, with the same errors."""
        if not isinstance(self.session, PooledSession):
            raise EdgesrError(f"{self.artifact.id}: takes means of pooled features, which its runtime cannot pass on")
        with self._named_failures(image):
            output, sums = self.session.run_pooled(image, means, mask)
        return self._checked(image, output), sums

    @contextmanager
    def _named_failures(self, image: FloatArray) -> Iterator[None]:
        try:
            yield
        except self.failures as error:
            raise EdgesrError(
                f"{self.artifact.id}: its runtime failed on an input of {_shown(image.shape)}: {first_line(error)}; "
                "give smaller tiles or images, or export it again"
            ) from error

    def _checked(self, image: FloatArray, output: FloatArray) -> FloatArray:
        layout = self.artifact.outputs[0].layout
        height, width = _height_and_width(image.shape, self.artifact.inputs[0].layout)
        size = (self.scale * height, self.scale * width)
        channels = self.artifact.outputs[0].shape[1 if layout == "NCHW" else 3]
        expected = (1, channels, *size) if layout == "NCHW" else (1, *size, channels)
        if not isinstance(output, np.ndarray) or output.dtype != np.float32:
            raise EdgesrError(f"{self.artifact.id}: answers no float32 tensor; export it again")
        if output.shape != expected:
            raise EdgesrError(
                f"{self.artifact.id}: answers {_shown(output.shape)} to an input of {_shown(image.shape)}, not "
                f"{_shown(expected)}; give images of its own size, or export it again"
            )
        return output


@dataclass(frozen=True)
class CheckedDistantSession(CheckedSession):
    """A `CheckedSession` of a model that runs in another process."""

    session: DistantSession

    @property
    def load_ms(self) -> float:
        return self.session.load_ms

    def call_ms(self, image: FloatArray) -> float:
        """Time a call as `DistantSession.call_ms` does; raises EdgesrError that names the artifact for a failure."""
        with self._named_failures(image):
            return self.session.call_ms(image)

    def peak_rss_bytes(self) -> int:
        return self.session.peak_rss_bytes()


@dataclass(frozen=True)
class ImageSession:
    """An open artifact that takes and gives images (c,h,w), whatever layout the file has."""

    artifact: Artifact
    session: Session
    runtime: str

    def prepare(self, image: FloatArray) -> FloatArray:
        """(c,h,w) -> contiguous batch of one in the artifact's input layout; the size is checked."""
        if not self.artifact.fits((image.shape[1], image.shape[2]), self.runtime):
            wanted = taken_sizes(self.artifact.tile_size, self.artifact.bounds)
            raise InputError(
                f"{self.artifact.id} takes {wanted} (height x width), not {image.shape[1]}x{image.shape[2]}"
            )
        return to_layout(image, self.artifact.inputs[0].layout)

    def infer(self, image: FloatArray) -> FloatArray:
        """(c,h,w) -> (c,H,W): the SR image of a full graph, the residual of a tile graph."""
        return from_layout(self.session.run(self.prepare(image)), self.artifact.outputs[0].layout)

    def infer_pooled(
        self, image: FloatArray, means: FloatArray | None, mask: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """A tile graph's output (c,H,W) with given means (k,) of pooled features, and their sums (k,) under a mask
        (1,h,w). Without means it pools the image itself.
        """
        if not isinstance(self.session, PooledSession):
            raise EdgesrError(f"{self.artifact.id}: is no graph that pools")
        given = np.full(self.artifact.pooled, np.nan, dtype=np.float32) if means is None else means
        output, sums = self.session.run_pooled(self.prepare(image), given[None], mask[None])
        return from_layout(output, self.artifact.outputs[0].layout), sums[0]


def open_session(
    bundle: Bundle,
    artifact: Artifact,
    *,
    runtime: str | None = None,
    threads: int = 1,
    exact: bool = False,
    provider: str | None = None,
    shares_cores: bool = False,
) -> ImageSession:
    """Open an artifact on one of its runtimes (the first by default); its hash is checked just before loading.

    ``exact``: slow kernels that keep to the file's operators one by one, as a reference for the fast ones of this CPU.
    ``provider``: the runtime's execution provider to run it on, next to the CPU. ``shares_cores``: see `RunSettings`.
    """
    require_threads(threads)
    chosen = runtime_for(artifact, runtime or artifact.runtimes[0])
    if provider is not None:
        require_provider(chosen, provider)
    chosen.load()
    path = bundle.model_path(artifact)
    if not is_text(path):
        raise InputError(f"{path}: {chosen.title} opens no path that is not UTF-8; rename the folder")
    settings = RunSettings(
        threads=threads, precision=artifact.precision, exact=exact, provider=provider, shares_cores=shares_cores
    )
    failures = chosen.failures()
    try:
        session = chosen.open(path, settings)
    except failures as error:
        raise EdgesrError(
            f"{path}: {chosen.title} cannot open it: {first_line(error)}; export the bundle again, or install "
            f"{', '.join(f'{name} {version} or later' for name, version in artifact.least_runtime.items())}"
        ) from error
    return ImageSession(artifact, _checked(artifact, session, bundle.manifest.scale, failures), chosen.name)


def _checked(artifact: Artifact, session: Session, scale: int, failures: tuple[type[Exception], ...]) -> CheckedSession:
    if isinstance(session, DistantSession):
        return CheckedDistantSession(artifact, session, scale, failures)
    return CheckedSession(artifact, session, scale, failures)


def _height_and_width(shape: tuple[int, ...], layout: Layout) -> tuple[int, int]:
    return (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])


def first_line(error: Exception) -> str:
    """The first line of an exception's message, or its kind if it has none."""
    return shown_text(str(error).strip().split("\n", 1)[0] or type(error).__name__)


def _shown(shape: tuple[int | None, ...]) -> str:
    return "x".join(map(str, shape))


def to_layout(image: FloatArray, layout: Layout) -> FloatArray:
    """(c,h,w) -> (1,c,h,w) or (1,h,w,c), contiguous."""
    return np.ascontiguousarray(image if layout == "NCHW" else image.transpose(1, 2, 0))[None]


def from_layout(batch: FloatArray, layout: Layout) -> FloatArray:
    """(1,c,h,w) or (1,h,w,c) -> (c,h,w), a view."""
    image: FloatArray = batch[0] if layout == "NCHW" else batch[0].transpose(2, 0, 1)
    return image
