"""No command replaces a file that it is given to read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from edgesr.export.calibration.photographs import photograph, photograph_files
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import write_image
from edgesr.runtimes.upscaling.options import FileOptions
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.places import RELEASE


@pytest.mark.parametrize("option", ["--output", "--markdown"])
def test_a_report_does_not_replace_its_results(tmp_path: Path, run_cli: RunCli, option: str) -> None:
    release = Path(shutil.copytree(RELEASE, tmp_path / "release"))
    target = release / ".." / "release" / "parity.json"
    outputs = ["--output", tmp_path / "r.html"] if option == "--markdown" else []
    arguments = ("--parity", release / "parity.json", *outputs, option, target)
    refused(run_cli, tmp_path, "report", release / "bundle", *arguments, naming="parity.json: is read by this command")


def test_no_result_replaces_a_file_of_the_bundle(tmp_path: Path, run_cli: RunCli) -> None:
    bundle = Path(shutil.copytree(RELEASE, tmp_path / "release")) / "bundle"
    (tmp_path / "link.json").symlink_to(bundle / "manifest.json")
    for target in (bundle / "manifest.json", bundle / "onnx-fp32-full.onnx", tmp_path / "link.json"):
        for command in ("parity", "bench", "profile"):
            refused(run_cli, tmp_path, command, bundle, "--json", target, naming=f"{target}: is read by this command")
        refused(run_cli, tmp_path, "report", bundle, "--output", target, naming=f"{target}: is read by this command")
    same = ("--output", tmp_path / "same.html", "--markdown", tmp_path / "same.html")
    refused(run_cli, tmp_path, "report", bundle, *same, naming="is given for the page and for Markdown")
    old = tmp_path / "release" / "latency.json"
    refused(run_cli, tmp_path, "bench", bundle, "--against", old, "--json", old, naming="is read by this command")


def test_an_evaluation_does_not_replace_its_checkpoint(tmp_path: Path, run_cli: RunCli) -> None:
    checkpoint = Path(shutil.copyfile(embedded_checkpoint("srrescycgan-mobile"), tmp_path / "own.safetensors"))
    arguments = ("eval", checkpoint, "--data", tmp_path, "--json", checkpoint)
    refused(run_cli, tmp_path, *arguments, naming="own.safetensors: is read by this command")


def test_an_evaluation_does_not_replace_its_photographs(tmp_path: Path, run_cli: RunCli) -> None:
    hr = tmp_path / "hr"
    hr.mkdir()
    write_image(hr / "p.png", photograph("cat", (64, 64)))
    (tmp_path / "link.json").symlink_to(hr / "p.png")
    for target in (hr / "p.png", tmp_path / "link.json"):
        arguments = ("eval", RELEASE / "bundle", "--data", hr, "--json", target)
        refused(run_cli, tmp_path, *arguments, naming=f"{target}: is read by this command")


def test_an_export_does_not_keep_its_cache_in_the_bundle(tmp_path: Path, run_cli: RunCli) -> None:
    cache = tmp_path / "bundle" / "cache"
    options = ("--output", tmp_path / "bundle", "--cache-dir", cache)
    refused(run_cli, tmp_path, "export", *options, naming=f"{cache}: lies in")


def test_an_export_does_not_replace_its_checkpoint(tmp_path: Path, run_cli: RunCli, mobile_bundle: Bundle) -> None:
    bundle = Path(shutil.copytree(mobile_bundle.root, tmp_path / "bundle"))
    checkpoint = Path(shutil.copyfile(embedded_checkpoint("srrescycgan-mobile"), bundle / "own.safetensors"))
    naming = f"{checkpoint}: lies in {bundle}, which the new bundle replaces"
    refused(run_cli, tmp_path, "export", "--checkpoint", checkpoint, "--output", bundle, naming=naming)


def test_an_export_does_not_replace_its_photographs(tmp_path: Path, run_cli: RunCli, mobile_bundle: Bundle) -> None:
    bundle = Path(shutil.copytree(mobile_bundle.root, tmp_path / "bundle"))
    (bundle / "photographs").mkdir()
    Image.open(photograph_files()[0]).save(bundle / "photographs" / "a.png")
    options = ("--targets", "onnx", "--precision", "int8", "--calibration", bundle / "photographs", "--output", bundle)
    refused(run_cli, tmp_path, "export", *options, naming="which the new bundle replaces")


@pytest.mark.parametrize("limit", [float("nan"), 0.0, -1.0])
def test_a_limit_of_pixels_that_is_none_is_refused(limit: float) -> None:
    """A comparison with NaN is false, so that nothing would be too large."""
    with pytest.raises(InputError, match="give a number above 0"):
        FileOptions(max_megapixels=limit)
