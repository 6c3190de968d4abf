"""The proof of a TFLite file: LiteRT opens it, runs it and gives what ONNX Runtime gives for the graph it came from.

A converter writes an operator of TensorFlow (Flex) or a custom one where TFLite has none, and says that it succeeded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.litert_run import LiteRtProcess
from edgesr.export.conversions.proof import Proof
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.tflite_graph import read_tflite
from edgesr.runtimes.errors import EdgesrError

_REMEDIES = {
    "FlexErf": "erf, of a GELU that is not PyTorch's: use nn.GELU",
    "FlexResizeBicubic": "bicubic resizing by no whole factor: use a whole one, or bilinear",
}


def prove_in_litert(path: Path, model: onnx.ModelProto) -> None:
    """Raise an EdgesrError where LiteRT cannot run a file, or where it is not what an ONNX graph (1,c,h,w) computes."""
    channels, *size = (side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim[1:])
    image = photograph("cat", (size[0], size[1]))[:channels]
    run, output = runner(model), model.graph.output[0].name
    proof = Proof(source=lambda batch: run(batch[0])[output], images=(image,), traced=(size[0], size[1]))
    fault = proof.fault(lambda: LiteRtProcess(path), failures=(EdgesrError,))
    if fault is None:
        return
    foreign = custom_operators(read_tflite(path.read_bytes()))
    if foreign:
        named = ", ".join(f"{name} ({_REMEDIES[name]})" if name in _REMEDIES else name for name in foreign)
        raise EdgesrError(
            f"LiteRT cannot run the TFLite file: it has no kernel for {named}; replace these operators in the network, "
            "or leave tflite out of the targets"
        )
    raise EdgesrError(f"the TFLite file does not compute what its ONNX graph does: {fault}")


def custom_operators(model: Any) -> tuple[str, ...]:
    """Names of the operators of a model that are not TFLite's own: those of TensorFlow begin with Flex."""
    names = (code.customCode for code in model.operatorCodes if code.customCode is not None)
    return tuple(sorted({name.decode() for name in names}))
