"""Raw goldens: the bytes that a model takes and should give, an index for programs and a README for people."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.outside.index import RawIndex, read_index
from edgesr.benchmarks.outside.raw_goldens import write_raw_goldens
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import InputError
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.places import RELEASED_BUNDLE
from tests.helpers.small_generator import save_projected_generator

KINDS = {
    "onnx-fp32-full": "output",
    "onnx-fp32-tile": "residual",
    "tflite-fp32-tile-12x16": "residual",
    "tflite-fp32-tile-zero-12x16": "zero_padded_residual",
    "torchscript-fp32-tile": "residual",
}
"""What each model of the bundle gives."""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "goldens"
    write_raw_goldens(open_bundle(RELEASED_BUNDLE), folder)
    return folder


def values(raw: Path, file: str) -> np.ndarray:
    return np.fromfile(raw / file, "<f4")


def test_files_hold_the_goldens_in_the_layout_of_each_model(raw: Path) -> None:
    bundle, index = open_bundle(RELEASED_BUNDLE), read_index(raw)
    goldens = {golden.id: golden for golden in bundle.manifest.goldens}
    compared = set()
    for artifact in index.artifacts:
        for call in artifact.calls:
            golden = goldens[call.golden]
            expected = {
                "output": golden.output,
                "residual": golden.residual,
                "zero_padded_residual": golden.zero_padded_residual,
            }
            entry = expected[KINDS[artifact.id]]
            assert entry is not None and call.expected.file.endswith(f"/{golden.id}.{KINDS[artifact.id]}.bin")
            recorded_of = ((call.inputs[0], bundle.tensor(golden.input)), (call.expected, bundle.tensor(entry)))
            for tensor, recorded in recorded_of:
                batch = recorded[None] if tensor.layout == "NCHW" else recorded.transpose(1, 2, 0)[None]
                assert tensor.shape == batch.shape
                assert np.array_equal(values(raw, tensor.file).reshape(tensor.shape), batch)
                assert (raw / tensor.file).stat().st_size == tensor.size_bytes == 4 * batch.size
                assert hashlib.sha256((raw / tensor.file).read_bytes()).hexdigest() == tensor.sha256
                compared.add(tensor.layout)
    assert compared == {"NCHW", "NHWC"}


def test_each_tensor_is_stored_once_a_layout(raw: Path) -> None:
    index = read_index(raw)
    named = [tensor.file for a in index.artifacts for c in a.calls for tensor in (*c.inputs, c.expected)]
    found = {str(path.relative_to(raw)) for path in raw.rglob("*.bin")}
    assert found == set(named)
    assert (len(named), len(found)) == (30, 18)
    assert {path.name for path in raw.iterdir()} == {"NCHW", "NHWC", "index.json", "README.md"}


def test_the_readme_tells_every_call_and_its_tolerance(raw: Path) -> None:
    text = (raw / "README.md").read_text()
    for artifact in read_index(raw).artifacts:
        assert f"## {artifact.id}\n" in text
        for call in artifact.calls:
            shape = "x".join(map(str, call.inputs[0].shape))
            line = next(one for one in text.splitlines() if f"`{call.answer}`" in one)
            assert f"`lr`: `{call.inputs[0].file}`, float32 {shape}, {call.inputs[0].size_bytes:,} bytes" in line
            assert f"`{call.expected.file}`" in line
    assert "| fp32 | onnx, tflite, torchscript | 95 dB | 0.05 | 0.002 | 0.05 |" in text
    assert "--input_layer_value_files=lr:NHWC/$g.input.bin" in text


def test_the_example_of_the_readme_runs_and_passes(raw: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """The example is that of ONNX Runtime, as someone would copy it."""
    block = re.search(r"### ONNX Runtime in Python\n\n```sh\n(.*?)```", (raw / "README.md").read_text(), re.DOTALL)
    assert block is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "bin/python").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "BUNDLE": str(RELEASED_BUNDLE),
        "OUT": str(tmp_path / "out"),
        "ORT_DISABLE_TELEMETRY": "1",
    }
    command = ["sh", "-e", "-c", block[1]]
    done = subprocess.run(command, cwd=raw, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, out, err = run_cli("parity", RELEASED_BUNDLE, "--outputs", tmp_path / "out", "--artifact", "onnx-fp32-full")
    assert code == 0, (out, err)
    assert re.search(r"onnx-fp32-full +outside +3 ", out), out


def test_a_graph_that_pools_gets_no_means_and_a_mask(tmp_path: Path) -> None:
    bundle = open_bundle(RELEASED_BUNDLE)
    pooled = replace(bundle.artifact("onnx-fp32-tile"), pooled=5)
    changed = Bundle(bundle.root, replace(bundle.manifest, artifacts=(pooled,)))
    (artifact,) = write_raw_goldens(changed, tmp_path / "raw").index.artifacts
    image, means, mask = artifact.calls[0].inputs
    assert (means.name, means.shape, mask.name, mask.shape) == (
        *("pooled_means", (1, 5)),
        *("pooled_mask", (1, 1, *image.shape[2:])),
    )
    assert np.isnan(values(tmp_path / "raw", means.file)).all()
    assert (values(tmp_path / "raw", mask.file) == 1).all()


def test_a_file_of_several_sizes_is_given_as_many_bytes_as_its_largest(tmp_path: Path) -> None:
    """By the line for executor_runner, which reads no fewer."""
    bundle = open_bundle(RELEASED_BUNDLE)
    bounded = replace(
        bundle.artifact("onnx-fp32-tile"), format="executorch", bounds=SizeBounds(least=(8, 8), most=(32, 24))
    )
    written = write_raw_goldens(Bundle(bundle.root, replace(bundle.manifest, artifacts=(bounded,))), tmp_path / "raw")
    assert written.index.artifacts[0].bounds == bounded.bounds
    text = (tmp_path / "raw/README.md").read_text()
    assert "truncate --size=9216 input.bin" in text
    assert "--inputs=input.bin --input_shapes=1x3x12x16" in text


def test_older_ones_are_replaced_and_nothing_else_is(raw: Path, tmp_path: Path, run_cli: RunCli) -> None:
    target = tmp_path / "out"
    target.mkdir()
    assert run_cli("goldens", RELEASED_BUNDLE, "--output", target)[0] == 0
    (target / "NCHW" / "of-an-older-bundle.bin").touch()
    assert run_cli("goldens", RELEASED_BUNDLE, "--output", target)[0] == 0
    assert not (target / "NCHW" / "of-an-older-bundle.bin").exists()
    assert list(tmp_path.iterdir()) == [target]
    (target / "index.json").write_text('{"kind": "a web page"}')
    for place in (target, target / "index.json"):
        refused(run_cli, tmp_path, "goldens", RELEASED_BUNDLE, "--output", place, naming=place)


def test_what_others_put_beside_them_is_kept(tmp_path: Path, run_cli: RunCli) -> None:
    """A runner's outputs, for one."""
    target = write_raw_goldens(open_bundle(RELEASED_BUNDLE), tmp_path / "raw").folder
    (target / "out").mkdir()
    (target / "out" / "measured.bin").touch()
    refused(run_cli, tmp_path, "goldens", RELEASED_BUNDLE, "--output", target, naming="holds 'out' beside raw goldens")


def test_a_bundle_has_them_in_their_own_folder_alone(tmp_path: Path, run_cli: RunCli) -> None:
    bundle = Path(shutil.copytree(RELEASED_BUNDLE, tmp_path / "bundle"))
    (tmp_path / "link").symlink_to(bundle)
    for place in (bundle / "new", bundle / "goldens" / "raw", tmp_path / "link" / "new"):
        refused(run_cli, tmp_path, "goldens", bundle, "--output", place, naming=f"{place}: is inside the bundle")
    assert run_cli("goldens", bundle, "--output", bundle / "raw-goldens")[0] == 0


def test_names_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    bundle = open_bundle(RELEASED_BUNDLE)
    artifact, golden = bundle.manifest.artifacts[0], bundle.manifest.goldens[0]
    for changed in (
        replace(bundle.manifest, artifacts=(replace(artifact, id="../elsewhere"),)),
        replace(bundle.manifest, goldens=(replace(golden, id=".."),)),
    ):
        with pytest.raises(InputError, match="cannot be the name of a file"):
            write_raw_goldens(Bundle(bundle.root, changed), tmp_path / "raw")
        assert list(tmp_path.iterdir()) == []


def test_an_index_of_another_kind_or_version_is_refused(raw: Path, tmp_path: Path) -> None:
    data = json.loads((raw / "index.json").read_text())
    for change, message in (
        ({"kind": "parity"}, "is of kind 'parity'"),
        ({"schema_version": RawIndex.VERSION + 1}, "newer edgesr"),
        ({"artifacts": [{}]}, "is damaged"),
    ):
        (tmp_path / "index.json").write_text(json.dumps(data | change))
        with pytest.raises(InputError, match=message):
            read_index(tmp_path)


@pytest.mark.slow
def test_an_export_puts_them_into_its_bundle(tmp_path: Path, cache_dir: Path) -> None:
    """Outside of the manifest, whose goldens they are; a later export without them leaves none of an older bundle."""
    checkpoint = save_projected_generator(tmp_path)
    asked = {"checkpoint": checkpoint, "targets": ("onnx",), "graphs": ("tile",), "tile_size": (32, 32)}
    with_raw = ExportOptions(**asked, goldens="raw")  # type: ignore[arg-type]
    bundle = export_bundle(with_raw, tmp_path / "bundle", cache_dir=cache_dir).bundle
    index = read_index(bundle.root / "raw-goldens")
    assert index.manifest_sha256 == open_bundle(bundle.root).manifest_sha256
    assert [len(artifact.calls) for artifact in index.artifacts] == [len(bundle.manifest.goldens)]
    assert not any("raw-goldens" in entry.path for entry in bundle.manifest.files())
    without = ExportOptions(**asked)  # type: ignore[arg-type]
    again = export_bundle(without, tmp_path / "bundle", cache_dir=cache_dir)
    assert again.conversions == ()
    assert again.bundle.manifest_sha256 == index.manifest_sha256
    assert not (bundle.root / "raw-goldens").exists()


def test_another_form_of_goldens_is_refused(tmp_path: Path, run_cli: RunCli) -> None:
    options = ("export", "--output", tmp_path / "new", "--goldens", "png")
    refused(run_cli, tmp_path, *options, naming="--goldens 'png': choose raw, or leave it out")
