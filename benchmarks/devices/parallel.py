"""Work at the same time: jobs that are not timed, and machines that do not disturb each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.running import ProcessGroup, current_group

T = TypeVar("T")
R = TypeVar("R")


def in_order(function: Callable[[T], R], items: Sequence[T], *, workers: int) -> Iterator[R]:
    """Results in the order of the items, ``workers`` at a time; after an exception no further item is begun, and the
    processes of those that were are killed.
    """
    group = current_group() or ProcessGroup()
    pool = ThreadPoolExecutor(workers)
    try:
        yield from (future.result() for future in [pool.submit(group.member(function), item) for item in items])
    except BaseException:
        group.end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def by_machine(devices: Sequence[Device]) -> list[list[Device]]:
    """Devices of one machine together, in the order of the first of each."""
    found: dict[str, list[Device]] = {}
    for device in devices:
        found.setdefault(device.machine, []).append(device)
    return list(found.values())


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R | None]:
    """Results of work on all items at the same time, in their order.

    Ctrl-C ends all processes: None where it left no result. Any other exception ends them too, and is raised.
    """
    if len(items) == 1:
        return [_unless_interrupted(work, items[0])]
    group, pool = ProcessGroup(), ThreadPoolExecutor(len(items))
    futures = [pool.submit(group.member(work), item) for item in items]
    try:
        for ended in wait(futures, return_when=FIRST_EXCEPTION).done:
            ended.result()
    except KeyboardInterrupt:
        group.end()
    except BaseException:
        group.end()
        raise
    finally:
        pool.shutdown()
    return [_unless_interrupted(Future.result, future) for future in futures]


def _unless_interrupted(work: Callable[[T], R], item: T) -> R | None:
    try:
        return work(item)
    except KeyboardInterrupt:
        return None
