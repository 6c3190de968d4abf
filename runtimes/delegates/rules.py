"""A delegate's operator list as a table, and what it refuses of a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgesr.runtimes.delegates.conditions import Condition, unlisted
from edgesr.runtimes.delegates.links import Links
from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.remedies import remedy_for


@dataclass(frozen=True, kw_only=True)
class DelegateRules:
    """``operators``: the kinds that the delegate's published list has, with what it asks of each.

    ``every``: what it asks of operators of all kinds. ``source``: project, files, commit and date of the list.
    """

    name: str
    title: str
    source: str
    operators: Mapping[str, tuple[Condition, ...]]
    every: tuple[Condition, ...] = ()

    def why_refused(self, operator: Operator) -> str:
        """The first reason against an operator, "" where there is none."""
        if operator.kind not in self.operators:
            return unlisted(operator)
        conditions = (*self.every, *self.operators[operator.kind])
        return next((why for condition in conditions if (why := condition(operator))), "")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Operators of one kind that are refused for one reason; ``remedy``: the rewrite that mends it, "" for none."""

    operator: str
    count: int
    why: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """The operators that one delegate refuses, by its published list, in a graph of ``operators`` operators."""

    delegate: str
    operators: int
    refused: tuple[Refusal, ...]

    @property
    def count(self) -> int:
        """Number of refused operators."""
        return sum(refusal.count for refusal in self.refused)


def refusals(rules: DelegateRules, operators: Sequence[Operator]) -> Refusals:
    """The operators that a delegate would refuse, the most frequent first."""
    found: Counter[tuple[str, str, str]] = Counter()
    links = Links(operators)
    for operator in operators:
        if why := rules.why_refused(operator):
            found[operator.kind, why, remedy_for(operator, links, rules.why_refused)] += 1
    refused = tuple(
        Refusal(operator=kind, count=count, why=why, remedy=remedy)
        for (kind, why, remedy), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )
    return Refusals(delegate=rules.name, operators=len(operators), refused=refused)
