"""This machine as a place for worker processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.device import Device, DeviceKind
from edgesr.benchmarks.devices.standing import STANDING_WORKER, Standing
from edgesr.benchmarks.devices.worker_process import WORKER, run_worker
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.telemetry import TELEMETRY_OFF


@dataclass(frozen=True)
class HostDevice(Device):
    """This machine, this Python, the installed package."""

    timeout_seconds: float = 900.0
    name: str = HOST

    def run(self, job: Job) -> Outcome:
        environment = {**os.environ, **TELEMETRY_OFF}
        return run_worker(job, self.command, environment=environment, timeout_seconds=self.timeout_seconds)

    def standing(self, bundle: Bundle, _runtimes: Sequence[str], /) -> Standing:
        command = (sys.executable, "-P", "-m", STANDING_WORKER)
        place = str(bundle.root.absolute())
        return Standing(command=command, environment={**os.environ, **TELEMETRY_OFF}, bundle=place)

    def command(self, job_file: Path, result_file: Path) -> list[str]:
        """The command that starts a worker."""
        return [sys.executable, "-P", "-m", WORKER, str(job_file), str(result_file)]


HOST_KIND = DeviceKind(titles={HOST: "this machine"}, open=lambda _: HostDevice(), stay=True)
