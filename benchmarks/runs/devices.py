"""Check a device that is another machine, with workers that run there, and delete what edgesr put on one."""

from __future__ import annotations

from collections.abc import Iterator

from edgesr.benchmarks.devices.device import Device, Finding, Plan
from edgesr.benchmarks.devices.registry import remote, set_ups
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle


def check_device(name: str, bundle: Bundle | None = None) -> Iterator[Finding]:
    """Findings about the device of that name: its machine, the files that are sent to it, and whether workers run
    there; with a bundle, also the parity of one artifact. Raises InputError for a name that is not another machine's.
    """

    def runtimes(device: Device) -> tuple[str, ...]:
        chosen = None if bundle is None else _soonest(bundle, device)
        return () if chosen is None else (chosen[1],)

    return remote(name).check(name, Plan(bundle=bundle, runtimes=runtimes, trial=lambda device: _trial(device, bundle)))


def clean_device(name: str) -> str:
    """Delete everything that edgesr put on another machine, or that the set-up of that name made, and return a text
    about it.

    Raises InputError as `check_device` does.
    """
    made_here = set_ups().get(name)
    if made_here is not None and made_here.clean is not None:
        return made_here.clean()
    return remote(name).clean(name)


def _trial(device: Device, bundle: Bundle | None) -> Iterator[Finding]:
    outcome, limits = LIMITS.answer(device.run(LIMITS.job(LimitsSettings(), threads=1)))
    if limits is None:
        yield Finding(what="a worker", found=f"does not run: {outcome.status}: {outcome.reason}", ok=False)
        return
    yield Finding(what="a worker", found=f"runs: {limits.sgemm_gflops:.1f} GFLOP/s of matrix products at one thread")
    chosen = None if bundle is None else _soonest(bundle, device)
    if bundle is not None and chosen is not None:
        yield _parity(bundle, device, *chosen)


def _soonest(bundle: Bundle, device: Device) -> tuple[Artifact, str] | None:
    """The artifact that is soonest checked, and its runtime; None where the device has a build of none."""
    here = device.runtimes
    pairs = [(one, name) for one in bundle.manifest.artifacts for name in one.runtimes if here is None or name in here]
    return min(
        pairs, key=lambda one: (one[0].graph != "tile", not one[0].is_reference, one[0].size_bytes), default=None
    )


def _parity(bundle: Bundle, device: Device, artifact: Artifact, runtime: str) -> Finding:
    what = f"parity of {artifact.id}"
    job = PARITY.job(ImageFolders(), bundle=bundle, artifact=artifact.id, runtime=runtime)
    outcome, parity = PARITY.answer(device.run(job))
    if parity is None:
        return Finding(what=what, found=f"{outcome.status}: {outcome.reason}", ok=False)
    worst = min((one.psnr_db for one in parity.goldens if one.psnr_db is not None), default=None)
    failures = [failure for one in parity.goldens for failure in one.failures]
    found = "identical" if worst is None else f"{worst:.1f} dB"
    return Finding(what=what, found=f"{found}, {runtime}" + (f": {failures[0]}" if failures else ""), ok=not failures)
