"""Parity: what is compared, that exported files have it, and that wrong ones fail."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.parity.comparison import Comparison, compare
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import golden_table, parity_table
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.manifest import Tolerance
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.json_records import decode
from tests.helpers.whole_runs import RUNTIMES_HERE

TOLERANCE = Tolerance(min_psnr_db=50, max_abs_error=4, max_mean_shift=0.5, max_border_error=2)


def test_compare_names_each_failure() -> None:
    reference = np.random.default_rng(0).uniform(0, 255, (3, 40, 40)).astype(np.float32)
    assert compare(reference, reference, TOLERANCE, ring=4) == Comparison(
        psnr_db=None, max_abs_error=0.0, mean_shift=(0.0, 0.0, 0.0), border_max_abs_error=0.0, failures=()
    )
    spike, edge, cast, noise = (reference.copy() for _ in range(4))
    spike[0, 20, 20] += 5
    edge[0, 0, 20] += 3
    cast[1] += 0.6
    noise += np.where(np.indices(noise.shape).sum(axis=0) % 2, 1.5, -1.5)
    broken = reference.copy()
    broken[0, 3, 3] = np.nan
    for wrong, message in (
        (spike, "max error 5"),
        (edge, "border error 3"),
        (cast, "mean shift 0.6"),
        (noise, "PSNR 44.6 dB is below 50"),
        (broken, "NaN or infinite"),
        (reference[:, :-1], "has shape (3, 39, 40), need (3, 40, 40)"),
    ):
        (failure,) = compare(wrong, reference, TOLERANCE, ring=4).failures
        assert message in failure


@pytest.mark.parametrize(
    ("name", "of_tile_size", "others"),
    [
        ("mobile_bundle", ["photograph", "half-clipped", "flat"], 3),
        ("projection_bundle", ["photograph", "clipped", "blown-out", "flat"], 4),
    ],
)
def test_every_artifact_has_parity(
    name: str, of_tile_size: list[str], others: int, request: pytest.FixtureRequest
) -> None:
    """At least 95 dB on every golden that fits; with an active projection and a flat image among them."""
    bundle: Bundle = request.getfixturevalue(name)
    for artifact, runtime in (pair for pair in select_artifacts(bundle) if pair[1] in RUNTIMES_HERE):
        goldens = check_parity(bundle, artifact, runtime=runtime, threads=1).goldens
        assert [g.golden for g in goldens][: len(of_tile_size)] == of_tile_size
        assert len(goldens) == len(of_tile_size) + (
            0 if artifact.tile_size and not artifact.use(runtime).resizable else others
        )
        for golden in goldens:
            assert golden.psnr_db is None or golden.psnr_db >= 95, (artifact.id, golden)
            assert golden.max_abs_error is not None
            assert golden.failures == ()
            assert golden.bilinear_psnr_db is None or 15 < golden.bilinear_psnr_db < 90
            assert (golden.bilinear_psnr_db is None) == (golden.k == 0), "flat and projected: bilinear is the golden"
            once = (golden.exact_psnr_db, golden.exact_max_difference) == (None, None)
            assert once is not bool(RUNTIMES[runtime].own_tolerances), "but by fast kernels with their own tolerance"


def with_changed_weight(bundle: Bundle, artifact_id: str, factor: float) -> Bundle:
    """Scale one convolution's weights in an ONNX file and make the manifest agree with the changed file."""
    import onnx
    from onnx import numpy_helper

    path = bundle.root / bundle.artifact(artifact_id).file.path
    model = onnx.load(path)
    weights = next(t for t in model.graph.initializer if list(t.dims[2:]) == [3, 3] and t.dims[0] == t.dims[1])
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * np.float32(factor), weights.name))
    onnx.save(model, path)
    manifest_file = bundle.root / "manifest.json"
    manifest = json.loads(manifest_file.read_text())
    entry = next(a["files"][0] for a in manifest["artifacts"] if a["id"] == artifact_id)
    entry.update(size_bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    manifest_file.write_text(json.dumps(manifest))
    return open_bundle(bundle.root)


@pytest.mark.parametrize("artifact_id", ["onnx-fp32-full", "onnx-fp32-tile"])
def test_changed_weights_fail(artifact_id: str, bundle_copy: Bundle) -> None:
    changed = with_changed_weight(bundle_copy, artifact_id, 1.02)
    artifacts = select_artifacts(changed, artifact=artifact_id, runtime="ort")
    results = check_on_devices(changed, [HostDevice()], artifacts=artifacts)
    assert not results.passed
    assert any("PSNR" in line for line in not_measured(results))
    assert parity_table(results).rows[0][-1] == "FAIL"


def test_wrong_residual_fails_even_where_k_hides_it(projection_bundle: Bundle, tmp_path: Path) -> None:
    """On the flat golden k is 0: the SR image is right whatever the residual is."""
    shutil.copytree(projection_bundle.root, tmp_path / "copy")
    changed = with_changed_weight(open_bundle(tmp_path / "copy"), "onnx-fp32-tile", 1.5)
    artifact = changed.artifact("onnx-fp32-tile")
    goldens = check_parity(changed, artifact, runtime="ort", threads=1).goldens
    flat = next(g for g in goldens if g.golden == "flat")
    assert (flat.k, flat.max_abs_error) == (0, 0)
    assert flat.failures
    assert all(f.startswith("residual: ") for f in flat.failures)


def test_parity_results_file(mobile_bundle: Bundle, tmp_path: Path) -> None:
    artifacts = select_artifacts(mobile_bundle, runtime="ort")
    results = check_on_devices(mobile_bundle, [HostDevice()], artifacts=artifacts)
    assert results.passed
    write_json(results, tmp_path / "p.json")
    assert decode(ParityResults, json.loads((tmp_path / "p.json").read_text())) == results
    assert [p.name for p in tmp_path.iterdir()] == ["p.json"]
    for table in (parity_table(results), golden_table(results)):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert len(table.rows) == 2


def test_matrix_shows_the_projection_factor_where_there_is_one(any_bundle: Bundle) -> None:
    artifacts = select_artifacts(any_bundle, artifact="onnx-fp32-tile", runtime="ort")
    columns = golden_table(check_on_devices(any_bundle, [HostDevice()], artifacts=artifacts)).columns
    projected = any_bundle.manifest.glue.noise_level is not None
    assert columns[1] == ("photograph\nk 1" if projected else "photograph")
    assert all(("\nk " in column) is projected for column in columns[1:])
