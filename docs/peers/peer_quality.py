"""PSNR, SSIM and ST-LPIPS of all methods, exactly as `edgesr eval` measures them: its images, seeds and metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from peer_methods import Method
from peer_process import PeerError, PeerProcess, Told
from peer_results import QualityPart, QualityRow
from peer_runner import SCALE
from PIL import Image

from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.quality.candidates import Candidate
from edgesr.benchmarks.quality.figures import PerceptualDistance
from edgesr.benchmarks.quality.image_pairs import ImageSet, read_image_set
from edgesr.benchmarks.quality.measurement import QualityResults, measure_quality
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import utc_now
from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.arrays import Pixels
from edgesr.runtimes.errors import MissingPackageError
from edgesr.sr_model.evaluation.evaluate import perceptual_distance

DEGRADATIONS = ("clean", "noise:8", "jpeg:30")
SEED = 0


def measure(
    methods: Sequence[Method], pythons: dict[str, Path], folders: Sequence[Path], work: Path, told: Told
) -> QualityPart:
    """All methods on all sets under all degradations.

    What one method makes of one set is stored in ``work`` as a file of `edgesr eval --json`, and is not measured again.
    """
    distance = perceptual_distance()
    if distance is None:
        raise MissingPackageError("ST-LPIPS is not installed: pip install 'edgesr[perceptual]'")
    sets = [read_image_set(folder) for folder in folders]
    work.mkdir(parents=True, exist_ok=True)
    rows: list[QualityRow] = []
    versions: dict[str, str] = {}
    for method in methods:
        told(method.title)
        try:
            with PeerProcess(method, pythons) as process:
                versions |= process.versions
                rows += [_row(method, process, one, name, work, distance) for one in sets for name in DEGRADATIONS]
        except PeerError as error:
            told(f"  {error}")
            rows += [_failed(method, one, name, error) for one in sets for name in DEGRADATIONS]
    return QualityPart(
        created_utc=utc_now(),
        environment=current_environment(),
        versions=dict(sorted(versions.items())),
        titles={one.name: one.title for one in methods},
        groups={one.name: one.group for one in methods},
        seed=SEED,
        st_lpips_weights=distance.weights,
        rows=tuple(rows),
    )


def _row(
    method: Method, process: PeerProcess, images: ImageSet, degradation: str, work: Path, distance: PerceptualDistance
) -> QualityRow:
    """One method on one set; a failure at one picture is that of the row."""
    kept = work / f"{method.name}_{images.folder.name}_{degradation.replace(':', '')}.json"
    if kept.exists():
        found = read_results(QualityResults, kept)
    else:
        try:
            found = _measured(method, process, images, degradation, distance)
        except PeerError as error:
            return _failed(method, images, degradation, error)
        write_json(found, kept)
    return QualityRow(
        method=method.name,
        data=images.folder.name,
        degradation=degradation,
        images=len(found.images),
        mean=found.results[0].mean,
        failure=None,
    )


def _measured(
    method: Method, process: PeerProcess, images: ImageSet, degradation: str, distance: PerceptualDistance
) -> QualityResults:
    with tempfile.TemporaryDirectory() as folder:
        source, target = (Path(folder) / name for name in ("in.png", "out.png"))

        def upscale(lr: Pixels) -> Pixels:
            """(h,w,3) -> (4h,4w,3)."""
            Image.fromarray(lr).save(source, compress_level=1)
            process.upscale(source, target)
            with Image.open(target) as result:
                return np.asarray(result.convert("RGB"))

        candidate = Candidate(name=method.name, scale=SCALE, upscale=upscale)
        return measure_quality([candidate], images, degradation=degradation, seed=SEED, distance=distance)


def _failed(method: Method, images: ImageSet, degradation: str, error: Exception) -> QualityRow:
    return QualityRow(
        method=method.name,
        data=images.folder.name,
        degradation=degradation,
        images=len(images.pairs),
        mean=None,
        failure=str(error),
    )
