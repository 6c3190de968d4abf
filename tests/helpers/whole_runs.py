"""Whole runs to compare tiles with: images run in one call of a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.adapters import mnn
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.adapters.session import ImageSession, open_session
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.noise_level import noise_level
from edgesr.runtimes.glue.projection import apply_residual, projection_factor, square_sum

RUNTIMES_HERE = [name for name, runtime in RUNTIMES.items() if runtime.why_not_here is None]
"""Those that can run on this system: tests of what runtimes compute are over these."""

_open: dict[tuple[Path, str, str], ImageSession] = {}
_projected: dict[tuple[Path, int, int], NDArray[np.uint8]] = {}


def artifact_of(bundle: Bundle, runtime: str, graph: str) -> Artifact:
    """The first artifact of a runtime and kind of graph that is exact at an image's border."""
    found = [a for a in bundle.manifest.artifacts if runtime in a.runtimes and not a.inside_only]
    if runtime == "ncnn" and graph == "full" and bundle.manifest.glue.noise_level is not None:
        assert {a.graph for a in found} == {"tile"}
        pytest.skip("ncnn has no operator for the median of the projection's noise level")
    return next(a for a in found if a.graph == graph)


def compute_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNN's sessions do, whose fast kernels have a tolerance of their own: what is compared is how images are cut."""
    monkeypatch.setattr(mnn, "_LARGEST_BLOCKS", mnn._SMALL_BLOCKS)


def fixture_for(name: str, request: pytest.FixtureRequest) -> str:
    """The fixture like ``name`` with files of the runtime that is a parameter of a test, where it has one."""
    callspec = getattr(request.node, "callspec", None)
    runtime = None if callspec is None else callspec.params.get("runtime")
    return f"{runtime}_{name}" if runtime == "executorch" and name != "quantized_bundle" else name


def run_whole(bundle: Bundle, image: Image, *, runtime: str = "ort", graph: str = "tile") -> Image:
    """(3,h,w) -> (3,s*h,s*w) by one call of a full graph, or of a tile graph and the glue."""
    output = _session(bundle, runtime, graph).infer(np.ascontiguousarray(image))
    if graph == "full":
        return output
    return apply_residual(image, output, scale=bundle.manifest.scale, glue=bundle.manifest.glue)


def factor(bundle: Bundle, pixels: NDArray[np.generic]) -> float:
    """The projection's k of a whole image (h,w,3); 1 without a projection."""
    lr, glue = channels_first(pixels), bundle.manifest.glue
    if glue.alpha is None:
        return 1.0
    residual = _session(bundle, "ort", "tile").infer(lr)
    sigma = noise_level(upsample_bilinear(lr, bundle.manifest.scale))
    return projection_factor(square_sum(residual), residual.size, sigma=sigma, alpha=glue.alpha)


def projected(bundle: Bundle, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A photograph so much over-exposed that its k is between 0.2 and 0.8; as it is without a projection."""
    if bundle.manifest.glue.alpha is None:
        return exposed("astronaut", size)
    key = (bundle.root, *size)
    if key not in _projected:
        tried = (exposed(name, size, step / 20) for name in ("astronaut", "coffee", "cat") for step in range(20, 200))
        _projected[key] = next(pixels for pixels in tried if 0.2 < factor(bundle, pixels) < 0.8)
    return _projected[key]


def _session(bundle: Bundle, runtime: str, graph: str) -> ImageSession:
    """Kept open, but for MNN's: those of other tests in this process may have other threads."""
    artifact = artifact_of(bundle, runtime, graph)
    if runtime == "mnn":
        return open_session(bundle, artifact, runtime=runtime)
    key = (bundle.root, artifact.id, runtime)
    if key not in _open:
        _open[key] = open_session(bundle, artifact, runtime=runtime)
    return _open[key]


def channels_first(pixels: NDArray[np.generic]) -> Image:
    """(h,w,3) -> contiguous float32 (3,h,w)."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)


def exposed(name: str, size: tuple[int, int], exposure: float = 1) -> NDArray[np.uint8]:
    """The middle of a photograph (h,w,3), so many times as bright and clipped at white."""
    brightened = np.clip(photograph(name, size) * np.float32(exposure), 0, 255)
    return np.ascontiguousarray(np.rint(brightened).astype(np.uint8).transpose(1, 2, 0))
