"""A bundle of a few bytes, to test reading, writing and refusing without a conversion."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.runtimes.bundle.manifest import (
    SCHEMA_VERSION,
    Artifact,
    Checkpoint,
    Glue,
    Golden,
    Manifest,
    RuntimeUse,
    TensorSpec,
    Tolerance,
)
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle, open_bundle
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.runtimes.json_records import to_json

TOLERANCE = Tolerance(min_psnr_db=95, max_abs_error=0.05, max_mean_shift=0.002, max_border_error=0.05)


def fill(root: Path, content: bytes = b"model", **changes: object) -> Manifest:
    """Write one artifact and one golden below ``root``; ``changes`` replace fields of the artifact."""
    (root / "model.onnx").write_bytes(content)
    for name, scale in (("input", 1), ("output", 4), ("residual", 4)):
        np.save(root / f"{name}.npy", np.zeros((3, 2 * scale, 3 * scale), dtype=np.float32))
    spec = TensorSpec(name="lr", shape=(1, 3, None, None), dtype="float32", layout="NCHW", range=(0.0, 255.0))
    fields: dict[str, object] = {
        "id": "onnx-fp32-full",
        "format": "onnx",
        "uses": (RuntimeUse(name="ort", resizable=False, memory=None, delegate=None),),
        "graph": "full",
        "precision": "fp32",
        "tile_size": None,
        "halo": None,
        "padding": "zero",
        "inside_only": False,
        "inside": None,
        "files": (file_entry(root, root / "model.onnx"),),
        "inputs": (spec,),
        "outputs": (spec,),
        "mac_per_hr_pixel": 10.0,
        "made_by": {"onnx": "1"},
        "least_runtime": {"onnxruntime": "1"},
        "legacy": False,
        "quantization": None,
    }
    golden = Golden(
        id="flat",
        size=(2, 3),
        k=0.0,
        sigma=0.0,
        source="zeros",
        input=file_entry(root, root / "input.npy"),
        output=file_entry(root, root / "output.npy"),
        residual=file_entry(root, root / "residual.npy"),
        zero_padded_residual=None,
        intermediates={},
        tolerances={"fp32": TOLERANCE},
    )
    return Manifest(
        schema_version=SCHEMA_VERSION,
        edgesr_version="0",
        generator={"name": "small"},
        scale=4,
        minimum_side=2,
        multiple=1,
        colour="rgb",
        tiling=None,
        reference="pytorch",
        tile_size=(2, 3),
        glue=Glue(upsample="bilinear", noise_level="db7-mad", alpha=9.0),
        checkpoint=Checkpoint(name="small", sha256="0", parameters=1),
        artifacts=(Artifact(**{**fields, **changes}),),  # type: ignore[arg-type]
        goldens=(golden,),
    )


def planted(bundle: Bundle, copy: Path, artifact_id: str, change: Callable[[bytes], bytes]) -> Bundle:
    """A copy of a bundle with one changed file, its size and hash in the manifest changed accordingly."""
    shutil.copytree(bundle.root, copy)
    artifact = bundle.artifact(artifact_id)
    path = copy / artifact.file.path
    path.write_bytes(change(path.read_bytes()))
    changed = dataclasses.replace(artifact, files=(file_entry(copy, path),))
    artifacts = tuple(changed if a.id == artifact_id else a for a in bundle.manifest.artifacts)
    (copy / MANIFEST_FILE).write_text(to_json(dataclasses.replace(bundle.manifest, artifacts=artifacts)))
    return open_bundle(copy)


def with_uses(artifact: Artifact, **changes: Any) -> Artifact:
    """The same artifact, taken otherwise by all its runtimes."""
    return dataclasses.replace(artifact, uses=tuple(dataclasses.replace(use, **changes) for use in artifact.uses))
