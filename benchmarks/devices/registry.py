"""Devices by name: this host, emulated arm64 CPUs, an emulated older x86-64 CPU."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.benchmarks.devices.arm64.cpus import CPUS
from edgesr.benchmarks.devices.arm64.device import Arm64Device, open_arm64
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, HostDevice
from edgesr.benchmarks.devices.emulated_x86 import NAME as X86_NAME
from edgesr.benchmarks.devices.emulated_x86 import EmulatedX86Device, open_emulated_x86
from edgesr.benchmarks.jobs import HOST
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.errors import InputError

EmulatedDevice = Arm64Device | EmulatedX86Device
AnyDevice = HostDevice | EmulatedDevice

_ARM64 = "arm64:"


def open_devices(text: str) -> list[AnyDevice]:
    """The devices of a comma-separated text, each once. An InputError lists the known ones; a MissingPackageError
    gives the set-up command of one that is not set up.
    """
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InputError(f"--device {text!r}: give one or more of {', '.join(device_names())}")
    return [_open(name) for name in names]


def device_names() -> list[str]:
    """All devices that edgesr knows."""
    return [HOST, *(f"{_ARM64}{name}" for name in CPUS), X86_NAME]


def emulated(devices: Sequence[Device]) -> list[EmulatedDevice]:
    """The emulated ones."""
    return [device for device in devices if isinstance(device, EmulatedDevice)]


def environments(devices: Sequence[Device]) -> tuple[DeviceEnvironment, ...]:
    """What the emulated devices are."""
    return tuple(device.environment for device in emulated(devices))


def on_device(device: Device, artifacts: Sequence[tuple[Artifact, str]]) -> list[tuple[Artifact, str]]:
    """Those artifacts whose runtime the device has builds of; an InputError where it has none of them."""
    if not isinstance(device, EmulatedDevice):
        return list(artifacts)
    found = [(artifact, runtime) for artifact, runtime in artifacts if runtime in device.runtimes]
    if not found:
        raise InputError(f"{device.name} has no build of what these artifacts need: only {', '.join(device.runtimes)}")
    return found


def _open(name: str) -> AnyDevice:
    if name == HOST:
        return HostDevice()
    if name == X86_NAME:
        return open_emulated_x86()
    if name.startswith(_ARM64):
        return open_arm64(name.removeprefix(_ARM64))
    raise InputError(f"unknown device {name!r}: choose from {', '.join(device_names())}")
