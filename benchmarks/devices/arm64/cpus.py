"""The arm64 CPUs that the guest emulates, and what their kernel would tell of them in /proc and /sys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError

_ARMV8_0 = ("fp", "asimd", "aes", "pmull", "sha1", "sha2", "crc32", "cpuid")
_ARMV8_2_DOT_PRODUCT = (
    *("fp", "asimd", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid"),
    *("asimdrdm", "lrcpc", "dcpop", "asimddp"),
)


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """A CPU as qemu names it. ``features`` are the HWCAP bits that qemu reports, in the kernel's names and order.

    ``implementer``, ``variant``, ``part`` and ``revision`` are the fields of its main ID register (MIDR_EL1).
    """

    name: str
    title: str
    part: int
    features: tuple[str, ...]
    implementer: int = 0x41
    variant: int
    revision: int
    max_mhz: int

    @property
    def float16_arithmetic(self) -> bool:
        """Whether vectors of float16 are computed as such."""
        return "asimdhp" in self.features

    @property
    def midr(self) -> int:
        """The main ID register: Arm Architecture Reference Manual, MIDR_EL1; architecture 0xf, "by ID registers"."""
        return self.implementer << 24 | self.variant << 20 | 0xF << 16 | self.part << 4 | self.revision

    @property
    def cpuinfo(self) -> str:
        """/proc/cpuinfo of one core. Kernels give no model name on arm64; results need one."""
        return (
            f"processor\t: 0\nmodel name\t: {self.title} (qemu-aarch64)\nBogoMIPS\t: 48.00\n"
            f"Features\t: {' '.join(self.features)}\nCPU implementer\t: {self.implementer:#04x}\n"
            f"CPU architecture: 8\nCPU variant\t: {self.variant:#x}\nCPU part\t: {self.part:#05x}\n"
            f"CPU revision\t: {self.revision}\n\n"
        )


CPUS = {
    one.name: one
    for one in (
        Cpu(
            name="cortex-a53",
            title="Cortex-A53",
            part=0xD03,
            variant=0,
            revision=4,
            features=_ARMV8_0,
            max_mhz=1400,
        ),
        Cpu(
            name="cortex-a72",
            title="Cortex-A72",
            part=0xD08,
            variant=0,
            revision=3,
            features=_ARMV8_0,
            max_mhz=1800,
        ),
        Cpu(
            name="cortex-a76",
            title="Cortex-A76",
            part=0xD0B,
            variant=4,
            revision=1,
            features=_ARMV8_2_DOT_PRODUCT,
            max_mhz=2400,
        ),
        Cpu(
            name="neoverse-n1",
            title="Neoverse N1",
            part=0xD0C,
            variant=4,
            revision=1,
            features=_ARMV8_2_DOT_PRODUCT,
            max_mhz=3000,
        ),
    )
}
"""The emulated CPUs by name, the oldest architecture first."""


def cpu(name: str) -> Cpu:
    """The CPU of that name; an unknown one is an InputError that lists the known ones."""
    known = f"choose one of {', '.join(CPUS)}"
    if name == "max":
        raise InputError(f"arm64 CPU 'max': LiteRT computes wrong int8 results with qemu's SME; {known}")
    if name not in CPUS:
        raise InputError(f"unknown arm64 CPU {name!r}: {known}")
    return CPUS[name]


def write_system_files(one: Cpu, root: Path) -> None:
    """Write the files of /proc and /sys that runtimes read to know the CPU: without them ONNX Runtime crashes."""
    system = "sys/devices/system/cpu"
    core = f"{system}/cpu0"
    siblings = ("cluster_cpus", "core_cpus", "core_siblings", "package_cpus", "thread_siblings")
    files = {
        "proc/cpuinfo": one.cpuinfo,
        **{f"{system}/{name}": "0\n" for name in ("possible", "present", "online", "kernel_max")},
        f"{core}/regs/identification/midr_el1": f"{one.midr:#018x}\n",
        f"{core}/cpufreq/cpuinfo_max_freq": f"{one.max_mhz * 1000}\n",
        f"{core}/cpufreq/cpuinfo_min_freq": "300000\n",
        **{f"{core}/topology/{name}": "0\n" for name in ("physical_package_id", "core_id")},
        **{f"{core}/topology/{name}_list": "0\n" for name in siblings},
    }
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
