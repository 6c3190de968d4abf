"""A bundle of a few bytes, to test reading, writing and refusing without a conversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgesr.runtimes.bundle.manifest import (
    SCHEMA_VERSION,
    Artifact,
    Checkpoint,
    Glue,
    Golden,
    Manifest,
    TensorSpec,
    Tolerance,
)
from edgesr.runtimes.bundle.opening import file_entry

TOLERANCE = Tolerance(min_psnr_db=95, max_abs_error=0.05, max_mean_shift=0.002, max_border_error=0.05)


def fill(root: Path, content: bytes = b"model", **changes: object) -> Manifest:
    """Write one artifact and one golden below ``root``; ``changes`` replace fields of the artifact."""
    (root / "model.onnx").write_bytes(content)
    for name, scale in (("input", 1), ("output", 4), ("residual", 4)):
        np.save(root / f"{name}.npy", np.zeros((3, 2 * scale, 3 * scale), dtype=np.float32))
    spec = TensorSpec(
        name="lr", shape=(1, 3, None, None), dtype="float32", layout="NCHW", range=(0.0, 255.0), quantization=None
    )
    fields: dict[str, object] = {
        "id": "onnx-fp32-full",
        "format": "onnx",
        "runtimes": ("ort",),
        "graph": "full",
        "precision": "fp32",
        "tile_size": None,
        "resizable": False,
        "halo": None,
        "padding": "zero",
        "inside_only": False,
        "inside": None,
        "memory": None,
        "file": file_entry(root, root / "model.onnx"),
        "inputs": (spec,),
        "outputs": (spec,),
        "mac_per_hr_pixel": 10.0,
        "made_by": {"onnx": "1"},
        "least_runtime": {"onnxruntime": "1"},
        "legacy": False,
        "quantization": None,
        "delegate": None,
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
        tile_size=(2, 3),
        glue=Glue(upsample="bilinear", noise_level="db7-mad", alpha=9.0),
        checkpoint=Checkpoint(name="small", sha256="0", parameters=1),
        artifacts=(Artifact(**{**fields, **changes}),),  # type: ignore[arg-type]
        goldens=(golden,),
    )
