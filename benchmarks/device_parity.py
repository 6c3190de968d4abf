"""Parity on several devices: the same goldens everywhere, and where the devices' images differ, and why."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.arithmetic import device_difference_cause
from benchmarks.arm64.device import Arm64Device
from benchmarks.comparison import finite
from benchmarks.device import HostDevice
from benchmarks.devices import AnyDevice, environments, on_device
from benchmarks.image_folders import ImageFolders, kept_image
from benchmarks.metrics import max_abs_error
from benchmarks.parallel import in_order
from benchmarks.parity import ArtifactParity
from benchmarks.parity_results import DeviceDifference, ParityResult, ParityResults, check_artifact, parity_results
from benchmarks.results import label
from runtimes.bundle import Bundle
from runtimes.manifest import Artifact
from runtimes.progress import Progress, ProgressEvent, silent

Pair = tuple[Artifact, str]


def run_device_parity(
    bundle: Bundle, devices: Sequence[AnyDevice], *, artifacts: Sequence[Pair], progress: Progress = silent
) -> ParityResults:
    """Check artifacts on every device that has their runtime; each device is compared with the first.

    Emulated devices run as many jobs at a time as there are cores: nothing is timed. They take the images of exact
    arithmetic from the first device, where it made them: these do not depend on the CPU.
    """
    with tempfile.TemporaryDirectory(prefix="edgesr-images-") as name:
        images = _Images(Path(name), devices[0])
        results: list[ParityResult] = []
        total = sum(len(on_device(device, artifacts)) for device in devices)
        for device in devices:
            workers = 1 if isinstance(device, HostDevice) else os.cpu_count() or 1

            def check(pair: Pair, device: AnyDevice = device) -> ParityResult:
                return check_artifact(bundle, device, *pair, images=images.folders(device, *pair))

            for result in in_order(check, on_device(device, artifacts), workers=workers):
                results.append(result)
                progress(ProgressEvent("parity", len(results), total, label(result.key)))
        progress(ProgressEvent("parity", total, total))
        order = [(artifact.id, runtime) for artifact, runtime in artifacts]
        results.sort(key=lambda result: order.index((result.key.artifact, result.key.runtime)))
        differences = tuple(
            difference
            for device in devices[1:]
            for pair in on_device(device, artifacts)
            if (difference := _difference(images, results, device, pair)) is not None
        )
    return replace(parity_results(bundle, results), devices=environments(devices), differences=differences)


class _Images:
    """Folders of SR images below ``root``, one for each device, artifact and runtime."""

    def __init__(self, root: Path, first: AnyDevice) -> None:
        self.first = first
        self._root = root

    def folder(self, device: AnyDevice, artifact: Artifact, runtime: str) -> Path:
        folder = self._root / device.name / f"{artifact.id}@{runtime}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def folders(self, device: AnyDevice, artifact: Artifact, runtime: str) -> ImageFolders:
        """Where a job keeps its images, and where it finds those of exact arithmetic."""
        first = self.folder(self.first, artifact, runtime)
        exact = str(first) if device is not self.first and any(first.glob("*.exact.npy")) else None
        return ImageFolders(kept=str(self.folder(device, artifact, runtime)), exact_from=exact)


def _difference(
    images: _Images, results: Sequence[ParityResult], device: AnyDevice, pair: Pair
) -> DeviceDifference | None:
    """How an artifact's images on a device differ from those on the first; None unless both finished."""
    artifact, runtime = pair
    ours = _find(results, device, pair)
    base = _find(results, images.first, pair)
    if ours is None or base is None or ours.parity is None or base.parity is None:
        return None
    found: dict[str, float] = {}
    for golden in (g.golden for g in ours.parity.goldens):
        here, there = (kept_image(images.folder(one, *pair), golden) for one in (device, images.first))
        if here is not None and there is not None:
            difference = max_abs_error(here, there)
            found[golden] = difference if math.isfinite(difference) else math.inf
    worst = max(found, key=lambda golden: found[golden])
    return DeviceDifference(
        artifact=artifact.id,
        runtime=runtime,
        device=device.name,
        base=images.first.name,
        golden=worst,
        max_difference=finite(found[worst]),
        identical_goldens=sum(one == 0 for one in found.values()),
        goldens=len(found),
        cause=device_difference_cause(
            artifact,
            max_difference=found[worst],
            base_cause=base.parity.difference_cause,
            other_exact=_from_exact(ours.parity),
            float16_arithmetic=isinstance(device, Arm64Device) and device.cpu.float16_arithmetic,
        ),
    )


def _from_exact(parity: ArtifactParity) -> float:
    return max((g.exact_max_difference or 0.0 for g in parity.goldens), default=0.0)


def _find(results: Sequence[ParityResult], device: AnyDevice, pair: Pair) -> ParityResult | None:
    keys = (pair[0].id, pair[1], device.name)
    return next((r for r in results if (r.key.artifact, r.key.runtime, r.key.device) == keys), None)
