"""A permutation of many axes as transposes of at most four, between which the tensor is only seen in other shapes.

Axes that stay next to each other move as one: a transpose cuts the row of axes into at most four blocks and permutes
these. The shortest chain is found by trying all of them, breadth first: six axes have 720 orders.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgesr.runtimes.delegates.links import MOST_DIMENSIONS

Order = tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """A transpose of a tensor that is seen in ``shape``, at most four sides, by ``permutation``."""

    shape: tuple[int, ...]
    permutation: tuple[int, ...]


def moves(shape: Sequence[int], permutation: Sequence[int]) -> tuple[Move, ...]:
    """Transposes that, one after the other, order the values of a tensor as the permutation of its axes does."""
    sides, goal = _merged(shape, permutation)
    start = tuple(range(len(sides)))
    paths: dict[Order, tuple[Move, ...]] = {start: ()}
    pending = [start]
    while goal not in paths:
        order = pending.pop(0)
        for move, result in _steps(order, sides):
            if result not in paths:
                paths[result] = (*paths[order], move)
                pending.append(result)
            if result == goal:
                break
    return paths[goal]


def _merged(shape: Sequence[int], permutation: Sequence[int]) -> tuple[tuple[int, ...], Order]:
    """The sides and the order of the axes, without those of one element; axes that stay neighbours in their order
    are one.
    """
    kept = [axis for axis in permutation if shape[axis] != 1]
    groups: list[list[int]] = []
    places = {axis: place for place, axis in enumerate(sorted(kept))}
    for axis in kept:
        if groups and places[groups[-1][-1]] + 1 == places[axis]:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    before = sorted(groups)
    sides = tuple(math.prod(shape[axis] for axis in group) for group in before)
    return sides, tuple(before.index(group) for group in groups)


def _steps(order: Order, sides: Sequence[int]) -> Iterator[tuple[Move, Order]]:
    """Every permutation of at most four blocks of an order, those of the fewest blocks first."""
    for count in range(2, min(MOST_DIMENSIONS, len(order)) + 1):
        for cuts in itertools.combinations(range(1, len(order)), count - 1):
            ends = (0, *cuts, len(order))
            blocks = [order[start:end] for start, end in itertools.pairwise(ends)]
            seen = tuple(math.prod(sides[axis] for axis in block) for block in blocks)
            for permutation in itertools.permutations(range(count)):
                result = tuple(axis for place in permutation for axis in blocks[place])
                yield Move(seen, permutation), result
