"""Work next to the network: in a thread of its own where a core is free, in order, with its errors."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.upscaling.next_to_network import NextToNetwork
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import Upscaler


@pytest.mark.parametrize("core_is_free", [True, False])
def test_work_is_done_in_order_by_the_end(core_is_free: bool) -> None:
    done: list[int] = []
    threads: set[int] = set()

    def work(place: int) -> None:
        threads.add(threading.get_ident())
        done.append(place)

    with NextToNetwork(core_is_free=core_is_free) as following:
        for place in range(20):
            following.do(lambda place=place: work(place))  # type: ignore[misc]
    assert done == list(range(20))
    assert (threading.get_ident() in threads) is not core_is_free
    assert len(threads) == 1


def test_one_piece_of_work_is_waited_for_before_the_next() -> None:
    """So that no more than two tiles are held."""
    may_end, began = threading.Event(), threading.Event()
    with NextToNetwork(core_is_free=True) as following:
        following.do(lambda: began.set() if may_end.wait(10) else None)
        assert not began.is_set()
        may_end.set()
        following.do(lambda: None)
        assert began.is_set()


@pytest.mark.parametrize("core_is_free", [True, False])
def test_an_error_of_the_work_ends_the_run(core_is_free: bool) -> None:
    def fail() -> None:
        raise OSError("disk full")

    begun = []
    with pytest.raises(OSError, match="disk full"), NextToNetwork(core_is_free=core_is_free) as following:
        following.do(fail)
        following.do(lambda: begun.append(1))
        begun.append(2)
    assert begun == []


def test_an_error_of_the_network_is_the_one_that_is_raised() -> None:
    """Not that of the work that it leaves behind, which is waited for."""
    ended = threading.Event()

    def fail() -> None:
        ended.set()
        raise OSError("disk full")

    def run() -> None:
        with NextToNetwork(core_is_free=True) as following:
            following.do(fail)
            raise ValueError("network")

    with pytest.raises(ValueError, match="network"):
        run()
    assert ended.is_set()


@pytest.mark.parametrize("cores", [1, 2])
def test_glue_has_a_thread_of_its_own_where_a_core_is_free(
    cores: int, mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgesr.runtimes.upscaling.upscale.usable_cores", lambda: cores)
    threads: set[int] = set()
    options = UpscaleOptions(artifact_id="onnx-fp32-tile", runtime="ort", threads=1, tile_size=(48, 48))
    image = np.zeros((60, 60, 3), dtype=np.uint8)
    Upscaler(mobile_bundle, options).run(image, lambda *_: threads.add(threading.get_ident()))
    assert len(threads) == 1
    assert (threading.get_ident() in threads) is (cores == 1)


def test_a_slow_encoder_gets_its_last_rows_in_two(mobile_bundle: Bundle) -> None:
    """So that it works on the upper one while the network works on the lower one."""
    options = UpscaleOptions(artifact_id="onnx-fp32-tile", runtime="ort", memory_bytes=256_000_000)
    whole, halved = (
        plan_upscale(mobile_bundle, (945, 1445), options, halve_last_row=asked).grid for asked in (False, True)
    )
    assert (halved.columns, halved.rows[:-2]) == (whole.columns, whole.rows[:-1])
    assert len(halved.rows) == len(whole.rows) + 1
