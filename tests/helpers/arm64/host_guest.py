"""An emulated device whose guest is this host's own Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.arm64.cpus import cpu
from edgesr.benchmarks.devices.arm64.device import Arm64Device
from edgesr.benchmarks.devices.arm64.guest import Guest, GuestCommand, GuestRecord

RECORD = GuestRecord(
    schema_version=1,
    recipe_sha256="0",
    qemu="7.2",
    packages={},
    wheels={"numpy": "2.3.5"},
    downloads={},
    size_bytes=0,
    sha256="0",
)
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


@dataclass(frozen=True)
class HostGuest(Guest):
    """Not emulated: this host's Python with ``options`` starts a worker, with the code that a guest is sent."""

    options: tuple[str, ...] = ("-P",)

    def command(
        self,
        cpu: object,
        *,
        python_path: Path,
        plugin: Path | None = None,
        plugin_arguments: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> GuestCommand:
        assert [folder.name for folder in python_path.iterdir()] == ["edgesr"]
        own = {"PYTHONPATH": str(python_path)}
        return GuestCommand([sys.executable, *self.options], {**os.environ, **own, **(environment or {})})


def device(*options: str, name: str = "cortex-a76", timeout: float = 60.0) -> Arm64Device:
    return Arm64Device(cpu(name), HostGuest(Path("guest"), RECORD, options or ("-P",)), timeout)
