"""Bad input on the command line: exit code 2, one line on stderr that names it, and nothing written."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from runtimes.bundle import MANIFEST_FILE, Bundle
from runtimes.errors import InputError
from sr_model.checkpoint import METADATA_KEY, embedded_checkpoint, load_checkpoint
from sr_model.config import preset

RunCli = Callable[..., tuple[int, str, str]]
Write = Callable[[Path], object]
MOBILE = "srrescycgan-mobile"
BUNDLE_COMMANDS = ("parity", "bench", "upscale", "inspect")


class NotWeights:
    """A pickled object that no weights file may hold."""


def refused(run_cli: RunCli, folder: Path, *arguments: object, naming: object) -> None:
    """Assert that the command line refuses these arguments and leaves ``folder`` as it is."""
    before = _listing(folder)
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, ""), err
    assert err.startswith("edgesr: ")
    assert err.endswith("\n") and len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    assert str(naming) in err, err
    assert _listing(folder) == before


def _listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, every directory with None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def _picture(path: Path, side: int = 32) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _truncate(path: Path, size: int | None = None) -> None:
    """Cut a file to ``size`` bytes, or to half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 if size is None else size])


def _nothing(path: Path) -> None:
    """Write no file."""


def _truncated_picture(path: Path) -> None:
    _truncate(_picture(path))


def _text(path: Path) -> None:
    path.write_text("These are words, not pixels and not weights.\n")


BAD_IMAGES: dict[str, Write] = {
    "missing.png": _nothing,
    "empty.png": Path.touch,
    "empty.jpg": Path.touch,
    "truncated.png": _truncated_picture,
    "truncated.jpg": _truncated_picture,
    "truncated.webp": _truncated_picture,
    "truncated.bmp": _truncated_picture,
    "truncated.tif": _truncated_picture,
    "text.png": _text,
    "text.txt": _text,
    "binary.png": lambda path: path.write_bytes(bytes(range(256))),
    "cut-header.png": lambda path: _truncate(_picture(path), 20),
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
    source = _picture(tmp_path / "in.png")
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
    _picture(tmp_path / "in.png")
    _picture(tmp_path / "folder" / "in.png")
    target = tmp_path / ("out.png" if source == "in.png" else "out")
    arguments = (tmp_path / source, target, "--bundle", mobile_bundle.root, *options)
    refused(run_cli, tmp_path, "upscale", *arguments, naming=naming)


def _described(**changes: object) -> dict[str, str]:
    """Metadata of a checkpoint of ours, with changes to its config."""
    config = dataclasses.asdict(preset(MOBILE)) | changes
    return {METADATA_KEY: json.dumps({"config": config, "training": {}})}


def _with_metadata(metadata: dict[str, str] | None) -> Write:
    """Writes a safetensors file of another network's tensors."""
    return lambda path: save_file({"conv.weight": torch.zeros(4, 3)}, path, metadata=metadata)


def _with_header(header: object) -> Write:
    """Writes a safetensors file that is a header only."""
    text = json.dumps(header).encode()
    return lambda path: path.write_bytes(len(text).to_bytes(8, "little") + text)


def _truncated_safetensors(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    _truncate(path)


def _truncated_header(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    _truncate(path, 100)


def _truncated_length(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    _truncate(path, 5)


def _truncated_pth(path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(100, 100)}, path)
    _truncate(path)


def _truncated_legacy_pth(path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(100, 100)}, path, _use_new_zipfile_serialization=False)
    _truncate(path)


BAD_CHECKPOINTS: dict[str, Write] = {
    "missing.safetensors": _nothing,
    "empty.safetensors": Path.touch,
    "empty.pth": Path.touch,
    "folder.pth": Path.mkdir,
    "other-network.safetensors": _with_metadata(_described()),
    "without-metadata.safetensors": _with_metadata(None),
    "other-metadata.safetensors": _with_metadata({"format": "pt"}),
    "metadata-no-json.safetensors": _with_metadata({METADATA_KEY: "{"}),
    "metadata-no-mapping.safetensors": _with_metadata({METADATA_KEY: "[]"}),
    "metadata-without-config.safetensors": _with_metadata({METADATA_KEY: "{}"}),
    "unknown-setting.safetensors": _with_metadata(_described(depth=3)),
    "setting-of-wrong-type.safetensors": _with_metadata(_described(width="wide")),
    "unknown-activation.safetensors": _with_metadata(_described(activation="gelu")),
    "scale-out-of-range.safetensors": _with_metadata(_described(scale=9)),
    "header-no-mapping.safetensors": lambda path: path.write_bytes(bytes([2, *[0] * 7]) + b"{]"),
    "header-of-a-list.safetensors": _with_header({"__metadata__": []}),
    "header-of-a-number.safetensors": _with_header({"__metadata__": 1}),
    "header-without-shapes.safetensors": _with_header({"__metadata__": _described(), "conv.weight": 1}),
    "header-of-wrong-shapes.safetensors": _with_header({"__metadata__": _described(), "conv.weight": {"shape": "x"}}),
    "truncated.safetensors": _truncated_safetensors,
    "truncated-header.safetensors": _truncated_header,
    "truncated-length.safetensors": _truncated_length,
    "other-network.pth": lambda path: torch.save({"conv.weight": torch.zeros(4, 3)}, path),
    "numbered-tensors.pth": lambda path: torch.save({0: torch.zeros(1), "a": torch.zeros(1)}, path),
    "object.pth": lambda path: torch.save(NotWeights(), path),
    "object-in-mapping.pth": lambda path: torch.save({"model": NotWeights()}, path),
    "no-tensors.pth": lambda path: torch.save({"a": 1}, path),
    "one-tensor.pth": lambda path: torch.save(torch.zeros(3), path),
    "text.pth": _text,
    "text.safetensors": _text,
    "one-byte.pth": lambda path: path.write_bytes(b"\x80"),
    "truncated.pth": _truncated_pth,
    "truncated-legacy.pth": _truncated_legacy_pth,
}


@pytest.mark.parametrize("name", BAD_CHECKPOINTS)
def test_export_refuses_checkpoint(name: str, run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / name
    BAD_CHECKPOINTS[name](checkpoint)
    arguments = ("--checkpoint", checkpoint, "--output", tmp_path / "bundle", "--cache-dir", cache_dir)
    refused(run_cli, tmp_path, "export", *arguments, naming=checkpoint)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_truncated_pth_is_refused(zipped: bool, tmp_path: Path) -> None:
    """Wherever the file is cut, in both formats of torch.save."""
    path = tmp_path / "weights.pth"
    torch.save({"conv.weight": torch.zeros(9)}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    for size in range(1, len(content), len(content) // 100):
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match=re.escape(str(path))):
            load_checkpoint(path)


@pytest.mark.parametrize("name", BAD_CHECKPOINTS)
def test_inspect_refuses_checkpoint(name: str, run_cli: RunCli, tmp_path: Path) -> None:
    checkpoint = tmp_path / name
    BAD_CHECKPOINTS[name](checkpoint)
    refused(run_cli, tmp_path, "inspect", checkpoint, naming=checkpoint)


@pytest.mark.parametrize(
    ("options", "naming"),
    [
        (("--targets", "nope"), "'nope'"),
        (("--targets", "onnx,nope"), "'nope'"),
        (("--targets", ""), "target"),
        (("--precision", "int3"), "'int3'"),
        (("--precision", "int8"), "int8"),
        (("--graph", "half"), "'half'"),
        (("--preset", "nope"), "'nope'"),
        (("--preset", ""), "unknown preset ''"),
        (("--preset", "srrescycgan", "--weights", "clean"), "'clean', only real"),
        (("--weights", "sharp"), "'sharp': choose one of real, clean"),
        (("--weights", ""), "unknown weights ''"),
        (("--weights", "real", "--checkpoint", "weights.safetensors"), "--weights"),
        (("--preset", MOBILE, "--checkpoint", "weights.safetensors"), "preset"),
        (("--tile-size", "1x1"), "1x1"),
        (("--tile-size", "16x16"), "16x16"),
        (("--tile-size", "64x8"), "64x8"),
        (("--tile-size", "abc"), "'abc'"),
        (("--tile-size", "64"), "'64'"),
        (("--tile-size", "64x"), "'64x'"),
        (("--tile-size", "0x64"), "'0x64'"),
        (("--tile-size", "64x64x64"), "'64x64x64'"),
    ],
)
def test_export_refuses_option(
    options: tuple[str, ...], naming: str, run_cli: RunCli, cache_dir: Path, tmp_path: Path
) -> None:
    arguments = ("--output", tmp_path / "bundle", "--cache-dir", cache_dir, *options)
    refused(run_cli, tmp_path, "export", *arguments, naming=naming)


@pytest.mark.parametrize("name", ["folder", "file", "file/bundle", "link"])
def test_export_refuses_output(name: str, run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    """A folder with something else in it, a file, a place below a file, a symbolic link."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    arguments = ("--output", tmp_path / name, "--cache-dir", cache_dir)
    refused(run_cli, tmp_path, "export", *arguments, naming=tmp_path / name)


def test_names_that_are_too_long_are_refused(
    run_cli: RunCli, mobile_bundle: Bundle, cache_dir: Path, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 300)
    picture = _picture(tmp_path / "in.png")
    for arguments in (
        ("upscale", long, tmp_path / "out.png", "--bundle", mobile_bundle.root),
        ("upscale", picture, long.with_suffix(".png"), "--bundle", mobile_bundle.root),
        ("upscale", picture, tmp_path / "out.png", "--bundle", long),
        ("export", "--output", long, "--cache-dir", cache_dir),
        ("export", "--output", tmp_path / "bundle", "--checkpoint", long, "--cache-dir", cache_dir),
        ("export", "--output", tmp_path / "bundle", "--cache-dir", long),
        ("parity", long),
        ("parity", mobile_bundle.root, "--json", long),
        ("inspect", long),
    ):
        refused(run_cli, tmp_path, *arguments, naming=long)


def test_refused_export_creates_no_parent_folder(run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "missing.safetensors"
    arguments = ("--checkpoint", checkpoint, "--output", tmp_path / "new" / "bundle", "--cache-dir", cache_dir)
    refused(run_cli, tmp_path, "export", *arguments, naming=checkpoint)


def test_export_refuses_cache_below_a_file(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    refused(run_cli, tmp_path, "export", "--output", tmp_path / "bundle", "--cache-dir", cache, naming=cache)


def _change_byte(bundle: Bundle) -> None:
    path = bundle.path(bundle.artifact("onnx-fp32-tile").file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _remove_file(bundle: Bundle) -> None:
    bundle.path(bundle.manifest.goldens[0].output).unlink()


def _truncate_file(bundle: Bundle) -> None:
    _truncate(bundle.path(bundle.artifact("tflite-fp32-full-64x64").file))


def _raise_version(bundle: Bundle) -> None:
    manifest = bundle.root / MANIFEST_FILE
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 999}))


def _leave_bundle(bundle: Bundle) -> None:
    """Name a file beside the bundle, of the right size and hash."""
    manifest = bundle.root / MANIFEST_FILE
    data = json.loads(manifest.read_text())
    entry = data["artifacts"][0]["file"]
    shutil.copyfile(bundle.root / entry["path"], bundle.root.parent / "outside")
    entry["path"] = "../outside"
    manifest.write_text(json.dumps(data))


def _damage_manifest(bundle: Bundle) -> None:
    _truncate(bundle.root / MANIFEST_FILE)


BUNDLE_DAMAGE: dict[str, tuple[Callable[[Bundle], None], str]] = {
    "changed-byte": (_change_byte, "onnx-fp32-tile.onnx"),
    "missing-file": (_remove_file, "photograph.output.npy"),
    "truncated-file": (_truncate_file, "tflite-fp32-full-64x64.tflite"),
    "unknown-version": (_raise_version, "999"),
    "outside-path": (_leave_bundle, "../outside"),
    "damaged-manifest": (_damage_manifest, MANIFEST_FILE),
}


def _on_bundle(command: str, root: Path, folder: Path) -> tuple[object, ...]:
    """Arguments of a command that reads a bundle and would write into ``folder``."""
    if command == "upscale":
        return ("upscale", _picture(folder / "in.png"), folder / "out.png", "--bundle", root)
    return (command, root) if command == "inspect" else (command, root, "--json", folder / "out.json")


@pytest.mark.parametrize("command", BUNDLE_COMMANDS)
@pytest.mark.parametrize("damage", BUNDLE_DAMAGE)
def test_damaged_bundle_is_refused(
    damage: str, command: str, run_cli: RunCli, bundle_copy: Bundle, tmp_path: Path
) -> None:
    apply, naming = BUNDLE_DAMAGE[damage]
    apply(bundle_copy)
    arguments = _on_bundle(command, bundle_copy.root, tmp_path)
    refused(run_cli, tmp_path, *arguments, naming=naming)
    refused(run_cli, tmp_path, *arguments, naming=bundle_copy.root)


@pytest.mark.parametrize("command", BUNDLE_COMMANDS)
@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_what_is_no_bundle_is_refused(name: str, command: str, run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no bundle\n")
    refused(run_cli, tmp_path, *_on_bundle(command, tmp_path / name, tmp_path), naming=tmp_path / name)


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


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
@pytest.mark.parametrize("damage", ["text", "empty", "truncated", "short", "missing", "folder"])
def test_inspect_refuses_model_file(
    suffix: str, damage: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    artifact = mobile_bundle.artifact("onnx-fp32-full" if suffix == ".onnx" else "tflite-fp32-full-64x64")
    if damage in ("truncated", "short"):
        shutil.copyfile(mobile_bundle.path(artifact.file), path)
    writers: dict[str, Write] = {
        "text": _text,
        "empty": Path.touch,
        "truncated": _truncate,
        "short": lambda path: _truncate(path, 64),
        "missing": _nothing,
        "folder": Path.mkdir,
    }
    writers[damage](path)
    refused(run_cli, tmp_path, "inspect", path, naming=path)


def test_inspect_refuses_onnx_with_damaged_text(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    content = mobile_bundle.path(mobile_bundle.artifact("onnx-fp32-tile").file).read_bytes()
    path.write_bytes(content.replace(b"Conv", b"\xff\xfe\xfd\xfc"))
    refused(run_cli, tmp_path, "inspect", path, naming=path)


def test_inspect_refuses_torchscript(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "model.ptl"
    shutil.copyfile(mobile_bundle.path(mobile_bundle.artifact("torchscript-fp32-full").file), path)
    refused(run_cli, tmp_path, "inspect", path, naming=path)
