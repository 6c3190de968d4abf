"""onnxsim, kept only when its result is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import onnx
import onnxsim

from edgesr.export.conversions.proof import Proof
from edgesr.export.graphs.affine import fold_affine
from edgesr.export.graphs.onnx_graph import constants, convolutions
from edgesr.export.graphs.space_to_depth import use_space_to_depth
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.errors import EdgesrError


def simplify(raw: Path, target: Path, *, proof: Proof) -> None:
    """Write the simplified form of a raw model; raises an EdgesrError where it misses the proof, which tells the
    culprit.
    """
    model = onnx.load(raw)
    names = {node.name: node.input[1] for node in convolutions(model)}
    model, _ = onnxsim.simplify(model)
    _name_weights(model, names)
    model = use_space_to_depth(fold_affine(model))
    onnx.checker.check_model(model)
    onnx.save(model, target)
    fault = _fault(target, proof)
    if fault is None:
        return
    unsimplified = _fault(raw, proof)
    if unsimplified is None:
        raise EdgesrError(f"onnxsim changed what the ONNX file computes: {fault}; report this model")
    raise EdgesrError(f"the ONNX file does not compute what the module does: {unsimplified}")


def _name_weights(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Give the weights of convolutions (by node name) their names back: onnxsim renames what it folds a factor into."""
    known, readers = constants(model), Counter(name for node in model.graph.node for name in node.input)
    wanted = Counter(names.values())
    for node in convolutions(model):
        name, found = names.get(node.name), node.input[1]
        if name is not None and name not in known and found in known and readers[found] == 1 == wanted[name]:
            known[found].name = name
            node.input[1] = name


def _fault(path: Path, proof: Proof) -> str | None:
    options = ort.session_options(0)
    options.enable_cpu_mem_arena = False  # gives its memory back before the next converter starts
    return proof.fault(lambda: ort.open_session(path, options), failures=ort.RUNTIME.failures())
