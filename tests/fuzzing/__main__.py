"""Fuzz what edgesr reads: python -m tests.fuzzing [TARGET ...] [--runs N] [--seconds S] [--seed N]

Mutates files of every kind, and reads each as the command line does: it has to be read, or refused in one line. Targets
in Python are guided by coverage (atheris, libFuzzer); those that C++ libraries read run in forks, without guidance.
Faults are kept in tests/data/fuzz/TARGET, from where tests replay them. Exit code 1 when there were any.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris

os.environ["OMP_NUM_THREADS"] = "1"  # as many processes as cores

with atheris.instrument_imports(include=["edgesr"]):
    from edgesr.benchmarks.latency import statistics
    from tests.fuzzing import targets
from tests.fuzzing.outcomes import outcome
from tests.helpers.places import FUZZ_CORPUS

_OPTIONS = ("-max_len=10000000", "-mutate_depth=1", "-timeout=60", "-verbosity=0")


class Run:
    """Counts the outcomes of one target and keeps its faults."""

    def __init__(self, name: str, runs: int, seconds: float) -> None:
        self.name, self.target = name, targets.TARGETS[name]
        self._runs, self._ends = runs, time.monotonic() + seconds
        self._started = time.monotonic()
        self._counts: collections.Counter[str] = collections.Counter()
        self._faults: set[str] = set()

    def add(self, content: bytes) -> None:
        """Read one input; ends the process, with the counts as its last line, after the last one."""
        result, message = outcome(self.target, content)
        self._counts[result] += 1
        if result == "fault" and (reason := _reason(message)) not in self._faults:
            self._faults.add(reason)
            folder = FUZZ_CORPUS / self.name
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / hashlib.sha256(content).hexdigest()[:12]
            file.write_bytes(content)
            print(f"{file}:\n{message}", file=sys.stderr, flush=True)
        if self._counts.total() >= self._runs or time.monotonic() > self._ends:
            self._finish()

    def _finish(self) -> None:
        targets.work_folder().cleanup()  # os._exit runs no finalizers
        told = {"target": self.name, **self._counts, "seconds": round(time.monotonic() - self._started)}
        print(json.dumps(told), flush=True)
        os._exit(1 if self._faults else 0)


def _reason(message: str) -> str:
    """The end of a traceback: its place, and the exception."""
    lines = message.strip().splitlines() or ["a refusal without a word"]
    places = [line for line in lines if line.startswith("  File ")]
    return f"{places[-1:]} {lines[-1].split(':')[0]}"


def fuzz(name: str, runs: int, seconds: float, seed: int) -> None:
    """Fuzz one target until it has had its inputs or its seconds; ends the process."""
    run = Run(name, runs, seconds)
    mutate, seeds = run.target.mutate, run.target.seeds()
    for content in seeds:
        run.add(content)
    if run.target.apart:
        choice = random.Random(seed)
        while True:
            run.add(mutate(choice.choice(seeds), choice))

    def mutated(content: bytes, most_bytes: int, number: int) -> bytes:
        choice = random.Random(number)
        return mutate(content if choice.random() < 0.3 else choice.choice(seeds), choice)[:most_bytes]

    corpus = Path(targets.work_folder().name) / "corpus"
    corpus.mkdir()
    for place, content in enumerate(seeds):
        (corpus / str(place)).write_bytes(content)
    statistics._DRAWS = 10  # of a bootstrap: its intervals are not looked at
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-seed={seed + 1}", *_OPTIONS],
        run.add,
        custom_mutator=mutated,
    )
    atheris.Fuzz()


def main() -> None:
    """Each target in a process of its own, as many at a time as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[[], *targets.TARGETS], help="all without")
    parser.add_argument("--runs", type=int, default=20_000, help="inputs of each target")
    parser.add_argument("--seconds", type=float, default=3600.0, help="at most, for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        fuzz(given.targets[0], given.runs, given.seconds, given.seed)
    limits = ["--runs", str(given.runs), "--seconds", str(given.seconds), "--seed", str(given.seed)]

    def run(name: str) -> int:
        return subprocess.run([sys.executable, "-m", "tests.fuzzing", name, "--here", *limits], check=False).returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(run, given.targets or targets.TARGETS))
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
