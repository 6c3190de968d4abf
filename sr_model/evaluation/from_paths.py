"""What `edgesr eval` measures, from paths. Imports torch only for a checkpoint or the perceptual distance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgesr.benchmarks.quality.candidates import Candidate, bicubic_candidate, bundle_candidate
from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.benchmarks.quality.measurement import PerceptualDistance
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version, require_packages
from edgesr.sr_model.generators.weights_file import require_file


def candidates_from_paths(
    paths: Sequence[Path], images: ImageSet, *, artifact_id: str | None = None, runtime: str | None = None
) -> list[Candidate]:
    """Bicubic, then checkpoint files and bundle directories; ``artifact_id`` and ``runtime`` choose in bundles."""
    if (artifact_id or runtime) and not any(path.is_dir() for path in paths):
        listed = ", ".join(map(str, paths))
        raise InputError(f"--artifact and --runtime choose in a bundle, but {listed} is none; leave them out")
    opened = [_from_path(path, images, artifact_id, runtime) for path in _distinct(paths)]
    return [bicubic_candidate(opened[0].scale), *opened]


def _distinct(paths: Sequence[Path]) -> list[Path]:
    """Each file or folder once, by whatever names it is given."""
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(path.resolve(), path)
    return list(found.values())


def perceptual_distance() -> PerceptualDistance | None:
    """ST-LPIPS, None where torch or its weights are not installed."""
    if any(installed_version(package) is None for package in ("torch", "stlpips-pytorch")):
        return None
    from edgesr.sr_model.evaluation.perceptual_distance import STLPIPS

    return PerceptualDistance("stlpips-pytorch 0.0.2, AlexNet", STLPIPS().distance)


def _from_path(path: Path, images: ImageSet, artifact_id: str | None, runtime: str | None) -> Candidate:
    if path.is_dir():
        return bundle_candidate(open_bundle(path), images, artifact_id=artifact_id, runtime=runtime)
    require_file(path)
    require_packages("evaluating a checkpoint", ("torch", "safetensors"), extra="train")
    from edgesr.sr_model.evaluation.evaluate import checkpoint_candidate

    return checkpoint_candidate(path)
