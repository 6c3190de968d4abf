"""Ctrl-C during training: the first waits, the second does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from edgesr.sr_model.training.interrupt import deferred_interrupt


@pytest.fixture(autouse=True)
def python_handler() -> Iterator[None]:
    """Python's own handler, which a process that a shell started in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_first_press_is_noted_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        press_ctrl_c()
        assert interrupted()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_second_press_interrupts_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        press_ctrl_c()
        press_ctrl_c()


def test_other_threads_leave_signals_alone() -> None:
    """Only the main thread may set handlers."""
    seen: list[bool] = []

    def run() -> None:
        with deferred_interrupt() as interrupted:
            seen.append(interrupted())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]
