"""ExecuTorch: inputs are checked before it sees them, nothing is written to standard error, little is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.export import Dim

from edgesr.export.executorch.lowering import lower
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.adapters.executorch_file import fallback_of
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions import planted_modules as planted


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network (1,3,h,w) -> (1,3,2h,2w), of sides from 1 to 32."""
    sides = {2: Dim("height", min=1, max=32), 3: Dim("width", min=1, max=32)}
    program = torch.export.export(planted.sound(), (torch.rand(1, 3, 9, 12),), dynamic_shapes=({**sides},))
    path = tmp_path_factory.mktemp("small") / "model.pte"
    lower(program, path)
    return path


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 3, 33, 5), "float32"),  # ExecuTorch takes it: it has no more values than the largest
        ((1, 3, 32, 33), "float32"),
        ((1, 1, 8, 8), "float32"),  # ExecuTorch fails in the middle of the call
        ((2, 3, 8, 8), "float32"),
        ((3, 8, 8), "float32"),
        ((1, 3, 8, 8), "float64"),
    ],
)
def test_other_inputs_are_refused_and_the_next_one_is_run(
    shape: tuple[int, ...], dtype: str, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    session = executorch.open(file, RunSettings())
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 8, 11)).astype(np.float32)
    expected = session.run(image)
    with pytest.raises(ValueError, match="it takes 1x3x32x32 at most, in float32, and not"):
        session.run(np.zeros(shape, dtype=dtype))
    assert np.array_equal(session.run(image), expected)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_file_is_refused_without_lines_of_its_own(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "model.pte"
    content = file.read_bytes()
    for changed in (content[:100], content[: len(content) // 2], b"", content.replace(b"ET12", b"XX12")):
        damaged.write_bytes(changed)
        with pytest.raises(executorch.RUNTIME.failures()):
            executorch.open(damaged, RunSettings())
    assert capfd.readouterr() == ("", "")


def test_an_answer_is_its_own(file: Path) -> None:
    """Neither a later call, nor another session of the file, nor the end of its session changes it."""
    rng = np.random.default_rng(1)
    one, two = (rng.uniform(0, 255, (1, 3, 8, 11)).astype(np.float32) for _ in range(2))
    first, second = (executorch.open(file, RunSettings()) for _ in range(2))
    answer = first.run(one)
    kept = answer.copy()
    assert np.abs(second.run(two) - kept).max() > 1 and np.abs(first.run(two) - kept).max() > 1
    del first, second
    assert np.array_equal(answer, kept)
    with torch.inference_mode():
        assert np.abs(kept - planted.sound()(torch.from_numpy(one)).numpy()).max() <= 1e-3


def test_operators_inside_the_delegate_have_times(file: Path) -> None:
    found = executorch.profile(file, np.ones((1, 3, 30, 31), dtype=np.float32), RunSettings(), calls=4)
    assert found.calls == 4 and found.why_no_times is None
    assert sum(one.kind.startswith("Convolution") for one in found.operators) == 1
    assert all(one.ms >= 0 for one in found.operators)
    assert found.delegation is not None and found.delegation.partitions >= 1


def test_arithmetic_with_sizes_and_views_are_no_fallback() -> None:
    names = ["aten::index", "aten::sym_size", "executorch_prim::et_view", "aten::view_copy", "aten::index", "a::sum"]
    assert fallback_of(names) == {"index": 2, "sum": 1}


_LOADED = """
import os, sys
before = dict(os.environ)
from pathlib import Path
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.interface.runtime import RunSettings
assert "torch" not in sys.modules
executorch.open(Path(sys.argv[1]), RunSettings())
print({name for name in ("executorch.exir", "torchao", "pandas", "huggingface_hub") if name in sys.modules})
print({name for name in os.environ if os.environ[name] != before.get(name)})
"""


def test_running_imports_no_exporter_and_sets_no_variable(file: Path) -> None:
    done = subprocess.run([sys.executable, "-P", "-c", _LOADED, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "set()\nset()\n", "")


_OTHER_THREADS = """
import sys
from pathlib import Path
import numpy as np
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.interface.runtime import RunSettings

image = np.random.default_rng(0).uniform(0, 255, (1, 3, 32, 32)).astype(np.float32)
first = executorch.open(Path(sys.argv[1]), RunSettings(threads=2))
expected = first.run(image)
for threads in (1, 2, 3, 1):
    other = executorch.open(Path(sys.argv[1]), RunSettings(threads=threads))
    for session in (first, other, first):
        assert np.abs(session.run(image) - expected).max() <= 1e-3
"""


def test_sessions_with_other_numbers_of_threads_leave_each_other_alone(file: Path) -> None:
    """In a process of its own: a method that is called with the pool of another session crashes it."""
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_THREADS, str(file)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
