"""The cost of int8 on the usual test sets and on photographs that nothing was calibrated or chosen on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import degraded_pair
from edgesr.benchmarks.quality.metrics import channel_mean_shift, crop_border, psnr
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.projection import apply_residual
from edgesr.runtimes.images.image_io import list_images, read_image

Upscale = Callable[[Image], Image]


@pytest.fixture(scope="module", params=["real", pytest.param("clean", marks=pytest.mark.slow)])
def int8_bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The tile graphs of embedded srrescycgan-mobile weights in float32 and int8."""
    output = tmp_path_factory.mktemp("int8") / request.param
    options = ExportOptions(
        weights=request.param, targets=("onnx", "tflite"), precisions=("fp32", "int8"), graphs=("tile",)
    )
    return export_bundle(options, output, cache_dir=cache_dir).bundle


def upscaler(bundle: Bundle, artifact_id: str) -> Upscale:
    session = open_session(bundle, bundle.artifact(artifact_id), threads=2)
    scale, glue = bundle.manifest.scale, bundle.manifest.glue
    return lambda lr: apply_residual(lr, session.infer(lr), scale=scale, glue=glue)


def resized_upscaler(bundle: Bundle, artifact_id: str) -> Upscale:
    """A tile graph without baked shapes can be resized to whole images: the same integers as tile by tile."""
    interpreter = Interpreter(model_path=str(bundle.path(bundle.artifact(artifact_id).file)), num_threads=2)
    source, output = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def upscale(lr: Image) -> Image:
        interpreter.resize_tensor_input(source, (1, *lr.shape[1:], 3))
        interpreter.allocate_tensors()
        interpreter.set_tensor(source, np.ascontiguousarray(lr.transpose(1, 2, 0))[None])
        interpreter.invoke()
        residual = np.ascontiguousarray(interpreter.get_tensor(output)[0].transpose(2, 0, 1))
        return apply_residual(lr, residual, scale=bundle.manifest.scale, glue=bundle.manifest.glue)

    return upscale


@pytest.mark.slow
@pytest.mark.parametrize("degradation", ["clean", "noise:8", "jpeg:30"])
def test_int8_costs_at_most_a_twentieth_of_a_decibel(shared: Path, int8_bundle: Bundle, degradation: str) -> None:
    reference = upscaler(int8_bundle, "onnx-fp32-tile")
    candidates = {
        "onnx": upscaler(int8_bundle, "onnx-int8-tile"),
        "tflite": resized_upscaler(int8_bundle, "tflite-int8-tile-128x128"),
    }
    for name in ("Set5", "Set14"):
        losses: dict[str, list[float]] = {key: [] for key in candidates}
        for pair in read_image_set(shared / "data" / name).pairs:
            hr, lr, _ = degraded_pair(pair, scale=4, degradation=degradation, seed=0)
            image, truth = lr.transpose(2, 0, 1).astype(np.float32), hr.transpose(2, 0, 1).astype(np.float32)
            expected = reference(image)
            for key, upscale in candidates.items():
                picture = upscale(image)
                assert max(map(abs, channel_mean_shift(picture, expected))) <= 0.3, (key, pair.hr.name)
                losses[key].append(quality(expected, truth) - quality(picture, truth))
        for key, loss in losses.items():
            sys.stdout.write(f"{name}, {degradation}, {key} int8: {np.mean(loss):+.4f} dB\n")
            assert np.mean(loss) <= 0.05, (name, key)


def quality(picture: Image, truth: Image) -> float:
    return psnr(crop_border(np.rint(picture), 4), crop_border(truth, 4))


@pytest.mark.slow
@pytest.mark.parametrize(("artifact_id", "least_mean_db"), [("onnx-int8-tile", 40), ("tflite-int8-tile-64x64", 38)])
def test_published_int8_keeps_the_picture_on_unseen_photographs(
    shared: Path, published_int8_bundle: Bundle, artifact_id: str, least_mean_db: float
) -> None:
    """Tiles of 64x64 of real LR photographs, Set14, BSD100 and Urban100: nothing was calibrated or chosen on them."""
    bundle = published_int8_bundle
    reference, candidate = upscaler(bundle, "onnx-fp32-tile"), upscaler(bundle, artifact_id)
    found, shifts = [], []
    for tile in unseen_tiles(shared / "data"):
        expected, picture = reference(tile), candidate(tile)
        found.append(psnr(picture, expected))
        shifts += [abs(s) for s in channel_mean_shift(picture, expected)]
    changed = [value for value in found if np.isfinite(value)]
    sys.stdout.write(
        f"{artifact_id}: mean {np.mean(changed):.2f} dB, worst {min(changed):.2f} dB, "
        f"shift {max(shifts):.3f}, {len(changed)} tiles of {len(found)}\n"
    )
    assert len(changed) >= 40
    assert np.mean(changed) >= least_mean_db
    assert min(changed) >= 37
    assert max(shifts) <= 0.3


def unseen_tiles(data: Path) -> list[Image]:
    files = list_images(data / "real_LR") * 4
    for folder, pattern in (("BSD100_20", "*_LR.png"), ("Urban100_5", "*_LR.png")):
        files += sorted((data / folder).glob(pattern))
    files += [pair.lr for pair in read_image_set(data / "Set14").pairs if pair.lr is not None]
    random = np.random.default_rng(4)
    tiles = []
    for image in map(read_image, files):
        if min(image.shape[1:]) < 64:
            continue
        y, x = (int(random.integers(0, side - 63)) for side in image.shape[1:])
        tiles.append(np.ascontiguousarray(image[:, y : y + 64, x : x + 64]))
    return tiles
