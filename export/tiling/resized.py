"""Whether a TFLite tile graph computes the same function at other sizes than its own.

A runtime may set another size although a converter baked the first one into a shape, a pad or a pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_records import to_json

RESULT_FILE = "resized.json"


@dataclass(frozen=True)
class Resized:
    """``fault``: where the file differs from its ONNX graph, "" where it does not."""

    fault: str


def prove_resized(folder: Path, onnx_file: Path, file: Path, *, sizes: tuple[Size, ...]) -> None:
    """Write the `Resized` of a TFLite file, run in LiteRT at ``sizes``, and of its ONNX graph of any size."""
    import onnx

    from edgesr.export.calibration.photographs import photograph
    from edgesr.export.conversions.litert_run import LiteRtProcess
    from edgesr.export.conversions.proof import Proof
    from edgesr.export.graphs.onnx_graph import runner

    model = onnx.load(onnx_file)
    channels = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    run, output = runner(model), model.graph.output[0].name
    proof = Proof(
        source=lambda batch: run(batch[0])[output],
        images=tuple(photograph("cat", size)[:channels] for size in sizes),
        traced=sizes[0],
    )
    fault = proof.fault(lambda: LiteRtProcess(file), failures=(EdgesrError,))
    (folder / RESULT_FILE).write_text(to_json(Resized("" if fault is None else str(fault))))
