"""Damaged bundles and model files: exit code 2, one line that names them, and nothing written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from tests.helpers.cli_refusals import RunCli, Write, nothing, picture, refused, text, truncate

BUNDLE_COMMANDS = ("parity", "bench", "upscale", "inspect")


def _change_byte(bundle: Bundle) -> None:
    path = bundle.path(bundle.artifact("onnx-fp32-tile").file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _remove_file(bundle: Bundle) -> None:
    bundle.path(bundle.manifest.goldens[0].output).unlink()


def _truncate_file(bundle: Bundle) -> None:
    truncate(bundle.path(bundle.artifact("tflite-fp32-full-64x64").file))


def _raise_version(bundle: Bundle) -> None:
    manifest = bundle.root / MANIFEST_FILE
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 999}))


def _leave_bundle(bundle: Bundle) -> None:
    """Name a file next to the bundle, of the right size and hash."""
    manifest = bundle.root / MANIFEST_FILE
    data = json.loads(manifest.read_text())
    entry = data["artifacts"][0]["files"][0]
    shutil.copyfile(bundle.root / entry["path"], bundle.root.parent / "outside")
    entry["path"] = "../outside"
    manifest.write_text(json.dumps(data))


def _damage_manifest(bundle: Bundle) -> None:
    truncate(bundle.root / MANIFEST_FILE)


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
        return ("upscale", picture(folder / "in.png"), folder / "out.png", "--bundle", root)
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
        "text": text,
        "empty": Path.touch,
        "truncated": truncate,
        "short": lambda path: truncate(path, 64),
        "missing": nothing,
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
