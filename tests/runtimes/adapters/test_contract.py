"""One contract for all runtimes and every artifact that they open."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.adapters.profiling import profile_operators
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.interface.runtime import RunSettings
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of, fixture_for

BUNDLES = ("mobile_bundle", "projection_bundle", pytest.param("quantized_bundle", marks=pytest.mark.slow))
WITHOUT_QUANTIZED = {
    "torchscript": "its target has float32 files alone",
    "executorch": "the bundle has none; tests/export/executorch makes and runs its int8 files",
    "ncnn": "the bundle has none; tests/export/ncnn makes and runs its files of lower precision",
    "mnn": "the bundle has none; tests/export/mnn makes and runs its files of lower precision",
}


@pytest.fixture(params=BUNDLES)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    found: Bundle = request.getfixturevalue(fixture_for(request.param, request))
    return found


def opened_by(runtime: str, bundle: Bundle) -> list[Artifact]:
    """The artifacts of a bundle that a runtime opens."""
    found = [artifact for artifact in bundle.manifest.artifacts if runtime in artifact.runtimes]
    if not found:
        pytest.skip(f"{runtime}: {WITHOUT_QUANTIZED[runtime]}")
    return found


def sizes_of(artifact: Artifact, runtime: str, bundle: Bundle) -> list[Size]:
    """Its own size, and another one where it takes any."""
    tile = artifact.tile_size or bundle.manifest.tile_size
    other = (tile[0] - 5, tile[1] + 2)
    return [tile, other, tile] if artifact.fits(other, runtime) else [tile]


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_two_sessions_answer_alike_at_every_size(runtime: str, bundle: Bundle) -> None:
    """In turn, so that neither session works in the other's memory; the answer to the first call is kept."""
    scale = bundle.manifest.scale
    for artifact in opened_by(runtime, bundle):
        one, two = (open_session(bundle, artifact, runtime=runtime) for _ in range(2))
        for height, width in sizes_of(artifact, runtime, bundle):
            image, other = photograph("coffee", (height, width)), photograph("rocket", (height, width))
            before = image.copy()
            first = one.infer(image)
            kept = first.copy()
            different, again = two.infer(other), two.infer(image)
            assert first.shape == (3, scale * height, scale * width), artifact.id
            assert first.dtype == np.float32
            assert np.isfinite(first).all()
            assert np.array_equal(first, kept) and np.array_equal(first, again), artifact.id
            assert np.array_equal(one.infer(image), kept), artifact.id
            assert np.abs(different - first).max() > 1, "a result is not overwritten by the next call"
            assert np.array_equal(image, before)


@pytest.mark.parametrize("graph", ["full", "tile"])
@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_two_threads_compute_the_same(runtime: str, graph: str, any_bundle: Bundle) -> None:
    """Fast kernels with a tolerance of their own choose what they do by the threads, too: exact ones are compared."""
    artifact, exact = artifact_of(any_bundle, runtime, graph), bool(RUNTIMES[runtime].own_tolerances)
    image = photograph("coffee", any_bundle.manifest.tile_size)
    single, threaded = (
        open_session(any_bundle, artifact, runtime=runtime, threads=n, exact=exact).infer(image) for n in (1, 2)
    )
    assert single.std() > (20 if graph == "full" else 0.5)
    assert np.abs(single - threaded).max() <= 1e-3


_COUNT = """
import json, os, sys
from pathlib import Path
import numpy as np
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.interface.runtime import RunSettings
name, path, threads, shape = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
RUNTIMES[name].load()
session = RUNTIMES[name].open(path, RunSettings(threads=threads))
for _ in range(3):
    session.run(np.full(shape, 128.0, dtype=np.float32))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts a process's threads in /proc")
@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_a_session_has_the_threads_that_it_was_given(runtime: str, mobile_bundle: Bundle) -> None:
    """A process with two threads of a runtime has one more than with one; PyTorch has two pools."""
    artifact = artifact_of(mobile_bundle, runtime, "tile")
    shape = [side or 64 for side in artifact.inputs[0].shape]
    counts = []
    for threads in (1, 2):
        command = [sys.executable, "-P", "-c", _COUNT, runtime, mobile_bundle.model_path(artifact), threads]
        done = subprocess.run(
            [*map(str, command), json.dumps(shape)], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        counts.append(int(done.stdout))
    assert 1 <= counts[1] - counts[0] <= (2 if runtime == "torchscript" else 1)


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_a_damaged_file_is_one_of_its_failures(runtime: str, tmp_path: Path) -> None:
    info, damaged = RUNTIMES[runtime], tmp_path / "model"
    damaged.write_bytes(b"no model" * 100)
    with pytest.raises(info.failures()):
        info.open(damaged, RunSettings())


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_a_profile_has_the_times_of_calls(runtime: str, mobile_bundle: Bundle) -> None:
    """And those of operators that fit into a call, or the reason why there are none."""
    artifact = artifact_of(mobile_bundle, runtime, "tile")
    image = photograph("coffee", mobile_bundle.manifest.tile_size)
    found = profile_operators(mobile_bundle, artifact, image, runtime=runtime, threads=1, calls=3)
    assert found.calls == 3
    assert found.call_ms > 0
    total = sum(one.ms for one in found.operators)
    assert bool(found.why_no_times) is not bool(found.operators)
    assert found.why_no_times or 0.1 * found.call_ms < total < 3 * found.call_ms
