"""Two processes on one core: calls a second fall to half, and heat has nothing to do with it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from edgesr.benchmarks.state.cores import usable_cores

MEASURE = """
    import sys
    from edgesr.benchmarks.sustained.measure import measure_sustained
    from edgesr.benchmarks.sustained.settings import SustainedSettings
    settings = SustainedSettings(
        seconds=2.4, window_seconds=0.4, edge_seconds=1.0, warmup_seconds=0.1, sample_seconds=0.1, cores=sys.argv[1]
    )
    call = lambda: sum(range(20_000))
    found = measure_sustained(lambda: call, size=(8, 8), threads=1, settings=settings)
    print(found.verdict, max(one.own_share for one in found.windows), max(one.waiting_share for one in found.windows))
"""
RIVAL = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); print(flush=True)\nwhile True: pass"


def test_a_squeezed_process_is_contended_and_not_throttled() -> None:
    """The rival has the same priority and the same core, so the scheduler gives each about half of it."""
    core = str(usable_cores()[0])
    with subprocess.Popen([sys.executable, "-c", RIVAL, core], stdout=subprocess.PIPE) as rival:
        try:
            assert rival.stdout is not None
            rival.stdout.readline()
            command = [sys.executable, "-c", textwrap.dedent(MEASURE), core]
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
        finally:
            rival.kill()
    verdict, share, waited = ended.stdout.split()
    assert verdict == "contended"
    assert float(share) < 0.95
    assert float(waited) > 0.05
