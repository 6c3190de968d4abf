"""A kind of device that edgesr does not know: this host under another name, said to be emulated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, DeviceKind, Prepared, SetUp
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome


@dataclass(frozen=True)
class ToyDevice(Device):
    name: str = "toy"
    emulated = True
    runtimes = ("ort",)
    environment = DeviceEnvironment(name="toy", kind="emulated", cpu="clockwork", packages={})

    def run(self, job: Job) -> Outcome:
        return HostDevice().run(job)


TOY_KIND = DeviceKind(
    titles={"toy": "a toy"},
    open=lambda _: ToyDevice(),
    needs="edgesr devices setup toy",
    set_ups=(
        SetUp(
            command="edgesr devices setup toy",
            title="a toy that is wound up",
            require=lambda: None,
            run=lambda _: Prepared(
                folder=Path("box"), size_bytes=2_000_000, devices=("toy",), packages={"spring": "1.0"}
            ),
        ),
    ),
    notes=lambda: ["Toys do not count."],
)
