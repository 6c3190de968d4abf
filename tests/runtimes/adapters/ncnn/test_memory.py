"""The memory of calls of ncnn: kept for the next of the same size, and bounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.benchmarks.machine.memory import rss_bytes
from edgesr.runtimes import allocator
from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.small_ncnn import convolution, model, seeded, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, model(convolution(seeded(0, 5, 3, 3, 3), seeded(1, 5))))


def image(size: tuple[int, int]) -> Any:
    return np.random.default_rng(2).uniform(0, 255, (1, 3, *size)).astype(np.float32)


def test_free_memory_is_given_back_where_it_grows(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By more than 8 MB after the first call of the largest size, and again after that of the next one."""
    session, given_back = ncnn.open(file, RunSettings()), []
    monkeypatch.setattr(allocator, "give_back_free_memory", lambda: given_back.append(True))
    small, large = image((8, 8)), image((9, 9))
    calls = [(small, 10, 0), (small, 18, 0), (large, 90, 0), (small, 98, 0), (large, 99, 1), (large, 50, 1)]
    for given, resident, expected in [*calls, (large, 58, 1), (small, 59, 2)]:
        monkeypatch.setattr(allocator, "resident_bytes", lambda held=resident: held * 1_000_000)
        session.run(given)
        assert len(given_back) == expected


def test_pools_are_emptied_before_an_image_of_another_shape_alone(file: Path) -> None:
    class Pool:
        emptied = 0

        def clear(self) -> None:
            self.emptied += 1

    pool = Pool()
    opened = ncnn.open(file, RunSettings())
    session = replace(opened, memory=replace(opened.memory, pools=(*opened.memory.pools, pool)))
    for size, emptied in (((8, 8), 1), ((8, 8), 1), ((8, 9), 2), ((9, 8), 3), ((9, 8), 3), ((8, 8), 4)):
        session.run(image(size))
        assert pool.emptied == emptied


def test_memory_is_bounded(file: Path) -> None:
    session = ncnn.open(file, RunSettings())
    used = []
    for _ in range(8):
        for size in ((400, 400), (380, 400), (400, 390)):
            session.run(image(size))
        used.append(rss_bytes())
    assert max(used) - used[0] < 32_000_000
