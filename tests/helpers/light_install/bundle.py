"""The bundle of the light install: files that a full export made, kept in the repository, and goldens made anew.

    python -m tests.helpers.light_install.bundle FOLDER           write the bundle into a folder (light install)
    python -m tests.helpers.light_install.bundle --pack           export it and pack it anew (full install)

Its goldens are what ONNX Runtime without optimisations computes with the float32 file, since PyTorch is not there, and
the manifest says so. `tests/house/test_light_install.py` proves that the packed files are those of an export.
"""

from __future__ import annotations

import dataclasses
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.export.options import ExportOptions
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.manifest import Golden, Manifest, Precision
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from edgesr.runtimes.bundle.writing import file_entry, write_bundle
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.json_file import read_record
from tests.helpers.places import ROOT

ARCHIVE = ROOT / "tests" / "data" / "light" / "bundle.tar.xz"
OPTIONS = ExportOptions(
    preset="srrescycgan-mobile", targets=("onnx", "tflite"), precisions=("fp32", "int8"), tile_size=(64, 64)
)
"""How the packed files were exported."""
_REFERENCE_FILE = "onnx-fp32-tile.onnx"


def write_light_bundle(output: Path, *, precisions: tuple[Precision, ...] = ("fp32", "int8")) -> Bundle:
    """Unpack the files of some precisions into a bundle, with goldens of ONNX Runtime."""
    return write_bundle(output, lambda root: _fill(root, precisions))


def pack(bundle: Bundle, archive: Path) -> None:
    """Write artifacts, the inputs of goldens and the manifest of an exported bundle, with no times and no owners."""
    kept = [*(f.path for a in bundle.manifest.artifacts for f in a.files), *_inputs(bundle.manifest), MANIFEST_FILE]
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for name in kept:
            member = tarfile.TarInfo(name)
            member.size = (bundle.root / name).stat().st_size
            with (bundle.root / name).open("rb") as content:
                packed.addfile(member, content)


def _inputs(manifest: Manifest) -> list[str]:
    return [golden.input.path for golden in manifest.goldens]


def _fill(root: Path, precisions: tuple[Precision, ...]) -> Manifest:
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(root, filter="data")
    manifest = read_record(Manifest, root / MANIFEST_FILE, remake="pack it anew with --pack")
    session = _unoptimised(root / _REFERENCE_FILE)
    goldens = tuple(_computed(golden, manifest, session, root) for golden in manifest.goldens)
    artifacts = tuple(artifact for artifact in manifest.artifacts if artifact.precision in precisions)
    for left_out in (a for a in manifest.artifacts if a not in artifacts):
        (root / left_out.file.path).unlink()
    return dataclasses.replace(manifest, reference="onnxruntime", artifacts=artifacts, goldens=goldens)


def _unoptimised(file: Path) -> Any:
    """A session of ONNX Runtime that runs the graph as it is written."""
    runtime = ort.load()
    options = ort.session_options(1)
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _computed(golden: Golden, manifest: Manifest, session: Any, root: Path) -> Golden:
    """The golden with a residual and an output of its input, and without tensors inside of the network."""
    image: Image = np.load(root / golden.input.path)
    residual = session.run(None, {session.get_inputs()[0].name: image[None]})[0][0]
    output = apply_residual(image, residual, scale=manifest.scale, glue=manifest.glue)
    np.save(root / golden.residual.path, residual)
    np.save(root / golden.output.path, output)
    residual_entry, output_entry = (file_entry(root, root / entry.path) for entry in (golden.residual, golden.output))
    return dataclasses.replace(golden, residual=residual_entry, output=output_entry, intermediates={})


def _export_and_pack() -> None:
    from edgesr.export.pipeline import export_bundle

    with tempfile.TemporaryDirectory() as folder:
        pack(export_bundle(OPTIONS, Path(folder) / "bundle").bundle, ARCHIVE)


if __name__ == "__main__":
    if sys.argv[1:] == ["--pack"]:
        _export_and_pack()
    else:
        write_light_bundle(Path(sys.argv[1]))
