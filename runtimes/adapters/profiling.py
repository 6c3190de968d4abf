"""Profile an artifact on one of its runtimes, or ask what runs its operators."""

from __future__ import annotations

from edgesr.runtimes.adapters.operator_profile import Execution, OperatorProfile
from edgesr.runtimes.adapters.registry import require_provider, runtime_for
from edgesr.runtimes.adapters.runtime import RunSettings, Runtime
from edgesr.runtimes.adapters.session import to_layout
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle


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
    """Profile an artifact on an LR image (3,h,w) of a size that it takes."""
    chosen = _runtime(artifact, runtime, provider)
    batch = to_layout(image, artifact.inputs[0].layout)
    settings = RunSettings(threads=threads, precision=artifact.precision, provider=provider)
    return chosen.profile(bundle.model_path(artifact), batch, settings, calls=calls)


def read_execution(
    bundle: Bundle,
    artifact: Artifact,
    image: Image,
    *,
    runtime: str,
    threads: int,
    provider: str | None = None,
) -> Execution | None:
    """What runs an artifact's operators, on an LR image (3,h,w) of a size that it takes; None where it is not told."""
    chosen = _runtime(artifact, runtime, provider)
    if chosen.execution is None:
        return None
    batch = to_layout(image, artifact.inputs[0].layout)
    settings = RunSettings(threads=threads, precision=artifact.precision, provider=provider)
    return chosen.execution(bundle.model_path(artifact), batch, settings)


def _runtime(artifact: Artifact, runtime: str, provider: str | None) -> Runtime:
    chosen = runtime_for(artifact, runtime)
    if provider is not None:
        require_provider(chosen, provider)
    return chosen
