"""Lower precisions on the command line: refusals with exit code 2 and nothing written, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesr.export.calibration.photographs import photograph
from edgesr.export.quantization.planning.plan_file import load_plan
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.sr_model.generators.bodies.lr_body import LRBody
from edgesr.sr_model.generators.checkpoint import save_checkpoint
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.generator import Generator

RunCli = Callable[..., tuple[int, str, str]]


def save_pictures(folder: Path, count: int, side: int, *, grey: bool = False) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(count):
        pixels = random.integers(0, 256, (side, side, 1 if grey else 3), dtype=np.uint8)
        Image.fromarray(np.broadcast_to(pixels, (side, side, 3)).copy()).save(folder / f"{index}.png")


def refused(run_cli: RunCli, cache_dir: Path, tmp_path: Path, *options: object, naming: str) -> str:
    """Assert exit code 2, a last line on stderr that names the fault, no traceback and nothing at --output."""
    tile = ("--targets", "onnx", "--graph", "tile", "--tile-size", "64x64")
    code, out, err = run_cli("export", "--output", tmp_path / "bundle", "--cache-dir", cache_dir, *tile, *options)
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("edgesr: ")
    assert naming in err.splitlines()[-1], err
    assert not (tmp_path / "bundle").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".bundle")]
    return err


@pytest.mark.parametrize(
    ("name", "count", "side", "grey", "reason"),
    [
        ("missing", 0, 0, False, "no such folder"),
        ("empty", 0, 0, False, "empty"),
        ("grey", 9, 64, True, "all images are grey"),
        ("tiny", 9, 40, False, "holds 9 images, none of at least 48x48"),
        ("few", 3, 50, False, "gives 3 different tiles"),
    ],
)
@pytest.mark.parametrize("precision", ["int8", "w8a16"])
def test_calibration_folders_that_are_refused(
    name: str,
    count: int,
    side: int,
    grey: bool,
    reason: str,
    precision: str,
    run_cli: RunCli,
    cache_dir: Path,
    tmp_path: Path,
) -> None:
    if name != "missing":
        save_pictures(tmp_path / name, count, side, grey=grey)
    options = ("--precision", precision, "--calibration", tmp_path / name)
    err = refused(run_cli, cache_dir, tmp_path, *options, naming=f"{tmp_path / name}: ")
    assert reason in err


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("--int8-min-psnr", "-1"), "--int8-min-psnr -1: give a number of dB from 0 to 100"),
        (("--int8-min-psnr", "nan"), "--int8-min-psnr nan"),
        (("--int8-min-psnr", "101"), "--int8-min-psnr 101"),
        (("--int8-min-psnr", "much"), "'--int8-min-psnr'"),
        (("--int8-max-shift", "0"), "--int8-max-shift 0: "),
        (("--int8-max-shift", "256"), "--int8-max-shift 256"),
        (("--int8-ranges", "nonsense"), "--int8-ranges 'nonsense': choose minmax, percentile, mse"),
        (("--targets", "torchscript"), "torchscript cannot be exported as int8"),
        (("--targets", "onnx", "--precision", "int8,w8d"), "onnx cannot be exported as w8d"),
    ],
)
def test_options_that_are_refused(
    options: tuple[str, ...], naming: str, run_cli: RunCli, cache_dir: Path, tmp_path: Path
) -> None:
    err = refused(run_cli, cache_dir, tmp_path, "--precision", "int8", *options, naming=naming)
    assert len(err.splitlines()) == 1


def small_checkpoint(folder: Path) -> Path:
    """A seeded generator of five convolutions at LR size that exports in seconds."""
    config = GeneratorConfig(
        name="small", scale=2, body="lr", width=8, blocks=1, activation="leaky_relu", padding="zero", projection=False
    )
    torch.manual_seed(2)
    generator = Generator(config).eval().requires_grad_(False)
    assert isinstance(generator.body, LRBody) and generator.body.tail.bias is not None
    generator.body.tail.weight *= 3
    generator.body.tail.bias.fill_(0.01)
    save_checkpoint(folder / "small.safetensors", generator, {})
    return folder / "small.safetensors"


@pytest.mark.slow
def test_a_budget_that_cannot_be_kept_costs_the_int8_files(run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    checkpoint, output = small_checkpoint(tmp_path), tmp_path / "bundle"
    options = ("--checkpoint", checkpoint, "--int8-min-psnr", "99", "--targets", "onnx", "--graph", "tile")
    arguments = ("export", *options, "--output", output, "--cache-dir", cache_dir)
    code, _, err = run_cli(*arguments, "--precision", "fp32,fp16,int8")
    assert code == 1
    assert "int8, all operators" in err and "int8, layers only" in err and "in float" in err
    lines = [line for line in err.splitlines() if "could not be made" in line]
    assert len(lines) == 1
    assert "onnx-int8-tile could not be made: --int8-min-psnr 99 with --int8-max-shift 0.3 cannot be kept" in lines[0]
    assert "best: " in lines[0] and "mean" in lines[0]
    assert [a.id for a in open_bundle(output).manifest.artifacts] == ["onnx-fp32-tile", "onnx-fp16-tile"]
    code, _, err = run_cli(*arguments, "--precision", "int8")
    assert code == 2 and "--int8-min-psnr 99" in err
    assert len(open_bundle(output).manifest.artifacts) == 2


@pytest.mark.slow
def test_a_plan_is_written_and_taken(run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    """Its layers without a search, also where the budget was missed; other options and weights are refused."""
    checkpoint, plan = small_checkpoint(tmp_path), tmp_path / "plan.json"
    tile = ("--targets", "onnx", "--graph", "tile", "--precision", "fp32,int8", "--plan", plan)
    budget = ("--int8-min-psnr", "99")
    arguments = ("export", "--checkpoint", checkpoint, *tile, "--cache-dir", cache_dir)
    code, _, err = run_cli(*arguments, *budget, "--output", tmp_path / "missed")
    assert code == 1 and f"{plan}: the plan of int8 is written" in err and load_plan(plan).missed is not None
    code, _, err = run_cli(*arguments, "--output", tmp_path / "taken")
    assert code == 0, err
    assert f"{plan}: this plan misses the budget" in err and "all operators" not in err
    taken = open_bundle(tmp_path / "taken")
    record = taken.artifact("onnx-int8-tile").quantization
    assert record is not None and record.float_layers == tuple(
        load_plan(plan).labels[layer] for layer in load_plan(plan).float_layers
    )
    other = tmp_path / "other"
    other.mkdir()
    preset = ("--preset", "srrescycgan-mobile")
    refused(
        run_cli, cache_dir, other, *preset, *tile, naming=f"{plan}: is a plan of other weights: those of layer head"
    )
    code, _, err = run_cli(*arguments, *budget, "--output", tmp_path / "none")
    assert code == 2 and f"--int8-min-psnr: the plan {plan} exists and has its own" in err
    plan.write_text("{}")
    code, _, err = run_cli(*arguments, "--output", tmp_path / "none")
    assert code == 2 and f"{plan}: is no plan of a quantization" in err and not (tmp_path / "none").exists()
    code, _, err = run_cli(*arguments, "--plan", tmp_path / "absent" / "plan.json", "--output", tmp_path / "none")
    assert code == 2 and "no such folder" in err
    code, _, err = run_cli(*arguments, "--precision", "fp32", "--output", tmp_path / "none")
    assert code == 2 and "applies to int8 alone; add int8 to --precision" in err


@pytest.mark.slow
def test_a_loss_of_quality_that_is_kept(run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    """On two photographs; the figure is in the table, in the manifest and in what the files are held to."""
    (tmp_path / "photographs").mkdir()
    for name in ("cat", "coffee"):
        pixels = photograph(name, (96, 80)).transpose(1, 2, 0).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photographs" / f"{name}.png")
    tile = ("--targets", "onnx", "--graph", "tile", "--precision", "int8")
    options = ("--checkpoint", small_checkpoint(tmp_path), *tile)
    quality = ("--max-drop", "0.5dB", "--validation", tmp_path / "photographs")
    arguments = ("export", *options, *quality, "--output", tmp_path / "bundle", "--cache-dir", cache_dir)
    code, out, err = run_cli(*arguments)
    assert code == 0, err
    assert "loss of quality" in err and " dB on " in out
    (artifact,) = open_bundle(tmp_path / "bundle").manifest.artifacts
    record = artifact.quantization
    assert record is not None and record.drop_db is not None and record.drop_db <= 0.5
    assert (record.max_drop_budget_db, record.validation) == (0.5, str(tmp_path / "photographs"))
    assert record.mean_psnr_db is not None
    tolerance = open_bundle(tmp_path / "bundle").manifest.goldens[0].tolerances["int8"]
    assert record.mean_psnr_db - 5 < tolerance.min_psnr_db < record.mean_psnr_db
    code, _, err = run_cli(*arguments, "--max-drop", "much")
    assert code == 2 and "--max-drop 'much': give a number of dB" in err


def test_a_target_without_the_precision_is_left_out_with_a_notice(
    run_cli: RunCli, quantized_bundle: Bundle, mobile_bundle: Bundle, cache_dir: Path, tmp_path: Path
) -> None:
    """The default targets."""
    options = ("--precision", "fp32,int8", "--tile-size", "64x64", "--graph", "tile")
    code, out, err = run_cli("export", "--output", tmp_path / "bundle", "--cache-dir", cache_dir, *options)
    assert code == 0, err
    bundle = open_bundle(tmp_path / "bundle")
    assert [a.id for a in bundle.manifest.artifacts] == [
        "onnx-fp32-tile",
        "onnx-int8-tile",
        "tflite-fp32-tile-64x64",
        "tflite-int8-tile-64x64",
        "torchscript-fp32-tile",
    ]
    shown = " ".join(err.split())
    assert "torchscript has no int8: its int8 gave 28 dB" in shown
    assert "onnx has no" not in shown and "tflite has no" not in shown
    assert "Quantization" in out and "onnx-int8-tile" in out and "synthetic, 27 tiles" in out
