"""Bad checkpoints, options and outputs of export: exit code 2, one line that names them, and nothing written."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgesr.export.formats.targets import plan_artifacts, require_converters
from edgesr.export.inspection.doctor import converter_table
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.sr_model.generators.checkpoint import METADATA_KEY, embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.config import preset
from tests.helpers.cli_refusals import MOBILE, RunCli, Write, nothing, refused, text, truncate


class NotWeights:
    """A pickled object that no weights file may hold."""


def _described(**changes: object) -> dict[str, str]:
    """Metadata of a checkpoint of ours, with changes to its config."""
    config = dataclasses.asdict(preset(MOBILE)) | changes
    return {METADATA_KEY: json.dumps({"config": config, "training": {}})}


def _with_metadata(metadata: dict[str, str] | None) -> Write:
    """Writes a safetensors file of another network's tensors."""
    return lambda path: save_file({"conv.weight": torch.zeros(4, 3)}, path, metadata=metadata)


def _with_header(header: object) -> Write:
    """Writes a safetensors file that is a header only."""
    content = json.dumps(header).encode()
    return lambda path: path.write_bytes(len(content).to_bytes(8, "little") + content)


def _truncated_safetensors(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    truncate(path)


def _truncated_header(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    truncate(path, 100)


def _truncated_length(path: Path) -> None:
    shutil.copyfile(embedded_checkpoint(MOBILE), path)
    truncate(path, 5)


def _truncated_pth(path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(100, 100)}, path)
    truncate(path)


def _truncated_legacy_pth(path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(100, 100)}, path, _use_new_zipfile_serialization=False)
    truncate(path)


BAD_CHECKPOINTS: dict[str, Write] = {
    "missing.safetensors": nothing,
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
    "text.pth": text,
    "text.safetensors": text,
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
        (("--tile-size", "64x70000"), "--tile-size 64x70000: give sides from 1 to 65536"),
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


def test_refused_export_creates_no_parent_folder(run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "missing.safetensors"
    arguments = ("--checkpoint", checkpoint, "--output", tmp_path / "new" / "bundle", "--cache-dir", cache_dir)
    refused(run_cli, tmp_path, "export", *arguments, naming=checkpoint)


def test_export_refuses_cache_below_a_file(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    refused(run_cli, tmp_path, "export", "--output", tmp_path / "bundle", "--cache-dir", cache, naming=cache)


def test_python_is_named_where_the_converters_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = plan_artifacts(("onnx", "tflite"), ("fp32",), ("tile",), (32, 32))
    for module in ("formats.targets", "inspection.doctor"):
        name = f"edgesr.export.{module}.installed_version"
        monkeypatch.setattr(name, lambda package: None if package == "onnx2tf" else "1")
    monkeypatch.setattr("edgesr.export.formats.targets.sys.version_info", (3, 12))
    (row,) = [row for row in converter_table().rows if row[0] == "tflite"]
    assert row[3] == "use Python 3.11"
    with pytest.raises(MissingPackageError, match=r"needs onnx2tf, which .* Python 3\.11 alone: .*--targets onnx"):
        require_converters(plans)
