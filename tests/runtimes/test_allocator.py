"""The C library's allocator is changed in edgesr's own processes once they have torch, and never in a caller's."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from edgesr.benchmarks.jobs import Job
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.runtimes import allocator
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_records import to_json
from tests.helpers.places import PHOTOGRAPHS

WATCHED = """
import ctypes, json, sys
calls = []
class Library:
    def mallopt(self, name, value):
        calls.append((name, value, "torch" in sys.modules and hasattr(sys.modules["torch"], "nn")))
        return 1
real = ctypes.CDLL
ctypes.CDLL = lambda name, *rest, **options: Library() if name is None else real(name, *rest, **options)
"""
WORKER_PROGRAM = """
from pathlib import Path
from edgesr.benchmarks.worker import main
main(Path(sys.argv[1]), Path(sys.argv[2]))
"""
SETTINGS = [[-3, 32 << 20, True], [-1, 2**31 - 1, True]]


def calls_of(program: str, *arguments: object) -> list[list[object]]:
    """The calls of mallopt by a process: parameter, value, and whether torch was imported by then."""
    code = f"{WATCHED}\n{program}\nprint(json.dumps(calls))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout.splitlines()[-1])
    return found


def worker_job(folder: Path, bundle: Bundle, runtime: str, artifact: str) -> Path:
    file = folder / "job.json"
    job = Job(kind="parity", bundle=str(bundle.root), artifact=artifact, runtime=runtime, threads=1)
    file.write_text(to_json(job))
    return file


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc: no mallopt")


def test_a_worker_sets_both_after_torch(mobile_bundle: Bundle, tmp_path: Path) -> None:
    job = worker_job(tmp_path, mobile_bundle, "torchscript", "torchscript-fp32-tile")
    assert calls_of(WORKER_PROGRAM, job, tmp_path / "result.json") == SETTINGS
    assert json.loads((tmp_path / "result.json").read_text())["status"] == "done"


def test_a_worker_without_torch_sets_nothing(mobile_bundle: Bundle, tmp_path: Path) -> None:
    job = worker_job(tmp_path, mobile_bundle, "ort", "onnx-fp32-tile")
    assert calls_of(WORKER_PROGRAM, job, tmp_path / "result.json") == []


@pytest.mark.parametrize(("runtime", "expected"), [("torchscript", SETTINGS), ("ort", [])])
def test_the_command_line_sets_both_where_it_imports_torch(
    mobile_bundle: Bundle, tmp_path: Path, runtime: str, expected: list[list[object]]
) -> None:
    source = PHOTOGRAPHS / "cameraman.png"
    program = "from edgesr.cli.main import main\ntry:\n    main()\nexcept SystemExit as end:\n    assert not end.code"
    options = ("--bundle", mobile_bundle.root, "--runtime", runtime)
    assert calls_of(program, "upscale", source, tmp_path / "out.png", *options) == expected
    assert (tmp_path / "out.png").is_file()


def test_a_probe_and_a_failed_import_lose_nothing(tmp_path: Path) -> None:
    """With a stand-in for torch, whose first import fails."""
    (tmp_path / "torch").mkdir()
    broken_once = (
        "import os",
        "failed = os.environ.get('FAILED')",
        "os.environ['FAILED'] = '1'",
        "assert failed",
        "nn = 1",
    )
    (tmp_path / "torch" / "__init__.py").write_text("\n".join(broken_once))
    program = """
import importlib.util
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
sys.path.insert(0, sys.argv[1])
keep_large_blocks_after_torch()
assert importlib.util.find_spec("torch").origin.startswith(sys.argv[1])
try:
    import torch
except AssertionError:
    assert not calls
import torch
"""
    assert calls_of(program, tmp_path) == SETTINGS


def test_a_callers_process_is_never_changed(mobile_bundle: Bundle) -> None:
    program = """
import numpy as np
from edgesr import UpscaleOptions, open_bundle, upscale
sr = upscale(np.zeros((20, 30, 3), np.uint8), open_bundle(sys.argv[1]), UpscaleOptions(runtime="torchscript"))
assert sr.shape == (80, 120, 3) and "torch" in sys.modules
"""
    assert calls_of(program, mobile_bundle.root) == []


def test_results_tell_of_it() -> None:
    settings = current_environment().allocator
    assert settings == "after import of torch: mmap_threshold 33554432, trim_threshold 2147483647"


def test_a_heap_is_given_back_where_it_grows_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the first call of the largest image, and then beyond the call that follows."""
    given_back: list[int] = []
    heap = allocator.BoundedHeap(slack_bytes=10)
    calls = [(5, 100, 0), (5, 110, 0), (9, 200, 0), (5, 210, 0), (5, 211, 1), (5, 300, 1), (5, 310, 1), (5, 311, 2)]
    for pixels, resident, expected in calls:
        monkeypatch.setattr(allocator, "resident_bytes", lambda held=resident: held)
        monkeypatch.setattr(allocator, "give_back_free_memory", lambda: given_back.append(1))
        heap.after(pixels)
        assert len(given_back) == expected
