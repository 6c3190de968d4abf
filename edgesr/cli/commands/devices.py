"""The sub-command `devices`: where measurements can run, and how to set up what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from edgesr.cli.completion import one_of, set_ups
from edgesr.cli.terminal import print_lines, print_table, shown_progress

devices = typer.Typer(
    invoke_without_command=True,
    help="List the devices that measurements can run on, or set up, check or clean one of them.",
)


class _SetUpCommand(TyperCommand):
    """Its help lists what can be set up. It is read when help is shown: no other command loads the devices."""

    def format_help(self, *given: Any) -> None:
        from edgesr.benchmarks.devices.registry import set_ups

        argument: Any = self.params[0]
        argument.help = "; ".join(f"{one.name}: {one.title}" for one in set_ups().values()) + "."
        super().format_help(*given)


@devices.callback()
def list_devices(context: typer.Context) -> None:
    """List the devices that measurements can run on."""
    if context.invoked_subcommand is None:
        from edgesr.benchmarks.devices import registry
        from edgesr.benchmarks.tables.devices import device_table

        listed = registry.list_devices()
        print_table(device_table(listed.devices))
        print_lines(list(listed.notes))


@devices.command(cls=_SetUpCommand)
def setup(name: Annotated[str, typer.Argument(metavar="DEVICE", autocompletion=one_of(set_ups))]) -> None:
    """Download what a device needs into the user's cache folder: at most 400 MB, and no root is needed."""
    from edgesr.benchmarks.devices.registry import set_up_device

    with shown_progress() as progress:
        made = set_up_device(name, progress)
    print_lines(
        [
            f"{made.folder}: {made.size_bytes / 1e6:.0f} MB",
            f"devices: {', '.join(made.devices)}",
            ", ".join(f"{package} {version}" for package, version in made.packages.items()),
        ]
    )


@devices.command()
def check(
    name: Annotated[str, typer.Argument(metavar="DEVICE", help="Another machine: ssh:[USER@]HOST or adb:SERIAL.")],
    bundle: Annotated[
        Path | None,
        typer.Argument(metavar="[BUNDLE]", help="Also check there that one file of this bundle computes right."),
    ] = None,
) -> None:
    """Tell what another machine is, send what measuring needs, and try it there; the exit code is 1 if it fails."""
    from edgesr.benchmarks.runs.devices import check_device
    from edgesr.runtimes.bundle.opening import open_bundle

    works = True
    for one in check_device(name, None if bundle is None else open_bundle(bundle)):
        print_lines([f"{one.what}: {one.found}"])
        works = works and one.ok
    raise typer.Exit(0 if works else 1)


@devices.command()
def clean(
    name: Annotated[
        str, typer.Argument(metavar="DEVICE", help="Another machine: ssh:[USER@]HOST or adb:SERIAL; or browser.")
    ],
) -> None:
    """Delete everything that edgesr put on another machine, or (for browser) built here for browsers."""
    from edgesr.benchmarks.runs.devices import clean_device

    print_lines([clean_device(name)])
