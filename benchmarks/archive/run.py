"""Upscale a folder with many workers: the files that one process would write, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from edgesr.benchmarks.archive.cluster import cluster_places
from edgesr.benchmarks.archive.messages import Settings
from edgesr.benchmarks.archive.options import WorkerOptions
from edgesr.benchmarks.archive.places import DeviceHandle, DeviceNeeds, DevicePlace
from edgesr.benchmarks.archive.supervisor import Supervisor
from edgesr.benchmarks.archive.worker import Place
from edgesr.benchmarks.devices.boxes.payloads import bundle_payload
from edgesr.benchmarks.devices.device import AbsentDeviceError
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.jobs import HOST
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import FolderReport
from edgesr.runtimes.upscaling.paths import upscale_files
from edgesr.runtimes.upscaling.plan import first_runtime


def upscale_archive(
    source: Path,
    target: Path,
    bundle: Bundle,
    options: UpscaleOptions | None = None,
    files: FileOptions | None = None,
    workers: WorkerOptions | None = None,
    *,
    progress: Progress = silent,
) -> FolderReport:
    """Upscale as `upscale_files` does, and share the images of a folder among as many workers as are asked for.

    Each worker has the threads and the memory of the ``options``. One that dies is started again, and its photograph is
    tried once more; a run that was interrupted goes on where it stopped.
    """
    options, files, workers = options or UpscaleOptions(), files or FileOptions(), workers or WorkerOptions()
    if workers.alone:
        return upscale_files(source, target, bundle, options, files, progress=progress)
    workers.require_folder(source)
    upscaler = FileUpscaler(bundle, options, files, progress)
    images = len(upscaler.pairs(source, target))
    settings = Settings(bundle="", manifest_sha256=bundle.manifest_sha256, options=options, files=files)
    with ExitStack() as stack:
        places = _places(workers, settings, bundle, stack, progress)[:images]
        run = stack.enter_context(upscaler.begun(source, target))
        return Supervisor(run, target, progress).upscale(places[: len(run.pending)])


def _places(
    workers: WorkerOptions, settings: Settings, bundle: Bundle, stack: ExitStack, progress: Progress
) -> Sequence[Place]:
    """The places where workers are started. Those on other machines use the same runtime as here."""
    runtime = first_runtime(bundle, settings.options)
    if workers.on or workers.ray:
        settings = replace(settings, options=replace(settings.options, runtime=runtime))
    if workers.ray is not None:
        return cluster_places(workers.ray, settings, bundle_payload(bundle, [runtime]), workers.count, stack)
    return _on_devices(workers, settings, DeviceNeeds(bundle, [runtime]), stack, progress)


def _on_devices(
    workers: WorkerOptions, settings: Settings, needs: DeviceNeeds, stack: ExitStack, progress: Progress
) -> list[Place]:
    """A place of each device, then a second one of each, and so on. Raises an InputError for one that can never do
    it.
    """
    devices = open_devices(HOST if workers.on is None else workers.on, stack=stack, option="--on")
    handles = [DeviceHandle(device, needs) for device in devices]
    for handle in handles:
        stack.callback(handle.close)
        try:
            handle.prepare()
        except AbsentDeviceError as error:
            notice(progress, f"{error}; it is asked again while the others work")
    return [DevicePlace(handle, settings) for _ in range(workers.count) for handle in handles]
