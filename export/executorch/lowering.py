"""Exported programs -> .pte files whose operators XNNPACK runs, but for those that it has no kernel for.

It is predicted on the program which parts XNNPACK will take, by its own rules, before anything is converted.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from edgesr.runtimes.adapters.executorch_file import PteFile, fallback_of, read_pte
from edgesr.runtimes.bundle.delegation import DelegateUse, Delegation
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.standard_streams import silent_standard_error
from edgesr.sr_model.generators.foreign.one_line import in_one_line

DELEGATE = "XNNPACK"
_REFLECT = "reflect"


@dataclass(frozen=True, kw_only=True)
class Lowered:
    """The file of a program, and the predictions about it."""

    file: PteFile
    predicted: Delegation

    @property
    def delegate(self) -> DelegateUse:
        return DelegateUse(delegate=DELEGATE, predicted=self.predicted, found=self.file.delegation)


def lower(program: ExportedProgram, path: Path) -> Lowered:
    """Write the file of a program; raises an EdgesrError where ExecuTorch cannot."""
    predicted: list[Delegation] = []
    with converting("ExecuTorch cannot convert the network"):
        from executorch.exir import to_edge_transform_and_lower

        partitioner = _partitioner(predicted.append)
        lowered = to_edge_transform_and_lower(with_one_operator_pads(program), partitioner=[partitioner])
        path.write_bytes(lowered.to_executorch().buffer)
    return Lowered(file=read_pte(path), predicted=predicted[0])


def with_one_operator_pads(program: ExportedProgram) -> ExportedProgram:
    """The program with pads by reflection as the operator of that name, which ExecuTorch has a kernel of.

    PyTorch takes them apart into twenty others, two of which copy the whole tensor.
    """
    for node in program.graph.nodes:
        if node.target is torch.ops.aten.pad.default and node.args[2:3] == (_REFLECT,) and len(node.args[1]) == 4:
            node.target, node.args = torch.ops.aten.reflection_pad2d.default, node.args[:2]
    return program


@contextmanager
def converting(what: str) -> Iterator[None]:
    """Raise an EdgesrError for whatever PyTorch, torchao and ExecuTorch raise; what they warn of goes nowhere."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), silent_standard_error():
            warnings.simplefilter("ignore")
            yield
    except EdgesrError:
        raise
    except Exception as error:
        raise EdgesrError(f"{what}: {in_one_line(error)}") from error
    finally:
        logging.disable(level)


def _partitioner(tell: Callable[[Delegation], None]) -> Any:
    """XNNPACK's own partitioner, which keeps pads by reflection whole and tells what it will take."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    kept = torch.ops.aten.reflection_pad2d.default

    class Partitioner(XnnpackPartitioner):  # type: ignore[misc]
        def ops_to_not_decompose(self, program: ExportedProgram) -> Any:
            operators, supported = super().ops_to_not_decompose(program)
            return [*operators, kept], lambda node: node.target is kept or supported(node)

        def partition(self, program: ExportedProgram) -> Any:
            result = super().partition(program)
            tell(_delegation(result))
            return result

    return Partitioner()


def _delegation(result: Any) -> Delegation:
    """Parts by their tags; nodes without one are left to ExecuTorch's own kernels."""
    nodes = [node for node in result.tagged_exported_program.graph.nodes if node.op == "call_function"]
    left = [_name(node.target) for node in nodes if "delegation_tag" not in node.meta]
    return Delegation(partitions=len(result.partition_tags), fallback=fallback_of(left))


def _name(operator: Any) -> str:
    """The name of an operator as files have it, such as aten::index; arithmetic with sizes has ExecuTorch's own
    names.
    """
    schema = getattr(operator, "_schema", None)
    return "executorch_prim::arithmetic" if schema is None else str(schema.name)
