"""The command line: one thin function a sub-command, heavy imports inside the command that needs them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtimes.errors import EdgesrError, InputError
from runtimes.registry import require_packages

if TYPE_CHECKING:
    from benchmarks.tables import Table
    from runtimes.progress import Progress

_PIPE_WIDTH = 160

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Export a PyTorch super-resolution generator to edge runtimes, prove its parity, measure its latency.",
)

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle made by 'edgesr export'.")]
RuntimeOption = Annotated[str | None, typer.Option("--runtime", help="Only this runtime: ort, tflite, torchscript.")]
ArtifactOption = Annotated[str | None, typer.Option("--artifact", help="Only the artifact of this id.")]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the results to this file.")]


@app.command()
def doctor() -> None:
    """List runtimes and converters: installed, version, how to install."""
    from export.doctor import converter_table, runtime_table

    _print_table(runtime_table())
    _print_table(converter_table())


@app.command()
def export(
    output: Annotated[Path, typer.Option(help="Directory of the new bundle; an older bundle there is replaced.")],
    preset: Annotated[str | None, typer.Option(help="Preset whose embedded weights to export.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Checkpoint to export: .safetensors or published .pth.")
    ] = None,
    targets: Annotated[str, typer.Option(help="Comma-separated targets.")] = "onnx,tflite,torchscript",
    precision: Annotated[str, typer.Option(help="Comma-separated precisions.")] = "fp32",
    graph: Annotated[str, typer.Option(help="Comma-separated graphs: full, tile.")] = "full,tile",
    tile_size: Annotated[str, typer.Option(help="LR height x width of fixed-size files.")] = "128x128",
    cache_dir: Annotated[Path | None, typer.Option(help="Cache folder instead of the user's.")] = None,
) -> None:
    """Export a generator to a bundle of files for edge runtimes."""
    require_packages("export", ("torch", "safetensors", "filelock", "platformdirs"), extra="export")
    from export.pipeline import ExportOptions, export_bundle

    options = ExportOptions(
        preset=preset,
        checkpoint=checkpoint,
        targets=_split(targets),
        precisions=_split(precision),
        graphs=_split(graph),
        tile_size=_size(tile_size),
    )
    with _progress() as progress:
        report = export_bundle(options, output, cache_dir=cache_dir, progress=progress)
    made = ", ".join(report.conversions) or "nothing, all stages were in the cache"
    typer.echo(f"{output}: {len(report.bundle.manifest.artifacts)} artifacts; converted: {made}")


@app.command()
def parity(
    bundle: BundleArgument, runtime: RuntimeOption = None, artifact: ArtifactOption = None, json: JsonOption = None
) -> None:
    """Compare every artifact with float32 PyTorch on the goldens; exit code 1 when one misses its tolerance."""
    from benchmarks.device import HostDevice
    from benchmarks.results import require_writable, run_parity, select_artifacts, write_json
    from benchmarks.tables import golden_table, not_measured, parity_table
    from runtimes.bundle import open_bundle

    opened = open_bundle(bundle)
    chosen = select_artifacts(opened, artifact=artifact, runtime=runtime)
    require_writable(json)
    with _progress() as progress:
        results = run_parity(opened, HostDevice(), artifacts=chosen, progress=progress)
    write_json(results, json)
    _print_table(golden_table(results))
    _print_table(parity_table(results))
    _print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)


@app.command()
def bench(
    bundle: BundleArgument,
    threads: Annotated[str, typer.Option(help="Comma-separated thread counts.")] = "1",
    runtime: RuntimeOption = None,
    artifact: ArtifactOption = None,
    calls: Annotated[int, typer.Option(min=1, help="At least this many timed calls.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.0, help="At least this many seconds of timed calls.")] = 2.0,
    json: JsonOption = None,
) -> None:
    """Measure latency and peak memory of every artifact, a fresh process each."""
    from benchmarks.device import HostDevice
    from benchmarks.jobs import LatencySettings
    from benchmarks.results import require_writable, run_latency, select_artifacts, write_json
    from benchmarks.tables import latency_table, not_measured
    from runtimes.bundle import open_bundle

    opened = open_bundle(bundle)
    require_writable(json)
    with _progress() as progress:
        results = run_latency(
            opened,
            HostDevice(),
            artifacts=select_artifacts(opened, artifact=artifact, runtime=runtime),
            threads=_positive_integers("--threads", threads),
            settings=LatencySettings(calls=calls, seconds=seconds),
            progress=progress,
        )
    write_json(results, json)
    _print_table(latency_table(results))
    _print_lines(not_measured(results))
    raise typer.Exit(0 if results.passed else 1)


@app.command()
def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image, or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The image to write, or a folder for them.")],
    bundle: Annotated[Path, typer.Option(help="A bundle made by 'edgesr export'.")],
    artifact: ArtifactOption = None,
    runtime: RuntimeOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the runtime.")] = 1,
) -> None:
    """Upscale an image or a folder of images."""
    from runtimes.bundle import open_bundle
    from runtimes.upscale_files import upscale_files

    opened = open_bundle(bundle)
    with _progress() as progress:
        written = upscale_files(
            source, target, opened, artifact_id=artifact, runtime=runtime, threads=threads, progress=progress
        )
    for item in written:
        typer.echo(f"{item.path}: {item.width}x{item.height} by {item.artifact} on {item.runtime}")


@app.command()
def inspect(path: Annotated[Path, typer.Argument(help="A checkpoint, a model file or a bundle.")]) -> None:
    """Tell what a checkpoint, an ONNX or TFLite file, or a bundle contains."""
    from export.inspection import inspect_path

    for table in inspect_path(path):
        _print_table(table)


@app.command()
def train(
    photographs: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of photographs.")],
    preset: Annotated[str, typer.Option(help="Preset to train.")],
    output: Annotated[Path, typer.Option(help="Folder of the run; the same command continues an interrupted run.")],
    steps: Annotated[int, typer.Option(help="Updates.")] = 16_000,
    batch_size: Annotated[int, typer.Option(help="Patches an update.")] = 16,
    patch_size: Annotated[int, typer.Option(help="Side of an LR patch.")] = 32,
    learning_rate: Annotated[
        float, typer.Option(help="First learning rate; it falls to --final-learning-rate.")
    ] = 1e-3,
    final_learning_rate: Annotated[float, typer.Option(help="Last learning rate.")] = 1e-6,
    seed: Annotated[int, typer.Option(help="Seed of weights and patches.")] = 0,
    validate_every: Annotated[int, typer.Option(help="Updates between two validations, which also save.")] = 1_000,
    validation: Annotated[Path | None, typer.Option(help="Folder of HR images to validate on.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint to start from.")] = None,
) -> None:
    """Train a preset with the L1 loss on a folder of photographs."""
    require_packages("training", ("torch", "safetensors"), extra="train")
    from sr_model.config import TrainConfig
    from sr_model.train import train as run_training

    config = TrainConfig(
        preset=preset,
        steps=steps,
        batch_size=batch_size,
        patch_size=patch_size,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        seed=seed,
        validate_every=validate_every,
    )
    with _progress() as progress:
        path = run_training(
            photographs, output, config, validation=validation, checkpoint=checkpoint, progress=progress
        )
    typer.echo(f"{path}: trained for {steps} steps")


@app.command(name="eval")
def evaluate(
    path: Annotated[Path, typer.Argument(help="A checkpoint.")],
    data: Annotated[Path, typer.Option(help="Folder of HR images, or of *_HR and *_LR pairs.")],
) -> None:
    """Measure PSNR of a checkpoint against HR photographs, bicubic beside it."""
    require_packages("evaluating a checkpoint", ("torch", "safetensors"), extra="train")
    from sr_model.checkpoint import load_checkpoint
    from sr_model.evaluate import evaluate_folder, quality_table

    with _progress() as progress:
        results = evaluate_folder(load_checkpoint(path), data, progress)
    _print_table(quality_table(results))


def main() -> None:
    """Entry point: exit code 0 done, 1 the check failed, 2 bad input or missing package (one line on stderr)."""
    try:
        code = app(standalone_mode=False)
    except EdgesrError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(error.format_message())
    except OSError as error:
        _fail(f"{error.filename or 'file system'}: {error.strerror or error}")
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("edgesr: interrupted", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    typer.echo(f"edgesr: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise InputError(f"--tile-size {text!r}: give height x width in LR pixels, for example 128x128")
    return int(sides[0]), int(sides[1])


def _positive_integers(option: str, text: str) -> list[int]:
    parts = _split(text)
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"{option} {text!r}: give whole numbers above 0, separated by commas")
    return [int(part) for part in parts]


@contextmanager
def _progress() -> Iterator[Progress]:
    """A callback that draws a progress bar on stderr for every task; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from runtimes.progress import ProgressEvent

    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    note = TextColumn("{task.fields[note]}", markup=False)
    with Bars(*columns, note, console=console, transient=True, disable=not console.is_terminal) as bars:

        def draw(event: ProgressEvent) -> None:
            if event.task not in tasks:
                tasks[event.task] = bars.add_task(event.task, total=event.total, note=event.note)
            bars.update(tasks[event.task], completed=event.done, total=event.total, note=event.note)

        yield draw


def _print_table(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        drawn.add_column(column, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    console = Console()
    (console if console.is_terminal else Console(width=_PIPE_WIDTH)).print(drawn)


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)
