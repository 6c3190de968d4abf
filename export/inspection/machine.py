"""This machine for 'edgesr doctor': what it has of all that edgesr can use, next to Python packages."""

from __future__ import annotations

import platform
import shutil
from importlib import metadata
from pathlib import Path

from edgesr.benchmarks.devices.arm64.counter import COMPILERS, compiler
from edgesr.benchmarks.devices.arm64.cpus import CPUS
from edgesr.benchmarks.devices.arm64.guest import installed_guest
from edgesr.benchmarks.devices.browser.built import INSTALL_NODE, installed_app
from edgesr.benchmarks.devices.browser.chromium import PROGRAMS
from edgesr.benchmarks.devices.emulated_x86 import NAME as X86_NAME
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.images.sixteen_bit import libvips_version
from edgesr.runtimes.machine_memory import memory_bytes
from edgesr.runtimes.packages import installed_version

LARGEST_EXPORT_GB = 3.8
SMALLEST_EXPORT_GB = 1.3
"""Peak memory of an export of srrescycgan and of srrescycgan-mobile: the README's table "Export time"."""

_NOT_TOLD = "not told"
Row = tuple[str, str, str, str]


def machine_table() -> Table:
    """A row for each thing: what was found, what needs it, and how to get it where it is missing."""
    fixed = (_python(), _memory(), _cache_disk(), _working_disk(), _compiler(), *_emulated(), _libvips())
    return Table("This machine", ("what", "found", "needed for", "how to get it"), (*fixed, *_browser()))


def free_bytes(folder: Path) -> int:
    """Free space where a folder is, or would be created."""
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir())
    return shutil.disk_usage(existing).free


def _python() -> Row:
    return ("Python", platform.python_version(), f"everything ({metadata.metadata('edgesr')['Requires-Python']})", "")


def _memory() -> Row:
    total, available = memory_bytes()
    needed = f"fp32 export: {LARGEST_EXPORT_GB} GB (srrescycgan), {SMALLEST_EXPORT_GB} GB (srrescycgan-mobile)"
    if total is None:
        return ("memory", _NOT_TOLD, needed, "")
    found = f"{_gigabytes(total)}, {_NOT_TOLD if available is None else _gigabytes(available)} available"
    enough = (total if available is None else available) >= LARGEST_EXPORT_GB * 1e9
    return ("memory", found, needed, "" if enough else "end other programs before an export of srrescycgan")


def _cache_disk() -> Row:
    if installed_version("platformdirs") is None:
        advice = "pip install 'edgesr[export]'"
        return ("free disk, cache folder", _NOT_TOLD, "export, emulated devices", advice)
    from edgesr.export.stages.cache import DEFAULT_LIMIT_BYTES, default_cache_dir

    folder = default_cache_dir()
    needed = f"export: at most {_gigabytes(DEFAULT_LIMIT_BYTES)}; emulated devices: 0.3 GB"
    return ("free disk, cache folder", f"{_gigabytes(free_bytes(folder))} at {folder}", needed, "")


def _working_disk() -> Row:
    folder = Path.cwd()
    return ("free disk, working folder", f"{_gigabytes(free_bytes(folder))} at {folder}", "bundles and pictures", "")


def _compiler() -> Row:
    found = compiler()
    advice = "" if found else "apt install gcc"
    return ("C compiler", found or f"none ({', '.join(COMPILERS)})", "instruction counts on emulated arm64", advice)


def _emulated() -> tuple[Row, Row]:
    state, advice = _guest_state()
    names = ", ".join(CPUS)
    return (
        ("emulated arm64 CPUs", state, f"--device arm64:NAME ({names})", advice),
        ("emulated x86-64 CPU", state, f"--device {X86_NAME}", advice),
    )


def _guest_state() -> tuple[str, str]:
    """Whether the guest that all emulated CPUs are part of is set up, and how to do so."""
    from edgesr.benchmarks.devices.arm64.setup import require_host

    try:
        require_host(Path())
        return f"ready, {installed_guest().record.size_bytes / 1e6:.0f} MB", ""
    except InputError as error:
        return str(error), ""
    except MissingPackageError as error:
        reason, _, advice = str(error).rpartition(": ")
        return reason, advice


def _libvips() -> Row:
    found = libvips_version()
    advice = "" if found else "pip install 'edgesr[images]'"
    return ("libvips", found or "not installed", "16-bit colour images", advice)


def _browser() -> tuple[Row, Row, Row]:
    """The programs that measure in a browser, what can be measured there, and the program that builds it."""
    chromium = next(filter(None, map(shutil.which, PROGRAMS)), None)
    node = shutil.which("node") if shutil.which("npm") else None
    try:
        state, advice = f"ready, {installed_app().record.size_bytes / 1e6:.0f} MB", ""
    except MissingPackageError as error:
        state, _, advice = str(error).rpartition(": ")
    return (
        ("Chromium", chromium or "not installed", "--device browser", "" if chromium else "apt install chromium"),
        ("browser runtimes", state, "--device browser, edgesr web", advice),
        ("Node.js with npm", node or "not installed", "setting those up", "" if node else INSTALL_NODE),
    )


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB"
