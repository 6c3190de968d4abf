"""Emulated arm64 CPUs as places for worker processes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.arm64.counter import COMPILERS, COUNTS_VARIABLE, compiled_plugin, compiler
from edgesr.benchmarks.devices.arm64.cpus import CPUS, Cpu, cpu
from edgesr.benchmarks.devices.arm64.guest import SETUP_COMMAND, Guest, installed_guest
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, DeviceKind, Prepared, SetUp
from edgesr.benchmarks.devices.worker_process import WORKER, run_worker
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.runtimes.import_closure import write_code
from edgesr.runtimes.progress import Progress

PREFIX = "arm64:"
TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True)
class Arm64Device(Device):
    """A CPU under user-mode qemu, with the guest's own builds of the runtimes. Times there mean nothing."""

    cpu: Cpu
    guest: Guest
    timeout_seconds: float = TIMEOUT_SECONDS
    emulated = True
    runtimes = ("ort", "tflite", "openvino", "ncnn", "mnn")

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.cpu.name}"

    @property
    def environment(self) -> DeviceEnvironment:
        record = self.guest.record
        return DeviceEnvironment(
            name=self.name,
            kind="emulated",
            cpu=f"{self.cpu.title} ({' '.join(self.cpu.features)})",
            packages={"qemu-user": record.qemu, **record.wheels},
        )

    @property
    def float16_arithmetic(self) -> bool:
        return self.cpu.float16_arithmetic

    def require_counting(self) -> None:
        """Raise a MissingPackageError without a C compiler, unless the plugin was compiled before."""
        compiled_plugin()

    def run(self, job: Job) -> Outcome:
        """Run a job in a fresh emulated process, with the plugin that counts instructions if the job counts them."""
        with tempfile.TemporaryDirectory(prefix="edgesr-arm64-") as folder:
            code, counts = Path(folder) / "code", Path(folder) / "counts.jsonl"
            write_code(WORKER, code)
            counting = job.counts_instructions
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
    """The emulated CPU of that name; raises a MissingPackageError with the set-up command without a guest."""
    chosen = cpu(cpu_name)
    return Arm64Device(chosen, installed_guest())


def set_up_guest(progress: Progress) -> Prepared:
    """Make the guest that all emulated CPUs are part of."""
    from edgesr.benchmarks.devices.arm64.setup import set_up

    guest = set_up(progress)
    return Prepared(
        folder=guest.folder,
        size_bytes=guest.record.size_bytes,
        devices=tuple(ARM64_KIND.titles),
        packages={"qemu": guest.record.qemu, **guest.record.wheels},
    )


def counting_notes() -> list[str]:
    """One line on the C compiler, which counting needs."""
    program = compiler()
    if program is None:
        return [f"Instruction counts on arm64: no C compiler ({', '.join(COMPILERS)}) is installed: apt install gcc"]
    return [f"Instruction counts on arm64: compiled with {program}"]


ARM64_KIND = DeviceKind(
    titles={f"{PREFIX}{one.name}": f"emulated {one.title}" for one in CPUS.values()},
    open=lambda name: open_arm64(name.removeprefix(PREFIX)),
    prefix=PREFIX,
    needs=SETUP_COMMAND,
    set_ups=(
        SetUp(
            command=SETUP_COMMAND,
            title="an emulator for all arm64 CPUs",
            require=installed_guest,
            run=set_up_guest,
        ),
    ),
    notes=counting_notes,
)
