"""The embedded weights: which there are, their model cards, how to choose among them, and that they export."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.quality.degradations import downscale_bicubic, parse_degradation, upscale_bicubic
from edgesr.benchmarks.quality.metrics import psnr
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.export.calibration.photographs import photograph
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.evaluation.generator_quality import generator_pixels
from edgesr.sr_model.generators.checkpoint import (
    DEFAULT_WEIGHTS,
    WEIGHTS,
    embedded_checkpoint,
    embedded_weights,
    load_checkpoint,
    read_header,
)
from edgesr.sr_model.generators.config import PRESETS, preset

KINDS = {
    "srrescycgan-mobile": ("real", "clean"),
    "srrescycgan": ("real",),
    "mobile-l": ("real", "clean"),
    "mobile-m": ("clean",),
}
BOTH_KINDS = ("srrescycgan-mobile", "mobile-l")
EMBEDDED = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]
CARD_ROWS = ("architecture", "data", "licence of the data", "licence of the weights", "command", "steps", "time")


def card_rows(card: str) -> dict[str, str]:
    """Rows "| name | text |" of a model card's first table; a row "steps, seed" counts as "steps" and as "seed"."""
    rows = re.findall(r"^\| ([a-z, ]+) \| (.+) \|$", card, flags=re.MULTILINE)
    return {name: text for names, text in rows for name in names.split(", ")}


def test_which_there_are() -> None:
    assert {name: tuple(embedded_weights(name)) for name in PRESETS} == {"mobile-s": (), **KINDS}
    folder = embedded_checkpoint("srrescycgan").parent
    assert {p.stem for p in folder.iterdir()} == {f"{name}-{kind}" for name, kind in EMBEDDED}


@pytest.mark.parametrize(("name", "kind"), EMBEDDED)
def test_file_is_small_and_has_a_model_card(name: str, kind: str) -> None:
    path = embedded_checkpoint(name, weights=kind)
    assert path.stat().st_size < 2_000_000
    assert read_header(path).config == preset(name)
    card = path.with_suffix(".md").read_text()
    rows = card_rows(card)
    assert not [row for row in CARD_ROWS if row not in rows]
    assert f"`{name}`" in rows["architecture"]
    assert re.search(r"\d", rows["steps"])
    assert "edgesr train" in rows["command"]
    figures = re.findall(r"^\| Set(?:5|14)\b.*?\| \d+\.\d+ \|", card, flags=re.MULTILINE)
    assert len(figures) >= 2, "a row of figures for Set5 and for Set14"


def test_real_is_the_default() -> None:
    assert DEFAULT_WEIGHTS == next(iter(WEIGHTS)) == "real"
    default = embedded_checkpoint("srrescycgan-mobile")
    assert default == embedded_checkpoint("srrescycgan-mobile", weights="real")
    assert ExportOptions().source() == default
    assert ExportOptions(weights="clean").source().name == "srrescycgan-mobile-clean.safetensors"
    assert ExportOptions(preset="srrescycgan").source().name == "srrescycgan-real.safetensors"


def test_what_cannot_be_chosen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=r"'srrescycgan' .* 'clean', only real: give --weights real or .*--checkpoint FILE"
    ):
        embedded_checkpoint("srrescycgan", weights="clean")
    with pytest.raises(InputError, match="unknown weights 'sharp': choose one of real, clean"):
        embedded_checkpoint("srrescycgan-mobile", weights="sharp")
    with pytest.raises(InputError, match="unknown preset 'nope'"):
        embedded_checkpoint("nope")
    with pytest.raises(InputError, match="--weights or a checkpoint, not both"):
        ExportOptions(weights="real", checkpoint=Path("x.pth")).source()
    monkeypatch.setitem(PRESETS, "bare", preset("srrescycgan"))
    with pytest.raises(InputError, match=r"'bare' has no embedded weights: .*--checkpoint FILE"):
        embedded_checkpoint("bare")


@pytest.mark.parametrize(
    ("name", "kind"),
    [pytest.param(*pair, marks=() if pair == EMBEDDED[0] else pytest.mark.slow) for pair in EMBEDDED],
)
def test_every_target_has_parity(name: str, kind: str, cache_dir: Path, tmp_path: Path) -> None:
    options = ExportOptions(preset=name, weights=kind, tile_size=(64, 64))
    bundle = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    assert bundle.manifest.checkpoint.name == f"{name}-{kind}.safetensors"
    assert (bundle.manifest.glue.alpha is not None) is preset(name).projection
    for artifact, runtime in select_artifacts(bundle):
        for golden in check_parity(bundle, artifact, runtime=runtime, threads=1).goldens:
            assert not golden.failures, (artifact.id, golden)


@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut"])
@pytest.mark.parametrize("preset_name", BOTH_KINDS)
@pytest.mark.parametrize(("kind", "degradation"), [("clean", "clean"), ("real", "noise:8")])
@pytest.mark.parametrize("colour", [(255, 255, 255), (40, 90, 160)], ids=["clipped", "one colour"])
def test_photographic_half_of_a_half_flat_image_beats_bicubic(
    colour: tuple[int, int, int], kind: str, degradation: str, preset_name: str, name: str
) -> None:
    """More than half of the image is flat, so its noise level is 0: a projection would give the bilinear image."""
    assert gain_on_the_right(name, preset_name, kind, degradation, colour) >= 0.5


@pytest.mark.parametrize("name", ["cat", "coffee", "astronaut"])
@pytest.mark.parametrize("preset_name", BOTH_KINDS)
@pytest.mark.parametrize(
    ("kind", "degradation"), [("clean", "clean"), ("real", "clean"), ("real", "noise:8"), ("real", "jpeg:30")]
)
@pytest.mark.parametrize("colour", [(255, 255, 255), (40, 90, 160)], ids=["clipped", "one colour"])
def test_a_flat_half_costs_the_photographic_half_little(
    colour: tuple[int, int, int], kind: str, degradation: str, preset_name: str, name: str
) -> None:
    """Whatever the weights gain over bicubic on this photograph, they gain it with a flat half too."""
    photograph_alone = gain_on_the_right(name, preset_name, kind, degradation, None)
    assert gain_on_the_right(name, preset_name, kind, degradation, colour) >= photograph_alone - 0.4


def gain_on_the_right(
    name: str, preset_name: str, kind: str, degradation: str, colour: tuple[int, int, int] | None
) -> float:
    """PSNR RGB over bicubic, in dB, on the right half; the left and a bit more is one colour, if there is one."""
    hr = photograph(name, (256, 256)).transpose(1, 2, 0).astype(np.uint8).copy()
    if colour is not None:
        hr[:, :136] = colour
    lr = downscale_bicubic(hr, 4).copy()
    spoilt = parse_degradation(degradation)
    assert spoilt is not None
    lr[:, 34:] = spoilt.spoil(lr, np.random.default_rng(0))[:, 34:]
    generator = load_checkpoint(embedded_checkpoint(preset_name, weights=kind))
    sr, bicubic, reference = (
        image[4:-4, 140:-4].astype(float) for image in (generator_pixels(generator)(lr), upscale_bicubic(lr, 4), hr)
    )
    return psnr(sr, reference) - psnr(bicubic, reference)
