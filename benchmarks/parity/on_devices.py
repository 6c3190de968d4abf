"""Parity on one or several devices: the same goldens everywhere, and where the devices' images differ, and why."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edgesr.benchmarks.devices.device import Device, environments, on_device
from edgesr.benchmarks.devices.parallel import by_machine, in_order, side_by_side
from edgesr.benchmarks.parity.arithmetic import Computed, computes_apart, device_difference_cause
from edgesr.benchmarks.parity.check import ArtifactParity
from edgesr.benchmarks.parity.comparison import finite
from edgesr.benchmarks.parity.kept_images import ImageFolders, keeps_exact, kept_image
from edgesr.benchmarks.parity.results import (
    DeviceDifference,
    ParityResult,
    ParityResults,
    check_artifact,
    parity_results,
)
from edgesr.benchmarks.results.rows import label
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, ProgressEvent, of_part, one_at_a_time, silent

Pair = tuple[Artifact, str]


def check_on_devices(
    bundle: Bundle,
    devices: Sequence[Device],
    *,
    artifacts: Sequence[Pair],
    provider: str | None = None,
    progress: Progress = silent,
) -> ParityResults:
    """Check artifacts, each on its runtime with one thread, on every device that has it; each is compared with the
    first. Different machines work at the same time, devices of one machine one after the other.

    Emulated devices run as many jobs at a time as there are cores: nothing is timed. Devices take the images of exact
    arithmetic from the first one, where it made them: these do not depend on the CPU.
    """
    jobs = {device.name: on_device(device, artifacts) for device in devices}
    with tempfile.TemporaryDirectory(prefix="edgesr-images-") as name:
        images = _Images(Path(name), devices, artifacts)
        checks = _Checks(bundle, jobs, images, provider, one_at_a_time(progress))
        ended = side_by_side(checks.on_machine, by_machine(devices))
        if None in ended:
            raise KeyboardInterrupt
        results = [result for machine in ended for result in machine or ()]
        found = [_difference(images, results, devices[0], one, pair) for one in devices[1:] for pair in jobs[one.name]]
    artifact_order = [(artifact.id, runtime) for artifact, runtime in artifacts]
    results.sort(
        key=lambda one: (artifact_order.index((one.key.artifact, one.key.runtime)), [*jobs].index(one.key.device))
    )
    differences = tuple(difference for difference in found if difference is not None)
    return replace(parity_results(bundle, results), devices=environments(devices), differences=differences)


class _Checks:
    """The jobs of all devices, by name. The first device's results are there for the others, which wait for them."""

    def __init__(
        self,
        bundle: Bundle,
        jobs: Mapping[str, Sequence[Pair]],
        images: _Images,
        provider: str | None,
        progress: Progress,
    ) -> None:
        self._bundle, self._jobs, self._images, self._provider = bundle, jobs, images, provider
        self._progress = progress
        self._first, *others = jobs
        self._named = bool(others)
        self._of_first: dict[tuple[str, str], Future[ParityResult | None]] = {
            (artifact.id, runtime): Future() for artifact, runtime in jobs[self._first]
        }

    def on_machine(self, devices: Sequence[Device]) -> list[ParityResult]:
        """Check on devices that share their CPUs."""
        try:
            return [result for device in devices for result in self._on_device(device)]
        finally:
            if devices[0].name == self._first:
                self._wait_no_longer()

    def _on_device(self, device: Device) -> list[ParityResult]:
        pairs, results = self._jobs[device.name], []
        progress = of_part(self._progress, device.name) if self._named else self._progress
        workers = (os.cpu_count() or 1) if device.emulated else 1
        progress(ProgressEvent("parity", 0, len(pairs)))
        for result in in_order(partial(self._check, device), pairs, workers=workers):
            results.append(result)
            progress(ProgressEvent("parity", len(results), len(pairs), label(result.key)))
        return results

    def _check(self, device: Device, pair: Pair) -> ParityResult:
        base = None if device.name == self._first else self._base(pair)
        folders = self._images.folders(base, device, pair)
        result = check_artifact(self._bundle, device, *pair, images=folders, provider=self._provider)
        if device.name == self._first:
            self._of_first[pair[0].id, pair[1]].set_result(result)
        return result

    def _base(self, pair: Pair) -> ParityResult | None:
        """The first device's result, once it is there; at once where nothing is taken from it."""
        made = self._of_first.get((pair[0].id, pair[1]))
        return made.result() if made is not None and computes_apart(*pair) else None

    def _wait_no_longer(self) -> None:
        """The first device has ended: what it has not made by now, it will not make."""
        for made in self._of_first.values():
            if not made.done():
                made.set_result(None)


class _Images:
    """Folders of SR images below ``root``, one for each device, artifact and runtime; none for a single device."""

    def __init__(self, root: Path, devices: Sequence[Device], pairs: Sequence[Pair]) -> None:
        self.devices = [device.name for device in devices]
        self._root = root
        self._pairs = [(artifact.id, runtime) for artifact, runtime in pairs]

    def folder(self, device: str, pair: Pair) -> Path:
        place = self._pairs.index((pair[0].id, pair[1]))
        folder = self._root / f"{self.devices.index(device)}-{place}"
        folder.mkdir(exist_ok=True)
        return folder

    def folders(self, base: ParityResult | None, device: Device, pair: Pair) -> ImageFolders | None:
        """The folders in which a job keeps its images, and finds those of exact arithmetic if the first device, whose
        result is ``base``, made them.
        """
        if len(self.devices) == 1:
            return None
        folder = self.folder(self.devices[0], pair)
        made = base is not None and base.status == "done" and keeps_exact(folder)
        return ImageFolders(kept=str(self.folder(device.name, pair)), exact_from=str(folder) if made else None)


def _difference(
    images: _Images, results: Sequence[ParityResult], first: Device, device: Device, pair: Pair
) -> DeviceDifference | None:
    """The difference of an artifact's images on a device from those on the first device; None unless both finished."""
    ours, base = _find(results, device.name, pair), _find(results, first.name, pair)
    if ours is None or base is None or ours.parity is None or base.parity is None:
        return None
    folders = [images.folder(name, pair) for name in (device.name, first.name)]
    places = [golden.golden for golden in base.parity.goldens]
    found = [_largest(folders, places.index(golden.golden)) for golden in ours.parity.goldens]
    worst = int(np.argmax(found))
    return DeviceDifference(
        artifact=pair[0].id,
        runtime=pair[1],
        provider=ours.key.provider,
        device=device.name,
        base=first.name,
        golden=ours.parity.goldens[worst].golden,
        max_difference=finite(found[worst]),
        identical_goldens=sum(one == 0 for one in found),
        goldens=len(found),
        cause=device_difference_cause(
            pair[0],
            max_difference=found[worst],
            base=_computed(pair, first, base.parity),
            other=_computed(pair, device, ours.parity),
        ),
    )


def _largest(folders: Sequence[Path], place: int) -> float:
    """Largest difference of two kept images, inf unless both are there, of one shape and finite."""
    here, there = (kept_image(folder, place) for folder in folders)
    if here is None or there is None or here.shape != there.shape:
        return math.inf
    largest = float(np.abs(here.astype(np.float64) - there).max())
    return largest if math.isfinite(largest) else math.inf


def _computed(pair: Pair, device: Device, parity: ArtifactParity) -> Computed:
    missing = math.inf if computes_apart(*pair) and not parity.lacks_exact else 0.0
    from_exact = [missing if g.exact_max_difference is None else g.exact_max_difference for g in parity.goldens]
    return Computed(
        device=device.name,
        exact_difference=max(from_exact),
        cause=parity.difference_cause,
        float16_arithmetic=device.float16_arithmetic,
        ran_as=None if parity.execution is None else parity.execution.main,
    )


def _find(results: Sequence[ParityResult], device: str, pair: Pair) -> ParityResult | None:
    keys = (pair[0].id, pair[1], device)
    return next((r for r in results if (r.key.artifact, r.key.runtime, r.key.device) == keys), None)
