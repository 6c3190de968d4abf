"""The division of a graph by a delegate such as XNNPACK: its parts, and the operators that are left to the runtime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """``partitions``: how many parts of a graph a delegate takes; ``fallback``: operators left to the runtime's own
    kernels, by their kind. Every fallback between two parts copies tensors and keeps operators from being fused.
    """

    partitions: int
    fallback: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class DelegateUse:
    """The operators that a delegate was predicted to take, from the network's graph before conversion, and those that
    it took of the file.
    """

    delegate: str
    predicted: Delegation
    found: Delegation


@dataclass(frozen=True, kw_only=True)
class GraphOperator:
    """An operator with the names of its tensors; constants may be left out of ``inputs``."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def divide(operators: Sequence[GraphOperator], taken: Sequence[bool]) -> Delegation:
    """Parts of a graph in order of execution, when the delegate takes those operators.

    LiteRT's rule: from what is ready, all operators of one side (delegate or own kernels) that can run before any of
    the other side are one part; then the sides change.
    """
    produced = {name for operator in operators for name in operator.outputs}
    ready, pending, partitions = set[str](), list(range(len(operators))), 0

    def runnable(index: int) -> bool:
        return all(name in ready or name not in produced for name in operators[index].inputs)

    while pending:
        side = taken[next(index for index in pending if runnable(index))]
        partitions += side
        while part := [index for index in pending if taken[index] == side and runnable(index)]:
            ready.update(name for index in part for name in operators[index].outputs)
            pending = [index for index in pending if index not in part]
    return Delegation(partitions=partitions, fallback=_counted(operators, taken))


def read_partitions(operators: Sequence[GraphOperator], partitions: Sequence[GraphOperator]) -> Delegation:
    """The same of a loaded model, where each partition is an operator with the tensors that enter and leave it."""
    producers = {name: index for index, operator in enumerate(operators) for name in operator.outputs}
    taken = [False] * len(operators)
    for partition in partitions:
        pending = [name for name in partition.outputs if name in producers]
        while pending:
            index = producers[pending.pop()]
            if not taken[index]:
                taken[index] = True
                inside = set(operators[index].inputs) - set(partition.inputs)
                pending.extend(name for name in inside if name in producers)
    return Delegation(partitions=len(partitions), fallback=_counted(operators, taken))


def _counted(operators: Sequence[GraphOperator], taken: Sequence[bool]) -> dict[str, int]:
    left = Counter(operator.kind for operator, inside in zip(operators, taken, strict=True) if not inside)
    return dict(sorted(left.items()))
