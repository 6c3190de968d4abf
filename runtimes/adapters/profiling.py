"""Profile an artifact on one of its runtimes, or ask what runs its operators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgesr.runtimes.adapters.registry import require_provider, runtime_for
from edgesr.runtimes.adapters.session import first_line, to_layout
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import Execution, OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime


def profile_operators(
    bundle: Bundle,
    artifact: Artifact,
    image: Image,
    *,
    runtime: str,
    threads: int,
    calls: int,
    provider: str | None = None,
) -> OperatorProfile:
    """Profile an artifact on an LR image (3,h,w) of a size that it takes; raises an EdgesrError that names it and
    its runtime where that fails.
    """
    chosen = _runtime(artifact, runtime, provider)
    batch = to_layout(image, artifact.inputs[0].layout)
    settings = RunSettings(threads=threads, precision=artifact.precision, provider=provider)
    path = bundle.model_path(artifact)
    with _named_failures(artifact, chosen):
        return chosen.profile(path, batch, settings, calls=calls)


def read_execution(
    bundle: Bundle,
    artifact: Artifact,
    image: Image,
    *,
    runtime: str,
    threads: int,
    provider: str | None = None,
) -> Execution | None:
    """The providers or delegates that run an artifact's operators, on an LR image (3,h,w) of a size that it takes; None
    if the runtime does not tell.

    Where the runtime fails, there are no parts and the warning says why: what was measured before is not lost by it.
    """
    chosen = _runtime(artifact, runtime, provider)
    if chosen.execution is None:
        return None
    batch = to_layout(image, artifact.inputs[0].layout)
    settings = RunSettings(threads=threads, precision=artifact.precision, provider=provider)
    path = bundle.model_path(artifact)
    try:
        with _named_failures(artifact, chosen):
            return chosen.execution(path, batch, settings)
    except EdgesrError as error:
        return Execution(parts=(), warning=f"what runs its operators is not known: {error}")


@contextmanager
def _named_failures(artifact: Artifact, chosen: Runtime) -> Iterator[None]:
    """Raise an EdgesrError for what a runtime raises, also where it cannot write its profile."""
    failures: tuple[type[Exception], ...] = (*chosen.failures(), OSError)
    try:
        yield
    except failures as error:
        raise EdgesrError(f"{artifact.id}: {chosen.title} failed while it was profiled: {first_line(error)}") from error


def _runtime(artifact: Artifact, runtime: str, provider: str | None) -> Runtime:
    chosen = runtime_for(artifact, runtime)
    if provider is not None:
        require_provider(chosen, provider)
    return chosen
