"""The delegates whose operator lists are known."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.runtimes.delegates.gpu import GPU
from edgesr.runtimes.delegates.nnapi import NNAPI
from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.qnn import QNN
from edgesr.runtimes.delegates.rules import DelegateRules, Refusals, refusals

DELEGATES: tuple[DelegateRules, ...] = (GPU, NNAPI, QNN)


def all_refusals(operators: Sequence[Operator]) -> tuple[Refusals, ...]:
    """The operators of a graph that each delegate would refuse, by its published list."""
    return tuple(refusals(rules, operators) for rules in DELEGATES)
