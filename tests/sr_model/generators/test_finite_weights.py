"""Weights that are not finite are refused at load; a network that sees the whole image has no tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from edgesr.export.conversions.full_and_tile import measure_halo
from edgesr.export.goldens import record_goldens
from edgesr.export.inspection.contents import inspect
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators import checkpoint as checkpoints
from edgesr.sr_model.generators.checkpoint import load_checkpoint, save_checkpoint
from edgesr.sr_model.generators.config import BodyKind, GeneratorConfig
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.training.cyclic_gan.vgg import load_perceptual_features
from tests.helpers.cli_refusals import RunCli, refused
from tests.helpers.published_reference import seeded_published_generator
from tests.helpers.small_generator import projected_generator, save_projected_generator

BROKEN = [math.nan, math.inf, -math.inf]


class WholeImageGenerator(Generator):
    """Subtracts the mean of its residual: every pixel depends on every other."""

    def residual(self, lr: Tensor) -> Tensor:
        residual = super().residual(lr)
        return residual - residual.mean(dim=(2, 3), keepdim=True)


def broken_safetensors(folder: Path, value: float) -> Path:
    generator = projected_generator()
    generator.body.tail.weight.data[0, 0, 0, :2] = value
    save_checkpoint(folder / "broken.safetensors", generator, {})
    return folder / "broken.safetensors"


def broken_published(folder: Path, value: float) -> Path:
    state = seeded_published_generator().published_state()
    state["model.layer1.2.relu1.weight"][3] = value
    torch.save(state, folder / "broken.pth")
    return folder / "broken.pth"


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize(
    ("write", "naming"),
    [
        (broken_safetensors, "2 of 600 values of the tensor 'body.tail.weight' are NaN or infinite"),
        (broken_published, "1 of 64 values of the tensor 'model.layer1.2.relu1.weight' are NaN or infinite"),
    ],
)
def test_every_command_refuses_weights_that_are_not_finite(
    tmp_path: Path, run_cli: RunCli, write: Callable[[Path, float], Path], naming: str, value: float
) -> None:
    path = write(tmp_path, value)
    refused(run_cli, tmp_path, "inspect", path, naming=naming)
    cache = tmp_path.parent / f"{tmp_path.name}-cache"
    export = ("export", "--checkpoint", path, "--output", tmp_path / "bundle", "--cache-dir", cache)
    refused(run_cli, tmp_path, *export, naming=naming)


def test_weight_norm_of_an_all_zero_direction_is_refused(tmp_path: Path) -> None:
    """0 divided by 0: PyTorch's own weight norm gives NaN for it."""
    state = seeded_published_generator().published_state()
    state["model.layer1.1.conv2.weight_v"][5] = 0
    torch.save(state, tmp_path / "zero.pth")
    with pytest.raises(InputError, match=r"zero\.pth: the norm of model\.layer1\.1\.conv2\.weight_v\[5\].* is 0;"):
        load_checkpoint(tmp_path / "zero.pth")


def test_states_and_features_are_refused_too(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2), "b": torch.tensor([1.0, math.nan])}, tmp_path / "state.pth")
    with pytest.raises(InputError, match="1 of 2 values of the tensor 'b'"):
        read_state(tmp_path / "state.pth")
    save_file({"features.0.weight": torch.full((64, 3, 3, 3), math.inf)}, tmp_path / "vgg.safetensors")
    with pytest.raises(InputError, match="1728 of 1728 values"):
        load_perceptual_features(tmp_path / "vgg.safetensors", 1)


def test_tensors_without_plain_values_are_refused(tmp_path: Path) -> None:
    expanded = torch.zeros(1).expand(10**6, 10**6)
    for place, tensor in enumerate((torch.eye(3).to_sparse(), torch.zeros(3, device="meta"), expanded)):
        torch.save({"alpha": tensor}, tmp_path / f"{place}.pth")
        with pytest.raises(InputError, match="dense tensors"):
            read_state(tmp_path / f"{place}.pth")


def test_numbers_that_are_not_real_are_refused(tmp_path: Path) -> None:
    for dtype in (torch.complex64, torch.bool):
        torch.save({"alpha": torch.ones(2).to(dtype)}, tmp_path / "state.pth")
        with pytest.raises(InputError, match=f"the tensor 'alpha' is of {dtype}"):
            read_state(tmp_path / "state.pth")


def test_the_whole_image_is_no_halo() -> None:
    ordinary = projected_generator()
    whole = WholeImageGenerator(ordinary.config).eval().requires_grad_(False)
    assert measure_halo(ordinary) == 3
    assert measure_halo(whole) is None


def test_deep_generators_have_a_halo() -> None:
    """The probe reaches as far as any chain of convolutions does."""
    bodies: tuple[tuple[BodyKind, int], ...] = (("lr", 2 + 2 * 24 + 1), ("hr", 14))
    for body, halo in bodies:
        config = GeneratorConfig(name="deep", body=body, width=1, blocks=24, activation="relu", padding="zero")
        assert measure_halo(Generator(config).eval().requires_grad_(False)) == halo


@pytest.mark.slow
def test_a_network_of_the_whole_image_is_exported_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    checkpoint = save_projected_generator(tmp_path)
    whole = WholeImageGenerator(projected_generator().config).eval().requires_grad_(False)
    whole.load_state_dict(load_file(checkpoint))
    monkeypatch.setattr(checkpoints, "load_checkpoint", lambda _path: whole)
    facts = {row[0]: row[1] for row in inspect(checkpoint)[0].rows}
    assert facts["halo"] == "the whole image: no tile is exact, use --graph full"
    options = ("export", "--checkpoint", checkpoint, "--output", tmp_path / "bundle", "--tile-size", "16x24")
    cache = ("--cache-dir", tmp_path.parent / f"{tmp_path.name}-cache")
    refused(run_cli, tmp_path, *options, *cache, naming="small depends on the whole image at every pixel")
    made = export_bundle(
        ExportOptions(checkpoint=checkpoint, tile_size=(16, 24), graphs=("full",), targets=("torchscript",)),
        tmp_path / "bundle",
        cache_dir=Path(cache[1]),
    )
    assert [a.id for a in made.bundle.manifest.artifacts] == ["torchscript-fp32-full"]


def test_weights_that_overflow_give_no_goldens(tmp_path: Path) -> None:
    generator = projected_generator()
    for parameter in generator.body.parameters():
        parameter.data.fill_(1e20)
    with pytest.raises(InputError, match="small: its residual of a photograph is not finite"):
        record_goldens(generator, (16, 24), tmp_path)
    assert list(tmp_path.iterdir()) == []
