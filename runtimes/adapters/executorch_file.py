"""Properties that a .pte file states: the part that its delegate takes, and the memory that is planned for its largest
input.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.interface.standard_streams import silent_standard_error

_NO_WORK = re.compile(r"executorch_prim|sym_\w+|view|view_copy")
"""Arithmetic with sizes, and other shapes of the same values: neither touches a pixel."""


@dataclass(frozen=True, kw_only=True)
class PteFile:
    """``planned_bytes`` are allocated when the file is loaded, whatever the size of its input."""

    delegation: Delegation
    planned_bytes: int


def read_pte(path: Path) -> PteFile:
    """Read a file of one method; an exception of ExecuTorch's where it is damaged."""
    with silent_standard_error(), warnings.catch_warnings():  # of packages that it imports
        warnings.simplefilter("ignore")
        from executorch.exir._serialize._program import deserialize_pte_binary

    (plan,) = deserialize_pte_binary(path.read_bytes()).program.execution_plan
    calls = [one.instr_args for chain in plan.chains for one in chain.instructions]
    kernels = [plan.operators[call.op_index].name for call in calls if hasattr(call, "op_index")]
    partitions = sum(hasattr(call, "delegate_index") for call in calls)
    return PteFile(
        delegation=Delegation(partitions=partitions, fallback=fallback_of(kernels)),
        planned_bytes=sum(plan.non_const_buffer_sizes),
    )


def fallback_of(operators: Iterable[str]) -> dict[str, int]:
    """Counts of those that touch pixels, by kind: of names like aten::index and executorch_prim::add."""
    kinds = (_kind(name) for name in operators)
    return dict(sorted(Counter(kind for kind in kinds if not _NO_WORK.fullmatch(kind)).items()))


def _kind(name: str) -> str:
    library, _, operator = name.partition("::")
    return library if library == "executorch_prim" else operator
