"""Jobs beside each other, for what is not timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(function: Callable[[T], R], items: Sequence[T], *, workers: int) -> Iterator[R]:
    """Results in the order of the items, ``workers`` at a time; after an exception no further item is begun."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield from (future.result() for future in [pool.submit(function, item) for item in items])
    finally:
        pool.shutdown(cancel_futures=True)
