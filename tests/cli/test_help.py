"""The names and defaults in help texts are those of the tables and the library."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Literal

import pytest

from edgesr.benchmarks.devices import registry as devices
from edgesr.benchmarks.quality.degradations import NAMES as DEGRADATIONS
from edgesr.cli import completion
from edgesr.export.formats.targets import TARGETS
from edgesr.export.options import ExportOptions
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.sr_model.evaluation.evaluate import EvalOptions
from edgesr.sr_model.generators.checkpoint import WEIGHTS
from edgesr.sr_model.generators.config import PRESETS
from edgesr.sr_model.training.config import LossWeights, TrainConfig, parse_loss_weights
from edgesr.sr_model.training.run.resources import TRAINING_DEVICES
from tests.helpers.cli_refusals import RunCli
from tests.house.test_imports import heavy_modules_after

COMMANDS = (
    *("doctor", "export", "parity", "bench", "compare", "profile"),
    *("diff", "report", "upscale", "inspect", "train", "eval"),
)
TOY = "toy-name"
OTHER_NAMES = {"precisions": "--precision", "graphs": "--graph", "int8_min_psnr_db": "--int8-min-psnr"}
NO_OPTIONS = {"gan_milestones"}
RUN = """
from edgesr.cli.main import main
def run(arguments):
    sys.argv = ["edgesr", *arguments]
    try:
        main()
    except SystemExit:
        pass
"""


@pytest.fixture
def help_of(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """The help of an option of a command, on one line."""
    monkeypatch.setenv("COLUMNS", "400")

    def run(command: str, option: str) -> str:
        code, out, _ = run_cli(command, "--help")
        assert code == 0
        lines = [line for line in out.splitlines() if option in line.split()]
        assert len(lines) == 1
        return lines[0]

    return run


@pytest.mark.parametrize(
    ("option", "commands", "names"),
    [
        ("--preset", ("export", "train"), completion.presets),
        ("--weights", ("export",), completion.weights),
        ("--targets", ("export",), completion.targets),
        ("--precision", ("export",), completion.precisions),
        ("--graph", ("export",), completion.graphs),
        ("--int8-ranges", ("export",), completion.range_methods),
        ("--runtime", ("bench", "eval", "parity", "profile", "upscale"), completion.runtimes),
        ("--device", ("bench", "parity"), completion.devices),
        ("--device", ("train",), lambda: TRAINING_DEVICES),
        ("--degradation", ("eval", "train"), lambda: " ".join(DEGRADATIONS).split()),
    ],
)
def test_help_names_all_of_a_table(
    option: str, commands: tuple[str, ...], names: Callable[[], Iterable[str]], help_of: Callable[[str, str], str]
) -> None:
    assert len(list(names())) > 1
    for command in commands:
        words = help_of(command, option).replace(",", " ").replace(".", " ").replace(";", " ").split()
        assert set(names()) <= set(words), command


@pytest.mark.parametrize(
    ("option", "commands", "table"),
    [
        ("--preset", ("export", "train"), PRESETS),
        ("--weights", ("export",), WEIGHTS),
        ("--targets", ("export",), TARGETS),
        ("--runtime", ("bench", "eval", "parity", "profile", "upscale"), RUNTIMES),
    ],
)
def test_help_follows_a_table(
    option: str,
    commands: tuple[str, ...],
    table: dict[str, object],
    help_of: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for command in commands:
        assert TOY not in help_of(command, option)
    monkeypatch.setitem(table, TOY, next(iter(table.values())))
    for command in commands:
        assert TOY in help_of(command, option)


@pytest.mark.parametrize(
    ("place", "option"),
    [
        ("edgesr.runtimes.bundle.manifest.Precision", "--precision"),
        ("edgesr.runtimes.bundle.manifest.GraphKind", "--graph"),
        ("edgesr.runtimes.bundle.calibrated_quantization.RangeMethod", "--int8-ranges"),
    ],
)
def test_help_follows_a_type(
    place: str, option: str, help_of: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, Literal["toy-name", "another"])
    assert TOY in help_of("export", option)


def test_help_follows_the_devices(help_of: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "device_names", lambda: ["host", TOY])
    for command in ("bench", "parity"):
        assert f"host, {TOY}" in help_of(command, "--device")


def test_no_help_shows_a_placeholder(run_cli: RunCli) -> None:
    for command in COMMANDS:
        code, out, _ = run_cli(command, "--help")
        assert code == 0 and "{" not in out.partition("Options")[2] and "dynamic" not in out


OPTIONS = {
    ("export", ExportOptions): {
        "precisions": "--precision",
        "graphs": "--graph",
        "int8_min_psnr_db": "--int8-min-psnr",
    },
    ("train", TrainConfig): {"gan_milestones": None},
    ("eval", EvalOptions): {},
    ("upscale", UpscaleOptions): {},
    ("upscale", FileOptions): {},
}


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("export", ExportOptions),
        ("train", TrainConfig),
        ("eval", EvalOptions),
        ("upscale", UpscaleOptions),
        ("upscale", FileOptions),
    ],
)
def test_help_shows_the_defaults_of_the_library(command: str, options: Any, help_of: Callable[[str, str], str]) -> None:
    for field in dataclasses.fields(options):
        default, option = field.default, OTHER_NAMES.get(field.name, f"--{field.name.replace('_', '-')}")
        shown = isinstance(default, str | int | float | tuple) and not isinstance(default, bool) and default != ()
        if shown and field.name not in NO_OPTIONS:
            between = "x" if field.name == "tile_size" else ","
            text = between.join(map(str, default)) if isinstance(default, tuple) else str(default)
            assert f"[default: {text}]" in help_of(command, option)


def test_help_shows_the_loss_weights_of_the_library(help_of: Callable[[str, str], str]) -> None:
    text = help_of("train", "--loss-weights").rpartition("[default: ")[2].partition("]")[0]
    assert parse_loss_weights(text) == LossWeights() and text.count("=") == len(dataclasses.fields(LossWeights))


def test_help_shows_what_is_taken_without_an_option(help_of: Callable[[str, str], str]) -> None:
    assert "256MB unless given" in help_of("upscale", "--memory")
    assert "95 unless given" in help_of("upscale", "--quality")


@pytest.mark.parametrize("arguments", [["bench", "--help"], ["train", "--help"], ["upscale", "--help"]])
def test_help_imports_no_framework(arguments: list[str]) -> None:
    assert heavy_modules_after(f"{RUN}\nrun({arguments!r})") == []


def test_help_of_edgesr_reads_no_table() -> None:
    assert heavy_modules_after(f"{RUN}\nrun(['--help'])\nassert 'numpy' not in sys.modules") == []
