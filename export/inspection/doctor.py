"""Packages that are installed and those that are not, with the command that installs each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.export.formats.targets import TARGETS, needs_older_python
from edgesr.export.inspection.machine import machine_table
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.interface.runtime import Provider, Runtime
from edgesr.runtimes.packages import installed_version

_ASK_PROVIDERS = """
import sys
from edgesr.runtimes.adapters.registry import RUNTIMES
print(*RUNTIMES[sys.argv[1]].providers())
"""


def doctor() -> list[Table]:
    """Tables of runtimes, export targets and tools of this machine: whether they are there, their use, how to get
    them.
    """
    return [runtime_table(), provider_table(), converter_table(), machine_table()]


def runtime_table() -> Table:
    """Every runtime: package, version, how to install."""
    rows = []
    for runtime in RUNTIMES.values():
        version = runtime.version()
        title = f"{runtime.title} (legacy: {runtime.successor})" if runtime.successor else runtime.title
        advice = runtime.why_not_here or ("" if version else runtime.install_command)
        rows.append((runtime.name, title, runtime.distribution, version or "not installed", advice))
    return Table("Runtimes", ("name", "runtime", "package", "version", "install"), tuple(rows))


def provider_table() -> Table:
    """Every execution provider that --provider takes, and whether the installed package of its runtime has it."""
    rows = tuple(row for runtime in RUNTIMES.values() for row in _provider_rows(runtime))
    return Table("Execution providers", ("runtime", "provider", "for", "tested", "in the package"), rows)


def _provider_rows(runtime: Runtime) -> Iterator[tuple[str, ...]]:
    """Known ones, and those that the installed package has besides."""
    here = _packaged_providers(runtime) if runtime.providers is not None and runtime.version() else ()
    absent = "no" if runtime.version() else "not installed"
    state = "it cannot be imported" if here is None else absent
    known = {provider.name: provider for provider in runtime.known_providers}
    for name in dict.fromkeys((*known, *(here or ()))):
        provider = known.get(name, Provider(name=name, title=DASH))
        tested = "yes" if provider.tested else "not tested"
        yield runtime.name, name, provider.title, tested, "yes" if name in (here or ()) else state


def _packaged_providers(runtime: Runtime) -> tuple[str, ...] | None:
    """The providers of the installed package, which another process imports; None if it cannot."""
    command = [sys.executable, "-P", "-c", _ASK_PROVIDERS, runtime.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return tuple(lines[-1].split()) if done.returncode == 0 and lines else None


def converter_table() -> Table:
    """Every export target: the packages that it needs and lacks."""
    rows = []
    for target in TARGETS.values():
        versions = {name: installed_version(name) for name in target.packages}
        missing = [name for name, version in versions.items() if version is None]
        rows.append(
            (
                target.name,
                "ready" if not missing else f"missing {', '.join(missing)}",
                ", ".join(f"{name} {version}" for name, version in versions.items() if version),
                _advice(missing, target.extra),
            )
        )
    return Table("Export targets", ("target", "state", "installed packages", "install"), tuple(rows))


def _advice(missing: list[str], extra: str) -> str:
    if needs_older_python(missing):
        return "use Python 3.11"
    return f"pip install 'edgesr[{extra}]'" if missing else ""
