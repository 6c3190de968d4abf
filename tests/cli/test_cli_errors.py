"""Bad input on the command line: exit code 2, one line on stderr that names it, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.cli_refusals import RunCli, Write, nothing, picture, refused, text, truncate


def _truncated_picture(path: Path) -> None:
    truncate(picture(path))


BAD_IMAGES: dict[str, Write] = {
    "missing.png": nothing,
    "empty.png": Path.touch,
    "empty.jpg": Path.touch,
    "truncated.png": _truncated_picture,
    "truncated.jpg": _truncated_picture,
    "truncated.webp": _truncated_picture,
    "truncated.bmp": _truncated_picture,
    "truncated.tif": _truncated_picture,
    "text.png": text,
    "text.txt": text,
    "binary.png": lambda path: path.write_bytes(bytes(range(256))),
    "cut-header.png": lambda path: truncate(picture(path), 20),
    "empty-folder": Path.mkdir,
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_upscale_refuses_bad_image(name: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = tmp_path / name
    BAD_IMAGES[name](source)
    arguments = (source, tmp_path / "out.png", "--bundle", mobile_bundle.root)
    refused(run_cli, tmp_path, "upscale", *arguments, naming=source)


@pytest.mark.parametrize("name", ["out.gif", "out", "missing/out.png", "folder.png", "file/out.png"])
def test_upscale_refuses_output(name: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = picture(tmp_path / "in.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    arguments = (source, tmp_path / name, "--bundle", mobile_bundle.root)
    refused(run_cli, tmp_path, "upscale", *arguments, naming=tmp_path / name)


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("--artifact", "onnx-nope"), "'onnx-nope'"),
        (("--runtime", "nope"), "'nope'"),
        (("--artifact", "onnx-fp32-full", "--runtime", "tflite"), "'tflite'"),
        (("--memory", "20XB"), "--memory '20XB': give a size such as 256MB"),
        (("--memory", ""), "--memory"),
        (("--memory", "0"), "memory is 0 bytes"),
        (("--tile-size", "abc"), "--tile-size 'abc'"),
        (("--tile-size", "0x9"), "--tile-size '0x9'"),
        (("--quality", "50"), "lossless"),
        (("--suffix", "/x.png"), "--suffix '/x.png': give one of .png, .jpg"),
        (("--suffix", ""), "--suffix ''"),
        (("--threads", "0"), "'--threads'"),
        (("--threads", "x"), "'--threads'"),
    ],
)
@pytest.mark.parametrize("source", ["in.png", "folder"])
def test_upscale_refuses_option(
    options: tuple[str, ...], naming: str, source: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    """For one image and for a folder, whose output folder does not appear either."""
    (tmp_path / "folder").mkdir()
    picture(tmp_path / "in.png")
    picture(tmp_path / "folder" / "in.png")
    target = tmp_path / ("out.png" if source == "in.png" else "out")
    arguments = (tmp_path / source, target, "--bundle", mobile_bundle.root, *options)
    refused(run_cli, tmp_path, "upscale", *arguments, naming=naming)


def test_names_that_are_too_long_are_refused(
    run_cli: RunCli, mobile_bundle: Bundle, cache_dir: Path, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 300)
    image = picture(tmp_path / "in.png")
    for arguments in (
        ("upscale", long, tmp_path / "out.png", "--bundle", mobile_bundle.root),
        ("upscale", image, long.with_suffix(".png"), "--bundle", mobile_bundle.root),
        ("upscale", image, tmp_path / "out.png", "--bundle", long),
        ("export", "--output", long, "--cache-dir", cache_dir),
        ("export", "--output", tmp_path / "bundle", "--checkpoint", long, "--cache-dir", cache_dir),
        ("export", "--output", tmp_path / "bundle", "--cache-dir", long),
        ("parity", long),
        ("parity", mobile_bundle.root, "--json", long),
        ("inspect", long),
    ):
        refused(run_cli, tmp_path, *arguments, naming=long)


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("--artifact", "onnx-nope"), "'onnx-nope'"),
        (("--runtime", "nope"), "'nope'"),
        (("--artifact", "onnx-fp32-full", "--runtime", "tflite"), "'tflite'"),
        (("--json", "{}/missing/out.json"), "missing/out.json"),
        (("--json", "{}/file/out.json"), "file/out.json"),
        (("--json", "{}"), "cannot be written"),
    ],
)
@pytest.mark.parametrize("command", ["parity", "bench"])
def test_measuring_refuses_option(
    command: str, options: tuple[str, ...], naming: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    arguments = [option.format(tmp_path) for option in options]
    refused(run_cli, tmp_path, command, mobile_bundle.root, *arguments, naming=naming)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--threads", "0"),
        ("--threads", "x"),
        ("--threads", "1,0"),
        ("--threads", "-1"),
        ("--threads", ""),
        ("--calls", "0"),
        ("--calls", "many"),
        ("--seconds", "-1"),
    ],
)
def test_bench_refuses_number(option: str, value: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    arguments = (mobile_bundle.root, "--json", tmp_path / "out.json", option, value)
    refused(run_cli, tmp_path, "bench", *arguments, naming=option)


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        (("parity",), "BUNDLE"),
        (("bench",), "BUNDLE"),
        (("inspect",), "path"),
        (("upscale", "in.png"), "OUT"),
        (("upscale", "in.png", "out.png"), "--bundle"),
        (("export",), "--output"),
        (("parity", "bundle", "--nope"), "--nope"),
        (("export", "--output"), "--output"),
        (("doctor", "surplus"), "surplus"),
        (("nope",), "'nope'"),
    ],
)
def test_usage_errors(
    arguments: tuple[str, ...], naming: str, run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run_cli, tmp_path, *arguments, naming=naming)
