"""Bundles with ExecuTorch files: what their manifests tell, and parity of int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.formats.targets import TARGETS, left_out, plan_artifacts, targets_of_onnx
from edgesr.export.inspection.doctor import runtime_table
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import InputError
from tests.helpers.small_generator import save_projected_generator

RunCli = Callable[..., tuple[int, str, str]]


def test_a_manifest_tells_bounds_memory_and_parts(executorch_mobile_bundle: Bundle, run_cli: RunCli) -> None:
    for name in ("executorch-fp32-full", "executorch-fp32-tile"):
        artifact = executorch_mobile_bundle.artifact(name)
        assert artifact.bounds == SizeBounds(least=(1, 1), most=(256, 256))
        (use,) = artifact.uses
        assert use.delegate is not None and use.delegate.predicted == use.delegate.found
        assert use.delegate.found.partitions == 3
        assert 500_000 < artifact.size_bytes < 560_000
        assert (use.memory is None) is (artifact.graph == "full")
        assert use.memory is None or 25_000_000 < use.memory.bytes_at((128, 128)) < 250_000_000
    assert executorch_mobile_bundle.artifact("onnx-fp32-tile").bounds is None
    code, out, _ = run_cli("inspect", executorch_mobile_bundle.root)
    assert code == 0 and "1x1 to 256x256" in " ".join(out.split())


def test_every_golden_within_bounds_is_compared(executorch_projection_bundle: Bundle) -> None:
    """The projection's is the whole image's, by topk in the full graph; the zero-padded form has one part."""
    bundle = executorch_projection_bundle
    compared = {}
    for artifact in bundle.manifest.artifacts:
        if artifact.format == "executorch":
            found = check_parity(bundle, artifact, runtime="executorch", threads=1)
            assert all(golden.failures == () for golden in found.goldens), artifact.id
            compared[artifact.id] = {golden.golden for golden in found.goldens}
            assert artifact.bounds is not None
            assert compared[artifact.id] == {g.id for g in bundle.manifest.goldens if artifact.bounds.hold(g.size)}
    assert {"executorch-fp32-full", "executorch-fp32-tile"} <= compared.keys()
    assert "120x200" not in compared["executorch-fp32-tile"]
    assert len(compared["executorch-fp32-tile"]) >= 5


def test_what_cannot_be_made_is_refused_with_its_reason() -> None:
    with pytest.raises(InputError, match="executorch cannot be exported as fp16"):
        plan_artifacts(("executorch",), ("fp16",), ("tile",), (64, 64))
    (line,) = left_out(("executorch",), ("fp32", "fp16"))
    assert "fp16 is no smaller" in line and "5 dB" in line
    with pytest.raises(InputError, match="executorch: it is made from an exported program of PyTorch; give --targets"):
        targets_of_onnx(("executorch",), named=True)


def test_its_predecessor_names_it() -> None:
    rows = {row[0]: row for row in runtime_table().rows}
    assert rows["torchscript"][1] == "TorchScript Lite (legacy: executorch)"
    assert RUNTIMES[RUNTIMES["torchscript"].successor].name == "executorch"
    assert "executorch is its successor" in TARGETS["torchscript"].why_not_others


@pytest.mark.slow
def test_int8_keeps_the_plans_budget(tmp_path: Path, cache_dir: Path) -> None:
    options = ExportOptions(
        preset="srrescycgan-mobile",
        targets=("executorch",),
        precisions=("fp32", "int8"),
        graphs=("tile",),
        tile_size=(64, 64),
    )
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    artifact = bundle.artifact("executorch-int8-tile")
    assert artifact.size_bytes < bundle.artifact("executorch-fp32-tile").size_bytes / 3
    found = check_parity(bundle, artifact, runtime="executorch", threads=1)
    assert found.lacks_exact
    for golden in found.goldens:
        assert golden.failures == ()
        assert golden.psnr_db is None or golden.psnr_db > 49, golden.golden


@pytest.mark.slow
def test_a_full_graph_with_a_projection_becomes_int8(tmp_path: Path, cache_dir: Path) -> None:
    """Its program has buffers that checkpoints leave out, and nodes that give sizes."""
    options = ExportOptions(
        checkpoint=save_projected_generator(tmp_path),
        targets=("executorch",),
        precisions=("int8",),
        graphs=("full",),
        tile_size=(32, 32),
    )
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    found = check_parity(bundle, bundle.artifact("executorch-int8-full"), runtime="executorch", threads=1)
    assert [golden.failures for golden in found.goldens] == [()] * len(found.goldens)
    finite = [golden.psnr_db for golden in found.goldens if golden.psnr_db is not None]
    assert 50 < min(finite) < 90, "it is int8"
