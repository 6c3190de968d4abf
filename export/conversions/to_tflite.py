"""ONNX -> TFLite by onnx2tf (TensorFlow), in a process of its own: TensorFlow is large and onnx2tf works in its folder.

onnx2tf wants a file of sample images and would download one: it gets one made of our photographs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from edgesr.export.calibration.photographs import sample_tiles
from edgesr.export.conversions.in_litert import prove_in_litert
from edgesr.export.conversions.name_tensors import name_tensors
from edgesr.export.conversions.resizable import repeat_border, upsample_by_convolution, upsamples_input
from edgesr.export.graphs.for_converter.rewriting import for_converter
from edgesr.export.graphs.for_delegates.rewriting import REWRITTEN_FOR
from edgesr.export.graphs.tflite_graph import read_tflite, write_tflite
from edgesr.export.subprocesses import run_converter

_SAMPLE_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
_SAMPLES, _SAMPLE_SIZE = 20, (128, 128)


def export_tflite(
    model: onnx.ModelProto,
    path: Path,
    *,
    input_name: str,
    output_name: str,
    resizable: bool = False,
    delegate: str | None = None,
) -> None:
    """Convert an NCHW ONNX graph of a fixed size into a float32 NHWC TFLite file whose tensors have these names.

    Raises an EdgesrError where LiteRT cannot run it, or gives other numbers than ONNX Runtime. ``resizable``: bilinear
    upsampling of the input is written so that the file can be resized. ``delegate``: the one whose operator list the
    file is rewritten for.
    """
    with tempfile.TemporaryDirectory(prefix="edgesr-tflite-") as folder:
        samples = np.stack(sample_tiles(_SAMPLES, _SAMPLE_SIZE)).transpose(0, 2, 3, 1) / np.float32(255)
        np.save(Path(folder) / _SAMPLE_FILE, samples)
        source = Path(folder) / path.with_suffix(".onnx").name
        upsamples = resizable and upsamples_input(model)
        written = upsample_by_convolution(model) if upsamples else model
        onnx.save(for_converter(written), source)
        converted = Path(folder) / "converted" / f"{source.stem}_float32.tflite"
        run_converter(
            "edgesr.export.conversions.to_tflite",
            [str(source)],
            folder=Path(folder),
            result=converted,
            what=f"onnx2tf could not convert {source.name}",
        )
        edited = read_tflite(converted.read_bytes())
        if upsamples:
            repeat_border(edited)
        name_tensors(edited, input_name=input_name, output_name=output_name)
        path.write_bytes(write_tflite(edited if delegate is None else REWRITTEN_FOR[delegate](edited)))
    prove_in_litert(path, model)


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
