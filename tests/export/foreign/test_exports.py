"""Bundles of users' networks: what is in them, what their files compute, in tiles and whole, and what fails alone."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch

import edgesr
from edgesr.export.calibration.photographs import photograph
from edgesr.export.foreign.child_process import python_files
from edgesr.export.formats.target import ArtifactPlan, Sources
from edgesr.export.formats.targets import TARGETS
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import ExportReport, export_bundle
from edgesr.runtimes.bundle.contract import EXACT, Tiling
from edgesr.runtimes.bundle.manifest import RunMemory
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import upscale
from tests.export.foreign.conftest import NETWORKS, require_parity

RunCli = Callable[..., tuple[int, str, str]]
SRVGG = f"{NETWORKS / 'convolutional.py'}:srvgg"


def whole_picture(name: str, image: np.ndarray) -> np.ndarray:
    """The picture that the user's own network makes of an image (h,w,3) in [0,255]."""
    file, function = name.split(".")
    network = getattr(importlib.import_module(f"tests.helpers.foreign.{file}"), function)().eval()
    with torch.inference_mode():
        picture = network(torch.from_numpy(image).permute(2, 0, 1)[None] / 255)[0] * 255
    return np.asarray(picture.clamp(0, 255).permute(1, 2, 0).numpy())


def test_manifest_tells_the_contract_and_the_source(foreign_bundle: Bundle) -> None:
    manifest = foreign_bundle.manifest
    assert manifest.generator["name"] == "convolutional.py:srvgg"
    assert {key: manifest.generator[key] for key in ("scale", "peak", "multiple", "network_side")} == {
        "scale": 4,
        "peak": 1,
        "multiple": 1,
        "network_side": 1,
    }
    assert manifest.tiling is not None and manifest.tiling.exact and manifest.tiling.error is not None
    assert manifest.tiling.error <= EXACT
    assert (manifest.tiling.halo, manifest.colour, manifest.multiple) == (6, "rgb", 1)
    assert manifest.checkpoint.name == "convolutional.py:srvgg"
    assert (manifest.scale, manifest.minimum_side, manifest.glue.upsample) == (4, 1, "none")
    assert [a.id for a in manifest.artifacts] == [
        f"{target}-fp32-{graph}" for target in ("onnx", "torchscript") for graph in ("full", "tile")
    ]
    assert {a.halo for a in manifest.artifacts if a.graph == "tile"} == {6}


def test_files_compute_the_network(foreign_bundle: Bundle) -> None:
    require_parity(foreign_bundle)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (17, 23), (70, 45)])
@pytest.mark.parametrize("runtime", ["ort", "torchscript"])
def test_tiles_give_the_whole_picture(runtime: str, size: tuple[int, int], foreign_bundle: Bundle) -> None:
    image = np.ascontiguousarray(photograph("coffee", size).transpose(1, 2, 0))
    expected = whole_picture("convolutional.srvgg", image)
    options = UpscaleOptions(runtime=runtime, artifact_id=f"{ARTIFACTS[runtime]}-fp32-tile", tile_size=(33, 24))
    assert np.abs(upscale(image, foreign_bundle, options) - expected).max() < 0.01


ARTIFACTS = {"ort": "onnx", "torchscript": "torchscript"}


def test_what_a_file_may_import_counts(tmp_path: Path) -> None:
    """Modules next to it, and all of packages there: one that changes makes the network anew."""
    (tmp_path / "package" / "deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for name in ("net.py", "sibling.py", "package/__init__.py", "package/deep/part.py", "other/no_package.py"):
        (tmp_path / name).write_text("x = 1\n")
    before = python_files(tmp_path / "net.py")
    assert sorted(before) == ["net.py", "package/__init__.py", "package/deep/part.py", "sibling.py"]
    for name in before:
        (tmp_path / name).write_text("x = 2\n")
        assert python_files(tmp_path / "net.py")[name] != before[name]


def test_a_large_image_is_refused_where_no_tile_is_exact(foreign_bundle: Bundle) -> None:
    """Its full graph's memory was measured, and the figure of its tiles is in the manifest."""
    manifest = foreign_bundle.manifest
    full = next(a for a in manifest.artifacts if a.graph == "full")
    use = replace(full.uses[0], memory=RunMemory(fixed_bytes=10**6, bytes_per_lr_pixel=1000.0))
    whole = replace(
        manifest,
        tiling=Tiling(verdict="inexact", halo=None, field=None, step=1, error=4.8, psnr_db=52.0),
        artifacts=(replace(full, uses=(use,)),),
    )
    bundle = replace(foreign_bundle, manifest=whole)
    assert plan_upscale(bundle, (100, 200), UpscaleOptions(memory_bytes=30 * 10**6)).grid.tiles == 1
    with pytest.raises(InputError, match=r"100x300 .* takes 31 MB in onnx-fp32-full, and 30 MB .* up to 4.8 of 255"):
        plan_upscale(bundle, (100, 300), UpscaleOptions(memory_bytes=30 * 10**6))
    with pytest.raises(InputError, match=r"takes 1,000,001,000,001 MB.*are there"):
        plan_upscale(bundle, (10**6 + 1, 10**9), UpscaleOptions())


def failing(_sources: Sources, plan: ArtifactPlan) -> NoReturn:
    raise EdgesrError(f"no way to {plan.graph}")


def crashing(_sources: Sources, plan: ArtifactPlan) -> NoReturn:
    raise KeyError(plan.graph)


def without_disk(_sources: Sources, _plan: ArtifactPlan) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_failed_target_costs_itself(
    foreign_bundle: Bundle, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    broken = dataclasses.replace(TARGETS["torchscript"], convert=failing)
    monkeypatch.setitem(TARGETS, "torchscript", broken)
    options = ("--module", SRVGG, "--tile-size", "48x48", "--cache-dir", cache_dir, "--output", tmp_path / "bundle")
    code, _, stderr = run_cli("export", *options, "--targets", "onnx,torchscript")
    assert code == 1
    assert stderr.splitlines() == [
        f"edgesr: torchscript-fp32-{graph} could not be made: no way to {graph}" for graph in ("full", "tile")
    ]
    found = open_bundle(tmp_path / "bundle").manifest.artifacts
    assert [a.id for a in found] == ["onnx-fp32-full", "onnx-fp32-tile"]
    assert found[0].files == foreign_bundle.manifest.artifacts[0].files


@pytest.fixture
def exported_by(
    foreign_bundle: Bundle, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[..., Path]], ExportReport]:
    """Exports the network of `foreign_bundle`, which is in the cache, with another converter to TorchScript."""
    assert foreign_bundle.manifest.artifacts
    options = ExportOptions(module=SRVGG, targets=("onnx", "torchscript"), tile_size=(48, 48))

    def run(convert: Callable[..., Path]) -> ExportReport:
        monkeypatch.setitem(TARGETS, "torchscript", dataclasses.replace(TARGETS["torchscript"], convert=convert))
        return export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)

    return run


def test_what_a_converter_raises_costs_its_artifacts(
    exported_by: Callable[[Callable[..., Path]], ExportReport],
) -> None:
    reasons = [failure.reason for failure in exported_by(crashing).failures]
    assert reasons == ["KeyError: 'full'", "KeyError: 'tile'"]


def test_a_full_disk_is_no_failed_target(
    exported_by: Callable[[Callable[..., Path]], ExportReport], tmp_path: Path
) -> None:
    """The export ends: a bundle without the artifact would be called whole."""
    with pytest.raises(OSError, match="No space left"):
        exported_by(without_disk)
    assert not (tmp_path / "bundle").exists()


def test_an_export_of_which_nothing_is_left_is_an_error(
    foreign_bundle: Bundle, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert foreign_bundle.manifest.artifacts
    monkeypatch.setitem(TARGETS, "torchscript", dataclasses.replace(TARGETS["torchscript"], convert=failing))
    options = ExportOptions(module=SRVGG, targets=("torchscript",), tile_size=(48, 48))
    with pytest.raises(EdgesrError, match="no way to full"):
        export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)
    assert not (tmp_path / "bundle").exists()


def test_other_commands_take_its_bundle(foreign_bundle: Bundle, run_cli: RunCli) -> None:
    code, stdout, _ = run_cli("inspect", foreign_bundle.root)
    assert code == 0
    for part in ("convolutional.py:srvgg", "none, no projection", "onnx-fp32-tile"):
        assert part in stdout
    code, _, stderr = run_cli("diff", foreign_bundle.root, "pytorch", "onnx-fp32-tile")
    assert code == 2
    assert stderr.count("\n") == 1


def test_inspect_tells_the_contract_before_any_conversion(foreign_bundle: Bundle, cache_dir: Path) -> None:
    assert foreign_bundle.manifest.artifacts  # so that the network was built
    table = edgesr.inspect_module(ExportOptions(module=SRVGG), cache_dir=cache_dir)[0]
    facts = {row[0]: row[1] for row in table.rows}
    assert facts["scale"] == "4"
    assert re.fullmatch(r"exact \(proven, up to \S+ of 255, \d+ dB\) with a halo of 6 LR pixels", facts["tiles"])
    assert facts["sides that its code takes"] == "from 1 on"
    assert facts["TorchScript"] == "can be traced"
    assert int(facts["parameters"].replace(",", "")) == 3 * 16 * 9 + 16 + 4 * (16 * 16 * 9 + 16) + 16 * 48 * 9 + 48 + 80


def test_inspect_takes_a_path_or_a_module(run_cli: RunCli) -> None:
    assert run_cli("inspect")[0] == 2
    assert run_cli("inspect", "x.onnx", "--module", SRVGG)[0] == 2
    assert run_cli("inspect", "x.onnx", "--peak", "255")[0] == 2


@pytest.mark.slow
def test_tflite_of_an_exact_network_in_tiles(cache_dir: Path, tmp_path: Path) -> None:
    options = ExportOptions(module=SRVGG, targets=("tflite",), graphs=("tile",), tile_size=(48, 48))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    for size in ((48, 48), (70, 101)):
        image = np.ascontiguousarray(photograph("coffee", size).transpose(1, 2, 0))
        expected = whole_picture("convolutional.srvgg", image)
        found = upscale(image, bundle, UpscaleOptions(artifact_id="tflite-fp32-tile-48x48"))
        assert np.abs(found - expected).max() < 0.01


@pytest.mark.slow
def test_a_network_without_exact_tiles(cache_dir: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """Full graphs alone, whose picture is right at all sizes; memory is measured."""
    module = f"{NETWORKS / 'attention.py'}:squeeze_and_excite"
    options = ExportOptions(module=module, targets=("torchscript",), tile_size=(48, 48))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    assert [a.graph for a in bundle.manifest.artifacts] == ["full"]
    assert all(use.memory is not None for a in bundle.manifest.artifacts for use in a.uses)
    for size in ((1, 1), (1, 50), (45, 61), (64, 48)):
        image = np.ascontiguousarray(photograph("coffee", size).transpose(1, 2, 0))
        assert np.abs(upscale(image, bundle) - whole_picture("attention.squeeze_and_excite", image)).max() < 0.01
    options = replace(options, graphs=("tile",))
    with pytest.raises(InputError, match=r"by up to .* of 255, .* dB: export it with --graph full, or"):
        export_bundle(options, tmp_path / "other", cache_dir=cache_dir)


@pytest.mark.slow
def test_operators_that_litert_lacks_cost_the_tflite_files(cache_dir: Path, tmp_path: Path) -> None:
    module = f"{NETWORKS / 'unusual.py'}:error_function"
    options = ExportOptions(module=module, targets=("onnx", "tflite"), graphs=("full",), tile_size=(48, 48))
    report = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)
    assert [a.format for a in report.bundle.manifest.artifacts] == ["onnx"]
    assert [failure.id for failure in report.failures] == ["tflite-fp32-full-48x48"]
    assert all("\n" not in failure.reason for failure in report.failures)
