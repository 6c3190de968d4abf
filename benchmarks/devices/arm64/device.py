"""An emulated arm64 CPU as a place for worker processes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.arm64.counter import COUNTS_VARIABLE, compiled_plugin
from edgesr.benchmarks.devices.arm64.cpus import Cpu, cpu
from edgesr.benchmarks.devices.arm64.guest import Guest, installed_guest
from edgesr.benchmarks.devices.device import WORKER, DeviceEnvironment, run_worker
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.runtimes.import_closure import write_code

TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True)
class Arm64Device:
    """A CPU under user-mode qemu, with the guest's own builds of the runtimes. Times there mean nothing."""

    cpu: Cpu
    guest: Guest
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        return f"arm64:{self.cpu.name}"

    @property
    def runtimes(self) -> tuple[str, ...]:
        return ("ort", "tflite")

    @property
    def environment(self) -> DeviceEnvironment:
        record = self.guest.record
        return DeviceEnvironment(
            name=self.name,
            kind="emulated",
            cpu=f"{self.cpu.title} ({' '.join(self.cpu.features)})",
            packages={"qemu-user": record.qemu, **record.wheels},
        )

    def run(self, job: Job) -> Outcome:
        """Run a job in a fresh emulated process; for "instructions" with the plugin that counts them."""
        with tempfile.TemporaryDirectory(prefix="edgesr-arm64-") as folder:
            code, counts = Path(folder) / "code", Path(folder) / "counts.jsonl"
            write_code(WORKER, code)
            counting = job.kind == "instructions"
            command = self.guest.command(
                self.cpu,
                python_path=code,
                plugin=compiled_plugin() if counting else None,
                plugin_arguments={"out": str(counts)} if counting else None,
                environment={COUNTS_VARIABLE: str(counts)} if counting else None,
            )
            return run_worker(
                job,
                lambda job_file, result_file: [*command.arguments, "-m", WORKER, str(job_file), str(result_file)],
                environment=command.environment,
                timeout_seconds=self.timeout_seconds,
            )


def open_arm64(cpu_name: str) -> Arm64Device:
    """The emulated CPU of that name; a MissingPackageError with the set-up command without a guest."""
    chosen = cpu(cpu_name)
    return Arm64Device(chosen, installed_guest())
