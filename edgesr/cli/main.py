"""The command line: one thin function a sub-command, heavy imports inside the command that needs them."""

from __future__ import annotations

import signal
import sys
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from edgesr.cli.bench import DeviceOption, bench
from edgesr.cli.compare import compare
from edgesr.cli.devices import devices
from edgesr.cli.diff import diff
from edgesr.cli.export import export
from edgesr.cli.profile import profile
from edgesr.cli.report import report
from edgesr.cli.terminal import (
    JsonOption,
    RuntimeOption,
    discard_output,
    escape_what_cannot_be_encoded,
    print_lines,
    print_table,
    shown_progress,
)
from edgesr.cli.train import train
from edgesr.cli.upscale import upscale
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import printable

_INTERRUPTED = 130
_CLOSED_PIPE = 141

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Export a PyTorch super-resolution generator to edge runtimes, prove its parity, measure its latency.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgesr {metadata.version('edgesr')}")
        raise typer.Exit


BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")]
ArtifactOption = Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")]


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of edgesr itself."""


@app.command()
def doctor() -> None:
    """List runtimes, converters and what this machine has: found, needed for what, how to get it."""
    from edgesr.export.doctor import converter_table, runtime_table
    from edgesr.export.machine import machine_table

    for table in (runtime_table(), converter_table(), machine_table()):
        print_table(table)


app.command()(export)


@app.command()
def parity(
    bundle: BundleArgument,
    runtime: RuntimeOption = None,
    artifact: ArtifactOption = None,
    device: DeviceOption = "host",
    json: JsonOption = None,
) -> None:
    """Compare every artifact with float32 PyTorch on the goldens; exit code 1 when one misses its tolerance.

    Other devices are measured beside this host, and compared with it.
    """
    from edgesr.benchmarks.device_parity import run_parity
    from edgesr.benchmarks.device_tables import difference_table
    from edgesr.benchmarks.devices import open_devices
    from edgesr.benchmarks.results import require_writable, select_artifacts, write_json
    from edgesr.benchmarks.tables import difference_causes, golden_table, not_measured, parity_table
    from edgesr.runtimes.bundle import open_bundle

    opened = open_bundle(bundle)
    chosen = select_artifacts(opened, artifact=artifact, runtime=runtime)
    require_writable(json, bundle)
    devices = open_devices(f"host,{device}")
    with shown_progress() as progress:
        results = run_parity(opened, devices, artifacts=chosen, progress=progress)
    write_json(results, json)
    print_table(golden_table(results))
    print_table(parity_table(results))
    if results.differences:
        print_table(difference_table(results))
    print_lines(difference_causes(results))
    print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)


app.command()(bench)
app.command()(compare)
app.command()(profile)
app.add_typer(devices, name="devices")
app.command()(diff)
app.command()(report)
app.command()(upscale)


@app.command()
def inspect(path: Annotated[Path, typer.Argument(help="A checkpoint, a model file or a bundle.")]) -> None:
    """Tell what a checkpoint, an ONNX or TFLite file, or a bundle contains."""
    from edgesr.export.inspection import inspect_path

    for table in inspect_path(path):
        print_table(table)


app.command()(train)


@app.command(name="eval")
def evaluate(
    path: Annotated[Path, typer.Argument(help="A checkpoint (.safetensors, published .pth) or a bundle.")],
    data: Annotated[Path, typer.Option(help="Folder of HR images, or of *_HR and *_LR pairs.")],
    degradation: Annotated[
        str, typer.Option(help="What LR suffers: clean, blur:2, noise:8, jpeg:30, joined with +, or mix.")
    ] = "clean",
    beside: Annotated[
        list[Path] | None, typer.Option(help="Another checkpoint or bundle to measure too; may be given again.")
    ] = None,
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of noise and mix.")] = 0,
    json: JsonOption = None,
) -> None:
    """Measure PSNR, SSIM and ST-LPIPS of a generator or a bundle's artifact against HR images, bicubic beside it."""
    from edgesr.benchmarks.degradations import parse_degradation
    from edgesr.benchmarks.image_pairs import read_image_set
    from edgesr.benchmarks.quality import measure_quality
    from edgesr.benchmarks.quality_tables import image_quality_table, mean_quality_table, quality_notes
    from edgesr.benchmarks.results import require_writable, write_json
    from edgesr.sr_model.candidates import candidates_from_paths, perceptual_distance

    require_writable(json, path, *(beside or []))
    parse_degradation(degradation)
    images = read_image_set(data)
    candidates = candidates_from_paths([path, *(beside or [])], images, artifact_id=artifact, runtime=runtime)
    with shown_progress() as progress:
        results = measure_quality(
            candidates,
            images,
            degradation=degradation,
            seed=seed,
            distance=perceptual_distance(),
            progress=progress,
        )
    write_json(results, json)
    print_table(image_quality_table(results))
    print_table(mean_quality_table(results))
    print_lines(quality_notes(results))


def main() -> None:
    """Entry point: exit code 0 done, 1 the check failed, 2 bad input or missing package (one line on stderr).

    Also 130 after Ctrl-C, 143 after SIGTERM, and 141 where the program that reads the output has ended, as 'head' does:
    the code that shells give for SIGPIPE.
    """
    signal.signal(signal.SIGTERM, _terminate)
    keep_large_blocks_after_torch()
    escape_what_cannot_be_encoded()
    try:
        _run()
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        discard_output()
        sys.exit(_CLOSED_PIPE)  # typer and rich end with 1 here, which says that a check failed


def _terminate(number: int, _: FrameType | None) -> None:
    """End as Ctrl-C does, so that worker processes and temporary files go too."""
    raise SystemExit(128 + number)


def _run() -> None:
    """Run the command and exit."""
    try:
        code = app(standalone_mode=False, prog_name="edgesr")
    except EdgesrError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(error.format_message())
    except OSError as error:
        _fail(f"{error.filename or 'writing the output'}: {error.strerror or error}")
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:  # typer's own code for Ctrl-C inside a command
        print("edgesr: interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    if message:  # none where the help was shown instead
        print(f"edgesr: {printable(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
