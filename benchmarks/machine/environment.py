"""The environment of a measurement: machine, operating system, Python and package versions."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.allocator import allocator_settings
from edgesr.runtimes.packages import installed_version

CPUS = Path("/sys/devices/system/cpu")
"""Where Linux tells of cores and their clocks; other systems do not have it."""

_PACKAGES = ("edgesr", "numpy", "pillow", *sorted({r.distribution for r in RUNTIMES.values()}))


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Results of unlike environments are never merged.

    ``allocator`` is what worker processes set of the C library's memory allocator, None for nothing.
    """

    system: str
    machine: str
    cpu: str
    logical_cores: int
    python: str
    packages: dict[str, str]
    allocator: str | None = None


def current_environment() -> Environment:
    """This process's environment; packages that are not installed are left out."""
    versions = {name: installed_version(name) for name in _PACKAGES}
    return Environment(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu=_cpu_name(),
        logical_cores=os.cpu_count() or 1,
        python=platform.python_version(),
        packages={name: version for name, version in versions.items() if version is not None},
        allocator=allocator_settings() if versions["torch"] is not None else None,
    )


def x86_features() -> frozenset[str] | None:
    """Instruction sets of an x86 CPU as Linux names them; None on other CPUs and systems."""
    return parse_x86_features(_cpuinfo())


def parse_x86_features(cpuinfo: str) -> frozenset[str] | None:
    """The first "flags" line of /proc/cpuinfo, which x86 alone has: arm64 writes "Features"."""
    lines = [line for line in cpuinfo.splitlines() if line.split(":")[0].strip() == "flags"]
    return frozenset(lines[0].split(":", 1)[1].split()) if lines else None


def core_mhz(cpus: Path = CPUS) -> float | None:
    """The clock of the fastest core now, in MHz; None where the system does not tell."""
    khz = [system_number(file) for file in cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    return max((one for one in khz if one is not None), default=0) / 1000 or None


def system_number(file: Path) -> int | None:
    """The whole number in a file of /sys; None where it is missing or says something else."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _cpuinfo() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text() if file.is_file() else ""


def _cpu_name() -> str:
    for line in _cpuinfo().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
