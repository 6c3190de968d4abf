"""Places for workers: this machine, and boxes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edgesr.benchmarks.archive.messages import Settings
from edgesr.benchmarks.archive.served import LEASE_SECONDS, ServedWorker
from edgesr.benchmarks.archive.worker import Place, StartTerms
from edgesr.benchmarks.devices.device import AbsentDevice, AbsentDeviceError, Device
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.devices.standing import Standing
from edgesr.runtimes.bundle.opening import Bundle


@dataclass(frozen=True)
class DeviceNeeds:
    """The requirements that a device must meet."""

    bundle: Bundle
    runtimes: Sequence[str]


@dataclass
class DeviceHandle:
    """A device for several places, which is sent what it needs once; one that did not answer is opened again."""

    device: Device
    needs: DeviceNeeds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self) -> None:
        """Send what it needs; raises an AbsentDeviceError where it does not answer."""
        if isinstance(self.device, AbsentDevice):
            raise AbsentDeviceError(self.device.reason)
        self.standing()

    def standing(self) -> Standing:
        with self._lock:
            if isinstance(self.device, AbsentDevice):
                (self.device,) = open_devices(self.device.name)
            return self.device.standing(self.needs.bundle, self.needs.runtimes)

    def close(self) -> None:
        self.device.close()


@dataclass(frozen=True)
class DevicePlace(Place):
    """A device, and what its workers are told."""

    handle: DeviceHandle
    settings: Settings

    @property
    def name(self) -> str:
        return self.handle.device.name

    def start(self, terms: StartTerms) -> ServedWorker:
        standing = self.handle.standing()
        lease = 0 if standing.shares_files else LEASE_SECONDS
        settings = replace(self.settings, bundle=standing.bundle, lease_seconds=lease)
        return ServedWorker(standing, settings, terms.tell)
