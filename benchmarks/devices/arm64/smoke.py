"""The check that ends a set-up: on every emulated CPU the guest imports its packages, in the pinned versions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from edgesr.benchmarks.devices.arm64.cpus import CPUS, Cpu
from edgesr.benchmarks.devices.arm64.guest import Guest
from edgesr.benchmarks.devices.arm64.recipe import wheel_pins
from edgesr.benchmarks.devices.emulated_x86 import EmulatedX86Device
from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import parse_json

_PROGRAM = """
import json
from importlib import metadata
import ai_edge_litert.interpreter, MNN.expr, MNN.nn, ncnn, numpy.typing, onnxruntime, openvino, PIL.Image
print(json.dumps({{name: metadata.version(name) for name in {names!r}}}))
"""


def check_guest(guest: Guest) -> None:
    """Raise an InputError when the guest does not start on a CPU, or has other versions than the pinned ones."""
    pinned = {name: version for name, (version, _) in wheel_pins().items()}
    with ThreadPoolExecutor() as pool:
        for found in pool.map(lambda cpu: imported_versions(guest, cpu), CPUS.values()):
            if found != pinned:
                raise InputError(f"arm64 guest: it imports {found} instead of the pinned {pinned}: set it up again")
    check_x86(guest)


def check_x86(guest: Guest) -> None:
    """Raise an InputError when the emulated x86-64 CPU does not start this host's Python."""
    device = EmulatedX86Device(guest)
    _output([*device.python, "-c", "pass"], device.process_environment, f"{device.name} does not start")


def imported_versions(guest: Guest, cpu: Cpu) -> dict[str, str]:
    """Version of each pinned distribution, told by the guest after it imported all of them; MNN prints a line, too."""
    command = guest.command(cpu, python_path=guest.site_packages)
    program = _PROGRAM.format(names=tuple(wheel_pins()))
    failed = f"arm64 guest: its packages cannot be imported on {cpu.name}"
    printed = _output([*command.arguments, "-c", program], command.environment, failed).splitlines()
    versions: dict[str, str] = parse_json("".join(line for line in printed if line.startswith("{")))
    return versions


def _output(arguments: list[str], environment: dict[str, str], failed: str) -> str:
    """Standard output of a process; raises an InputError that begins with ``failed`` unless it ends well."""
    done = ended_process(arguments, environment=environment)
    if done.returncode != 0:
        raise InputError(f"{failed}: {describe_exit(done.returncode, done.stderr)}")
    return done.stdout
