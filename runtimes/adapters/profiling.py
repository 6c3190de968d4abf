"""Profile an artifact on one of its runtimes."""

from __future__ import annotations

from edgesr.runtimes.adapters.operator_profile import OperatorProfile
from edgesr.runtimes.adapters.registry import runtime_for
from edgesr.runtimes.adapters.runtime import RunSettings
from edgesr.runtimes.adapters.session import to_layout
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle


def profile_operators(
    bundle: Bundle, artifact: Artifact, image: Image, *, runtime: str, threads: int, calls: int
) -> OperatorProfile:
    """Profile an artifact on an LR image (3,h,w) of a size that it takes."""
    chosen = runtime_for(artifact, runtime)
    batch = to_layout(image, artifact.inputs[0].layout)
    settings = RunSettings(threads=threads, precision=artifact.precision)
    return chosen.profile(bundle.model_path(artifact), batch, settings, calls=calls)
