"""Measurements of the export: memory by size, whether a runtime can resize, and zero-padded variants."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.benchmarks.latency.file_run import RunJob, measure_run
from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import RunMemory
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint, load_checkpoint
from edgesr.sr_model.generators.generator import zero_padded
from tests.helpers.small_generator import projected_generator
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of


def test_memory_by_hand() -> None:
    memory = RunMemory(fixed_bytes=1000, bytes_per_lr_pixel=2.5)
    assert memory.bytes_at((3, 4)) == 1030
    assert memory.bytes_at((0, 4)) == 1000


def test_tile_graphs_have_a_memory(any_bundle: Bundle) -> None:
    """At least the activations of the widest layer twice, for every LR pixel; a full graph is not measured."""
    for artifact in any_bundle.manifest.artifacts:
        if artifact.graph == "full":
            assert artifact.inside is None
            assert all((use.memory, use.resizable) == (None, False) for use in artifact.uses)
            continue
        output = 3 * 4 * 16
        for memory in (use.memory for use in artifact.uses if use.name in RUNTIMES_HERE):
            assert memory is not None
            assert 2 * output < memory.bytes_per_lr_pixel < 100 * output, artifact.id
            assert 1_000_000 < memory.fixed_bytes < 200_000_000, artifact.id


def test_tflite_tile_files_are_resizable(any_bundle: Bundle) -> None:
    for artifact in any_bundle.manifest.artifacts:
        for use in artifact.uses:
            assert use.resizable is (artifact.format == "tflite" and artifact.graph == "tile")
            assert artifact.fits((5, 9), use.name) is (artifact.tile_size is None or use.resizable)


def test_zero_padded_variants_come_with_their_artifact(any_bundle: Bundle) -> None:
    """Named where they gain a tenth; none for a generator that pads with zeros."""
    artifacts = any_bundle.manifest.artifacts
    variants = {a.inside.artifact for a in artifacts if a.inside is not None} - {None}
    assert variants == {a.id for a in artifacts if a.inside_only}
    for artifact in artifacts:
        if any_bundle.manifest.glue.noise_level is None:
            assert (artifact.inside, artifact.inside_only, artifact.padding) == (None, False, "zero")
        elif artifact.graph == "tile" and not artifact.inside_only and artifact.runtimes[0] in RUNTIMES_HERE:
            assert artifact.inside is not None
            assert (artifact.inside.artifact is not None) is (artifact.inside.time_ratio <= 0.8)
            assert artifact.padding == "reflect"
        if artifact.inside_only:
            border = next(a for a in artifacts if a.inside is not None and a.inside.artifact == artifact.id)
            assert (artifact.padding, artifact.inside, artifact.halo) == ("zero", None, border.halo)
            assert (artifact.format, artifact.tile_size, artifact.precision) == (
                border.format,
                border.tile_size,
                border.precision,
            )


def test_zero_padded_generator_is_equal_inside_alone() -> None:
    """At exactly the halo from the border; its own weights stay as they are."""
    generator = projected_generator()
    image = torch.from_numpy(photograph("coffee", (30, 34)))[None]
    with torch.inference_mode():
        expected = generator.residual(image)
        difference = (zero_padded(generator).residual(image) - expected).abs()[0]
        assert torch.equal(generator.residual(image), expected)
    inside = slice(12, -12)
    assert difference[:, inside, inside].max() == 0
    for edge in (difference[:, 0], difference[:, -1], difference[:, :, 0], difference[:, :, -1]):
        assert edge.max() > 0.1
    assert zero_padded(generator).config.padding == "zero" and generator.config.padding == "reflect"


def test_zero_padded_mobile_generator_is_the_same() -> None:
    generator = load_checkpoint(embedded_checkpoint("srrescycgan-mobile"))
    image = torch.from_numpy(photograph("coffee", (9, 12)))[None]
    with torch.inference_mode():
        assert torch.equal(zero_padded(generator)(image), generator(image))


def test_parity_of_zero_padded_artifacts(projection_bundle: Bundle) -> None:
    """Compared with the zero-padded residual: with the generator's own they would fail at the border."""
    variants = [a for a in projection_bundle.manifest.artifacts if a.inside_only]
    assert "tflite" in {a.format for a in variants}
    for variant in variants:
        goldens = check_parity(projection_bundle, variant, runtime=variant.runtimes[0], threads=1).goldens
        assert len(goldens) >= 4
        assert [golden.failures for golden in goldens] == [()] * len(goldens)
        as_border = dataclasses.replace(variant, inside_only=False)
        wrong = check_parity(projection_bundle, as_border, runtime=variant.runtimes[0], threads=1).goldens
        assert any("residual: border error" in failure for golden in wrong for failure in golden.failures)


def test_goldens_hold_the_zero_padded_residual(any_bundle: Bundle) -> None:
    manifest = any_bundle.manifest
    for golden in manifest.goldens:
        if manifest.glue.noise_level is None:
            assert golden.zero_padded_residual is None
            continue
        assert golden.zero_padded_residual is not None
        assert golden.zero_padded_residual in golden.files()
        own, zero = any_bundle.tensor(golden.residual), any_bundle.tensor(golden.zero_padded_residual)
        image = any_bundle.tensor(golden.input)
        with torch.inference_mode():
            expected = zero_padded(projected_generator()).residual(torch.from_numpy(image)[None])[0].numpy()
        assert np.abs(zero - expected).max() <= 1e-3
        assert np.array_equal(own[:, 12:-12, 12:-12], zero[:, 12:-12, 12:-12])
        result = apply_residual(image, own, scale=manifest.scale, glue=manifest.glue)
        assert np.abs(result - any_bundle.tensor(golden.output)).max() <= 0.01


def test_golden_without_zero_padded_residual_is_refused(projection_bundle: Bundle) -> None:
    variant = next(a for a in projection_bundle.manifest.artifacts if a.inside_only)
    goldens = tuple(dataclasses.replace(g, zero_padded_residual=None) for g in projection_bundle.manifest.goldens)
    manifest = dataclasses.replace(projection_bundle.manifest, goldens=goldens)
    with pytest.raises(InputError, match=f"{variant.id}: golden .* has no zero-padded residual; export"):
        check_parity(Bundle(projection_bundle.root, manifest), variant, runtime=variant.runtimes[0], threads=1)


def _job(bundle: Bundle, runtime: str, graph: str, size: tuple[int, int], calls: int) -> RunJob:
    artifact = artifact_of(bundle, runtime, graph)
    file = str(Path(bundle.path(artifact.file)).absolute())
    layout = artifact.inputs[0].layout
    return RunJob(runtime=runtime, precision=artifact.precision, files=(file,), layout=layout, size=size, calls=calls)


@pytest.mark.parametrize("runtime", ["ort", "tflite", "torchscript", "ncnn", "mnn"])
def test_cost_of_a_run(runtime: str, mobile_bundle: Bundle) -> None:
    cost = measure_run(_job(mobile_bundle, runtime, "tile", (20, 24), 2))
    assert (cost.output_size, cost.refusal) == ((80, 96), None)
    assert cost.memory_bytes >= 0
    assert len(cost.best_ms) == 1 and cost.best_ms[0] > 0
    assert measure_run(_job(mobile_bundle, runtime, "tile", (20, 24), 0)).best_ms == ()


def test_baked_in_size_is_noticed(projection_bundle: Bundle) -> None:
    """A full TFLite graph of another size is refused by its runtime, or gives an output of the wrong size."""
    cost = measure_run(_job(projection_bundle, "tflite", "full", (20, 24), 0))
    assert cost.output_size != (80, 96)
    assert (cost.output_size is None) is (cost.refusal is not None)


def test_session_of_a_variant_opens(projection_bundle: Bundle) -> None:
    for variant in (a for a in projection_bundle.manifest.artifacts if a.inside_only):
        assert open_session(projection_bundle, variant).infer(photograph("cat", (32, 32))).shape == (3, 128, 128)
