"""Made-up measurements of latency, and devices that answer with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.benchmarks.latency.call import Round
from edgesr.runtimes.json_records import to_json


def timed(p50: float, **changes: object) -> Round:
    """A made-up measurement of three calls around its median."""
    fields: dict[str, object] = {
        "size": (64, 64),
        "gmac": 2.0,
        "load_ms": 5.0,
        "first_call_ms": 9.0,
        "warmup_calls": 6,
        "steady": True,
        "samples_ms": (p50 - 1, p50, p50 + 1),
        "peak_rss_mb": 100.0,
        "pinned_cores": (),
        "core_mhz": None,
    }
    return Round(**{**fields, **changes})  # type: ignore[arg-type]


class MadeUpDevice(Device):
    """Answers with the next made-up median of an artifact; None is a crash, 0 Ctrl-C, and limits are always alike."""

    name = "made-up"

    def __init__(self, **medians: list[float | None]) -> None:
        self.medians = {name.replace("_", "-"): iter(values) for name, values in medians.items()}
        self.calls: list[tuple[str, int]] = []

    def run(self, given: Job) -> Outcome:
        if given.kind == "limits":
            limits = {"threads": given.threads, "sgemm_gflops": 80.0, "bandwidth_gb_per_s": 8.0}
            return Outcome(status="done", reason=None, result=limits)
        self.calls.append((given.artifact, given.threads))
        p50 = next(self.medians[given.artifact])
        if p50 is None:
            return Outcome(status="crashed", reason="killed by SIGSEGV", result=None)
        if p50 == 0:
            raise KeyboardInterrupt
        return Outcome(status="done", reason=None, result=json.loads(to_json(timed(p50))))


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
