"""onnxsim, kept only when its result computes the same as its input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxsim
from numpy.typing import NDArray

from edgesr.export.graphs.onnx_graph import constants, convolutions
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.errors import EdgesrError

_MAX_ABS_ERROR = 1e-2


def simplify(source: Path, target: Path, *, tiles: Sequence[NDArray[np.float32]]) -> None:
    """Write the simplified model; an EdgesrError when it differs by more than 0.01 of 255 on any tile (3,h,w)."""
    model = onnx.load(source)
    names = {node.name: node.input[1] for node in convolutions(model)}
    model, _ = onnxsim.simplify(model)
    _name_weights(model, names)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    for tile in tiles:
        error = float(np.abs(_run(source, tile) - _run(target, tile)).max())
        if not error <= _MAX_ABS_ERROR:
            raise EdgesrError(
                f"onnxsim changed what {target.name} computes: max error {error:.3g} of 255; report this model"
            )


def _name_weights(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give the weights of convolutions (by node name) their names back: onnxsim renames what it folds a factor into."""
    known, readers = constants(model), Counter(name for node in model.graph.node for name in node.input)
    wanted = Counter(names.values())
    for node in convolutions(model):
        name, found = names.get(node.name), node.input[1]
        if name is not None and name not in known and found in known and readers[found] == 1 == wanted[name]:
            known[found].name = name
            node.input[1] = name


def _run(path: Path, tile: NDArray[np.float32]) -> NDArray[np.float32]:
    options = ort.session_options(0)
    options.enable_cpu_mem_arena = False  # gives its memory back before the next converter starts
    session = ort.load().InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: tile[None]})[0]
    return output
