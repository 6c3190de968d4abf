"""Two real boxes over OpenSSH and this host at the same time; one of them is lost in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.runs.bench import run_bench
from edgesr.benchmarks.runs.options import BenchOptions, ParityOptions
from edgesr.benchmarks.runs.parity import run_parity
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.progress import ProgressEvent
from tests.helpers.boxes.needs import children

if TYPE_CHECKING:
    from tests.helpers.boxes.sshd import SshdBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow

NAMES = ["host", "ssh:a", "ssh:b"]


def test_rows_are_those_of_one_after_the_other_and_a_box_that_dies_costs_its_own(
    two_boxes: tuple[SshdBox, SshdBox], quantized_bundle: Bundle
) -> None:
    _same_rows(quantized_bundle)
    begun = threading.Event()
    killer = threading.Thread(target=_kill, args=(two_boxes[1], begun))
    killer.start()

    def progress(event: ProgressEvent) -> None:
        if event.task == "bench ssh:b" and event.done == 1:
            begun.set()

    options = BenchOptions(runtime="tflite", device="host,ssh:a,ssh:b", rounds=1, calls=2, seconds=0.0)
    results = run_bench(quantized_bundle, options, progress=progress)
    killer.join()
    rows = {name: [row for row in results.results if row.key.device == name] for name in NAMES}
    assert [*dict.fromkeys(row.key.device for row in results.results)] == NAMES
    for name in NAMES[:2]:
        assert [row.status for row in rows[name]] == ["done"] * len(rows["host"])
    assert [row.key.artifact for row in rows["ssh:b"]] == [row.key.artifact for row in rows["host"]]
    assert {row.status for row in rows["ssh:b"]} == {"crashed"} and not results.passed
    assert all(str(row.reason).startswith("ssh:b: ") for row in rows["ssh:b"])
    assert "Connection refused" in str(rows["ssh:b"][-1].reason)


def _same_rows(bundle: Bundle) -> None:
    chosen = ParityOptions(artifact="onnx-int8-tile", runtime="ort")
    together = run_parity(bundle, replace(chosen, device="host,ssh:a,ssh:b"))
    assert [row.key.device for row in together.results] == NAMES and together.passed
    assert [one.device for one in together.differences] == NAMES[1:]
    for name in NAMES[1:]:
        alone = run_parity(bundle, replace(chosen, device=name))
        assert alone.results == tuple(row for row in together.results if row.key.device in ("host", name))
        assert alone.differences == tuple(one for one in together.differences if one.device == name)


def _kill(box: SshdBox, begun: threading.Event) -> None:
    """The server and all that it started, while a worker runs: as if the box were switched off."""
    assert begun.wait(120)
    while not any(box.cache().glob("job.*/job.json")):
        time.sleep(0.05)
    for process in children(box.process.pid):
        os.kill(process, signal.SIGKILL)
