"""An ONNX file -> a model with all of its weights, or one line on why edgesr cannot take it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper, inliner

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import first_names, shown_name
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.onnx_source.graph_edits import nodes_of, tensors_of

OLDEST_OPSET = 11
_OWN_DOMAINS = ("", "ai.onnx")
_MICROSOFT = "com.microsoft"
_QUANTIZING = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger"}


def read_model(path: Path, data_files: Iterable[str]) -> onnx.ModelProto:
    """The model of a file, functions inlined, external weights read: those may lie in ``data_files`` next to it alone.

    Raises an InputError for everything that is no ONNX model of operators that ONNX itself defines.
    """
    try:
        model = onnx.load_model(path, load_external_data=False)
    except (DecodeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not an ONNX model, or damaged: {in_one_line(error)}; export it again") from error
    if not model.graph.node or not model.opset_import:
        raise InputError(f"{path}: not an ONNX model: it has no operators; export it again")
    _require_opset(path, model)
    _read_weights(path, model, set(data_files))
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except Exception as error:
            raise InputError(
                f"{path}: its functions cannot be inlined: {in_one_line(error)}; export it again"
            ) from error
    _require_own_operators(path, model)
    _require_floats(path, model)
    return model


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's operators that a model imports, 0 where it imports none."""
    return max((entry.version for entry in model.opset_import if entry.domain in _OWN_DOMAINS), default=0)


def _require_opset(path: Path, model: onnx.ModelProto) -> None:
    newest, found = onnx.defs.onnx_opset_version(), opset_of(model)
    if not OLDEST_OPSET <= found <= newest:
        raise InputError(
            f"{path}: is of opset {found}, edgesr takes {OLDEST_OPSET} to {newest}: export it with opset_version=17"
        )


def _read_weights(path: Path, model: onnx.ModelProto, data_files: set[str]) -> None:
    """Read what lies in other files, which must be in the folder of the file or below it."""
    folder = path.parent.resolve()
    for tensor in tensors_of(model.graph):
        if not external_data_helper.uses_external_data(tensor):
            continue
        place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        shown, file = shown_name(place), (folder / place).resolve()
        if not place or Path(place).is_absolute() or not file.is_relative_to(folder):
            raise InputError(
                f"{path}: its weights lie in {shown!r}, which is not in its folder; export it with paths in its folder"
            )
        if not file.is_file():
            raise InputError(f"{path}: its weights lie in {shown}, which is not next to it: copy that file there too")
        if place not in data_files:
            raise InputError(f"{path}: names its weights {shown} in an unusual way; save it anew with onnx.save")
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(folder))
        except Exception as error:
            raise InputError(
                f"{path}: its weights in {shown} are damaged: {in_one_line(error)}; copy them anew"
            ) from error
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _require_own_operators(path: Path, model: onnx.ModelProto) -> None:
    foreign = {f"{n.domain}.{n.op_type}" for n in nodes_of(model.graph) if n.domain not in _OWN_DOMAINS}
    if not foreign:
        return
    remedy = "export the network without them"
    if all(name.startswith(_MICROSOFT) for name in foreign):
        remedy = "give the file as it was before ONNX Runtime or another tool optimised it"
    raise InputError(f"{path}: has operators that ONNX does not define, {first_names(sorted(foreign))}: {remedy}")


def _require_floats(path: Path, model: onnx.ModelProto) -> None:
    """Refuse activations in integers: their kernels give other numbers than the same graph without optimisations."""
    if quantized := sorted({node.op_type for node in nodes_of(model.graph)} & _QUANTIZING):
        raise InputError(
            f"{path}: is quantized, it has {first_names(quantized)}: no float32 file can be proven by it; give the "
            "float32 file that it was made from"
        )
