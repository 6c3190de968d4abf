"""A vendor's runner: plain ONNX Runtime and LiteRT, which know of raw goldens what their index and README say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def run_all(bundle: Path, goldens: Path, out: Path, *, formats: tuple[str, ...], only: str = "") -> list[str]:
    """Run every call of models of these formats whose id begins with ``only``; gives what was written."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    def onnx(model: Path, inputs: dict[str, Any]) -> Any:
        return onnxruntime.InferenceSession(model).run(None, inputs)[0]

    def tflite(model: Path, inputs: dict[str, Any]) -> Any:
        interpreter = Interpreter(str(model))
        interpreter.allocate_tensors()
        (detail,) = interpreter.get_input_details()
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    runs = {"onnx": onnx, "tflite": tflite}
    written = []
    for artifact in json.loads((goldens / "index.json").read_text())["artifacts"]:
        if artifact["format"] not in formats or not artifact["id"].startswith(only):
            continue
        for call in artifact["calls"]:
            inputs = {
                one["name"]: np.fromfile(goldens / one["file"], "<f4").reshape(one["shape"]) for one in call["inputs"]
            }
            output = runs[artifact["format"]](bundle / artifact["files"][0], inputs)
            assert output.dtype == np.float32
            (out / call["answer"]).parent.mkdir(parents=True, exist_ok=True)
            output.tofile(out / call["answer"])
            written.append(call["answer"])
    return written


def change_file(path: Path, shape: tuple[int, ...], change: Change) -> None:
    """Change the tensor in a raw file."""
    np.ascontiguousarray(change(np.fromfile(path, "<f4").reshape(shape)), dtype="<f4").tofile(path)
