"""Instruction counts of two files side by side. They repeat, so a small difference is one of the code or the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.results.rows import Key
from edgesr.runtimes.errors import InputError

COUNT_LIMIT = 0.005
"""Two counts of the same artifact differ by less."""


@dataclass(frozen=True, kw_only=True)
class CountChange:
    """``ratio`` is the total of the new file by that of the old; "failed": it has none any more, for that reason."""

    key: Key
    ratio: float | None
    verdict: Literal["more", "fewer", "same", "failed"]
    reason: str | None


def count_changes(old: Sequence[InstructionResult], new: Sequence[InstructionResult]) -> tuple[CountChange, ...]:
    """The counts that both files have, by artifact, runtime and device."""
    before = {result.key: result for result in old if result.instructions is not None}
    return tuple(_change(before[result.key], result) for result in new if result.key in before)


def _change(old: InstructionResult, new: InstructionResult) -> CountChange:
    assert old.instructions is not None
    if new.instructions is None:
        return CountChange(key=new.key, ratio=None, verdict="failed", reason=f"{new.status}: {new.reason}")
    if old.instructions.size != new.instructions.size:
        raise InputError(
            f"{new.key.artifact}: counted at {old.instructions.size} and {new.instructions.size} LR pixels; count both "
            "at one size"
        )
    ratio = new.instructions.total / old.instructions.total
    if abs(ratio - 1) < COUNT_LIMIT:
        return CountChange(key=new.key, ratio=ratio, verdict="same", reason=None)
    return CountChange(key=new.key, ratio=ratio, verdict="more" if ratio > 1 else "fewer", reason=None)
