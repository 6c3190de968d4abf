"""Devices that answer with made-up latencies, each on a machine of its choice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.runtimes.json_records import to_json
from tests.helpers.made_up_latency import timed


def _nothing(_job: Job) -> None:
    return


class NamedDevice(Device):
    """Every artifact takes ``p50`` ms; ``before`` is called with each job that is not about the machine's limits."""

    def __init__(
        self, name: str, *, machine: str | None = None, p50: float = 10, before: Callable[[Job], None] = _nothing
    ) -> None:
        self._name, self._machine, self.p50, self.before = name, machine or name, p50, before

    @property
    def name(self) -> str:
        return self._name

    @property
    def machine(self) -> str:
        return self._machine

    @property
    def environment(self) -> DeviceEnvironment | None:
        if self.name == HOST:
            return None
        return DeviceEnvironment(name=self.name, kind="remote", cpu=f"CPU of {self.name}", packages={}, system="Linux")

    def run(self, job: Job) -> Outcome:
        if job.kind == "limits":
            limits = {"threads": job.threads, "sgemm_gflops": 8 * self.p50, "bandwidth_gb_per_s": 8.0}
            return Outcome(status="done", reason=None, result=limits)
        self.before(job)
        return Outcome(status="done", reason=None, result=json.loads(to_json(timed(self.p50))))


class Crowd:
    """Counts how many jobs run at the same time; ``most`` of them did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._here -= 1
