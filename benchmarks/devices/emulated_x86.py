"""An older x86-64 CPU, emulated: this host's own Python and runtimes, without the VNNI that the host may have."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from edgesr.benchmarks.devices.arm64.guest import SETUP_COMMAND, Guest, installed_guest
from edgesr.benchmarks.devices.arm64.recipe import X86_CPU_FOLDER
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, DeviceKind
from edgesr.benchmarks.devices.worker_process import WORKER, run_worker
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.telemetry import TELEMETRY_OFF

NAME = "x86-64:haswell"
TITLE = "Haswell (AVX2, no VNNI)"
TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True)
class EmulatedX86Device(Device):
    """A Haswell under user-mode qemu. ONNX Runtime's int8 kernels saturate there; times mean nothing."""

    guest: Guest
    timeout_seconds: float = TIMEOUT_SECONDS
    name: str = NAME
    emulated = True
    runtimes = ("ort", "tflite", "openvino")

    @property
    def environment(self) -> DeviceEnvironment:
        packages = {"qemu-user": self.guest.record.qemu, **current_environment().packages}
        return DeviceEnvironment(name=self.name, kind="emulated", cpu=TITLE, packages=packages)

    def require_counting(self) -> None:
        raise InputError(f"{self.name}: instructions are counted on arm64 alone; use it for 'edgesr parity'")

    def run(self, job: Job) -> Outcome:
        return run_worker(
            job,
            lambda job_file, result_file: [*self.python, "-P", "-m", WORKER, str(job_file), str(result_file)],
            environment=self.process_environment,
            timeout_seconds=self.timeout_seconds,
        )

    @property
    def python(self) -> list[str]:
        """The command that starts an emulated Python: it has the host's files, but a /proc/cpuinfo of its own."""
        emulator = self.guest.folder / "emulator/usr/bin/qemu-x86_64"
        root = self.guest.folder / X86_CPU_FOLDER
        own = os.environ.get("LD_LIBRARY_PATH")
        libraries = ["-U", "LD_LIBRARY_PATH"] if own is None else ["-E", f"LD_LIBRARY_PATH={own}"]
        return [str(emulator), "-L", str(root), "-cpu", "Haswell", *libraries, sys.executable]

    @property
    def process_environment(self) -> dict[str, str]:
        """The whole environment of that process."""
        libraries = self.guest.folder / "emulator/usr/lib/x86_64-linux-gnu"
        return {**os.environ, **TELEMETRY_OFF, "LD_LIBRARY_PATH": str(libraries), "OMP_NUM_THREADS": "1"}


def open_emulated_x86() -> EmulatedX86Device:
    """The device; raises a MissingPackageError with the set-up command without the guest that it is part of."""
    return EmulatedX86Device(installed_guest())


X86_KIND = DeviceKind(
    titles={NAME: f"emulated {TITLE}, with this host's runtimes"},
    open=lambda _: open_emulated_x86(),
    needs=SETUP_COMMAND,
)
