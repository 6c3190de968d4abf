"""The sub-command `devices`: where measurements can run, and how to set up what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.completion import one_of
from edgesr.cli.terminal import print_lines, print_table, shown_progress
from edgesr.runtimes.errors import InputError, MissingPackageError

if TYPE_CHECKING:
    from edgesr.benchmarks.tables.table import Table

_DEVICES = ("arm64",)

devices = typer.Typer(invoke_without_command=True, help="List the devices that measurements can run on; set one up.")


@devices.callback()
def list_devices(context: typer.Context) -> None:
    """List the devices that measurements can run on; 'setup' makes one ready."""
    if context.invoked_subcommand is None:
        table, notes = _device_table()
        print_table(table)
        print_lines([*notes, _counter_line()])


@devices.command()
def setup(
    name: Annotated[
        str,
        typer.Argument(
            metavar="DEVICE", help="arm64: all emulated arm64 CPUs.", autocompletion=one_of(lambda: _DEVICES)
        ),
    ],
) -> None:
    """Download and unpack what a device needs, without root; about 260 MB in the user's cache folder."""
    if name not in _DEVICES:
        raise InputError(f"device {name!r} cannot be set up: choose one of {', '.join(_DEVICES)}")
    from edgesr.benchmarks.devices.arm64.cpus import CPUS
    from edgesr.benchmarks.devices.arm64.setup import set_up

    with shown_progress() as progress:
        guest = set_up(progress)
    versions = {"qemu": guest.record.qemu, **guest.record.wheels}
    print_lines(
        [
            f"{guest.folder}: {guest.record.size_bytes / 1e6:.0f} MB",
            f"devices: {', '.join(f'arm64:{cpu}' for cpu in CPUS)}",
            ", ".join(f"{package} {version}" for package, version in versions.items()),
        ]
    )


def _device_table() -> tuple[Table, list[str]]:
    """The devices, and why those that need a set-up are not ready."""
    from edgesr.benchmarks.devices.arm64.cpus import CPUS
    from edgesr.benchmarks.devices.arm64.guest import SETUP_COMMAND, installed_guest
    from edgesr.benchmarks.devices.emulated_x86 import NAME as X86_NAME
    from edgesr.benchmarks.devices.emulated_x86 import TITLE as X86_TITLE
    from edgesr.benchmarks.tables.table import Table

    state, advice, notes = "ready", "", []
    try:
        installed_guest()
    except MissingPackageError as error:
        state, advice, notes = "not set up", SETUP_COMMAND, [str(error)]
    rows = [("host", "this machine", "ready", "")]
    rows += [(f"arm64:{cpu.name}", f"emulated {cpu.title}", state, advice) for cpu in CPUS.values()]
    rows.append((X86_NAME, f"emulated {X86_TITLE}, with this host's runtimes", state, advice))
    return Table("Devices", ("device", "what", "state", "set-up"), tuple(rows)), notes


def _counter_line() -> str:
    from edgesr.benchmarks.devices.arm64.counter import COMPILERS, compiler

    program = compiler()
    if program is None:
        return f"Instruction counts on arm64: no C compiler ({', '.join(COMPILERS)}) is installed: apt install gcc"
    return f"Instruction counts on arm64: compiled with {program}"
