"""Whether a device has the cores that were asked for: found out there, before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.state.core_choice import CORES, CoreSettings
from edgesr.runtimes.errors import InputError


def require_cores(device: Device, cores: str | None, threads: Sequence[int]) -> None:
    """Raise an InputError with the device's reason unless its processes can keep to these cores, with so many threads.

    A device that does not answer tells so in its rows.
    """
    if cores is None:
        return
    outcome = device.run(CORES.job(CoreSettings(cores=cores), threads=max(threads)))
    if outcome.status == "error":
        raise InputError(f"{device.name}: {outcome.reason}")
