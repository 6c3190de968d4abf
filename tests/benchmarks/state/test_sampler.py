"""The process that samples: on this machine, off the measured cores, and gone when the worker is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgesr.benchmarks.state.cores import usable_cores
from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.readers import READERS, take_sample
from edgesr.benchmarks.state.reading import Quantity
from edgesr.benchmarks.state.watch import watched
from edgesr.runtimes.import_closure import import_closure
from tests.helpers.state.trees import jetson


def test_a_process_is_watched_while_it_works(tmp_path: Path) -> None:
    """The device is a made-up Jetson, the work real."""
    with watched(threads=1, cores=None, pinned=False, seconds=0.02, place=jetson(tmp_path)) as watch:
        watch.begin()
        end = time.process_time() + 0.2
        while time.process_time() < end:
            sum(range(1000))
        measured, state = watch.end()
    assert len(measured.during) >= 2
    assert len(measured.after) == 2
    assert state.samples == len(measured.during) + 2
    assert (state.power_sensor, state.temperature_sensor) == ("INA3221 VDD_IN", "cpu-thermal")
    assert state.power_w is not None
    assert state.power_w.start == 7.5
    assert state.own_share is not None
    assert 0 < state.own_share.least <= 1.05


def test_samples_before_measuring_are_kept_apart(tmp_path: Path) -> None:
    with watched(threads=1, cores=None, pinned=False, seconds=0.02, place=jetson(tmp_path)) as watch:
        watch.begin()
        time.sleep(0.2)
        watch.begin()
        time.sleep(0.2)
        measured, state = watch.end()
    assert measured.before
    assert measured.during
    assert measured.before[-1].at < measured.during[0].at
    assert state.samples == len(measured.during) + len(measured.after)


def test_the_sampler_is_off_the_measured_core_and_ends_with_a_killed_worker() -> None:
    if len(usable_cores()) < 2:
        pytest.skip("needs two cores, one of them to spare")
    core = usable_cores()[0]
    code = f"""
import multiprocessing, os, time
from edgesr.benchmarks.state.watch import watched
with watched(threads=1, cores="{core}", pinned=False) as watch:
    watch.begin()
    (sampler,) = multiprocessing.active_children()
    while os.sched_getaffinity(sampler.pid) == {{{core}}}:
        time.sleep(0.01)
    print(sorted(os.sched_getaffinity(sampler.pid)), flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        try:
            cores = worker.stdout.readline()
        finally:
            worker.kill()
        assert cores.strip() == str([one for one in usable_cores() if one != core])
        rest, _ = worker.communicate(timeout=60)
    assert rest == "", "reading ends once nobody holds the worker's output: the sampler has ended, too"


def test_a_worker_whose_sampler_died_has_no_samples() -> None:
    with watched(threads=1, cores=None, pinned=False, seconds=0.02) as watch:
        watch.begin()
        (sampler,) = multiprocessing.active_children()
        assert sampler.pid is not None
        os.kill(sampler.pid, signal.SIGKILL)
        sampler.join()
        measured, state = watch.end()
    assert (measured.all, state.samples, state.load) == ((), 0, None)


def test_sampling_needs_the_standard_library_alone() -> None:
    closure = import_closure("edgesr.benchmarks.state.watch")
    assert "edgesr.benchmarks.state.android" in closure.sources
    assert closure.imports <= sys.stdlib_module_names


def test_this_machine_is_read_without_an_error() -> None:
    found = take_sample(Place(), os.getpid(), READERS)
    assert found.numbers(Quantity.LOAD).keys() == {""}
    assert found.numbers(Quantity.WAITED_SECONDS)
