"""ONNX -> TFLite by onnx2tf (TensorFlow), in a process of its own: TensorFlow is large and onnx2tf works in its folder.

onnx2tf wants a file of sample images and would download one: it gets one made of our photographs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from export.depth_to_space import use_dcr_order
from export.name_tensors import name_tensors
from export.samples import sample_tiles
from runtimes.errors import EdgesrError

_SAMPLE_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
_SAMPLES, _SAMPLE_SIZE = 20, (128, 128)


def export_tflite(onnx_file: Path, path: Path, *, input_name: str, output_name: str) -> None:
    """Convert a fixed-size NCHW ONNX file into a float32 NHWC TFLite file whose tensors have these names."""
    with tempfile.TemporaryDirectory(prefix="edgesr-tflite-") as folder:
        samples = np.stack(sample_tiles(_SAMPLES, _SAMPLE_SIZE)).transpose(0, 2, 3, 1) / np.float32(255)
        np.save(Path(folder) / _SAMPLE_FILE, samples)
        source = Path(folder) / onnx_file.name
        onnx.save(use_dcr_order(onnx.load(onnx_file)), source)
        process = subprocess.run(
            [sys.executable, "-P", "-m", "export.to_tflite", str(source)],
            check=False,
            cwd=folder,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
        )
        converted = Path(folder) / "converted" / f"{onnx_file.stem}_float32.tflite"
        if process.returncode != 0 or not converted.is_file():
            raise EdgesrError(f"onnx2tf could not convert {onnx_file.name}: {_reason(process)}")
        path.write_bytes(name_tensors(converted.read_bytes(), input_name=input_name, output_name=output_name))


def _reason(process: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{process.stdout}\n{process.stderr}".splitlines() if line.strip()]
    return f"exit code {process.returncode}: {lines[-1] if lines else 'it said nothing'}"


def _convert_here(onnx_file: str) -> None:
    import onnx2tf

    onnx2tf.convert(
        input_onnx_file_path=onnx_file,
        output_folder_path="converted",
        not_use_onnxsim=True,
        disable_strict_mode=True,
        non_verbose=True,
        verbosity="error",
    )


if __name__ == "__main__":
    _convert_here(sys.argv[1])
