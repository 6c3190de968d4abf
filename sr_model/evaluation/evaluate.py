"""Quality of checkpoints and bundles against HR images, from paths.

Imports torch only for a checkpoint or the perceptual distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.quality.candidates import Candidate, bicubic_candidate, bundle_candidate
from edgesr.benchmarks.quality.degradations import parse_degradation
from edgesr.benchmarks.quality.figures import PerceptualDistance
from edgesr.benchmarks.quality.image_pairs import ImageSet, read_image_set
from edgesr.benchmarks.quality.measurement import QualityResults, measure_quality
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version, require_packages
from edgesr.runtimes.progress import Progress, silent
from edgesr.sr_model.generators.weights_file import require_file


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options of `evaluate`. ``degradation`` is the text that says how LR is made, see
    `edgesr.benchmarks.quality.degradations`; ``seed`` is that of its random numbers. ``artifact_id`` and ``runtime``
    choose in bundles; None takes the first artifact that takes the first image.
    """

    degradation: str = "clean"
    seed: int = 0
    artifact_id: str | None = None
    runtime: str | None = None

    def __post_init__(self) -> None:
        parse_degradation(self.degradation)
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}: need a whole number of at least 0")


def evaluate(
    paths: Sequence[Path],
    data: Path,
    options: EvalOptions | None = None,
    *,
    json: Path | None = None,
    progress: Progress = silent,
) -> QualityResults:
    """Measure checkpoints and bundles, and bicubic, against the HR images of the folder ``data``; ST-LPIPS too where
    torch and its weights are installed.

    The results are also written to ``json``, which must be none of the paths or images.
    """
    options = options or EvalOptions()
    require_writable(json, *paths)
    images = read_image_set(data)
    require_writable(json, *(file for pair in images.pairs for file in (pair.hr, pair.lr)))
    candidates = candidates_from_paths(paths, images, artifact_id=options.artifact_id, runtime=options.runtime)
    results = measure_quality(
        candidates,
        images,
        degradation=options.degradation,
        seed=options.seed,
        distance=perceptual_distance(),
        progress=progress,
    )
    write_json(results, json)
    return results


def candidates_from_paths(
    paths: Sequence[Path], images: ImageSet, *, artifact_id: str | None = None, runtime: str | None = None
) -> list[Candidate]:
    """Bicubic, then checkpoint files and bundle directories; ``artifact_id`` and ``runtime`` choose in bundles."""
    if not paths:
        raise InputError("nothing to evaluate: give checkpoints or bundles")
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
    from edgesr.sr_model.evaluation.generator_quality import checkpoint_candidate

    return checkpoint_candidate(path)
