"""Checkpoints: round trip, published files, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import METADATA_KEY, load_checkpoint, read_header, save_checkpoint
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.generators.published import fold_weight_norm
from tests.helpers.published_reference import seeded_published_generator
from tests.helpers.small_generator import projected_generator


def mobile() -> Generator:
    torch.manual_seed(3)
    return Generator(preset("srrescycgan-mobile")).eval()


def published_file(folder: Path, **changes: torch.Tensor | None) -> Path:
    """A published-style .pth with seeded weights; a change of None removes a tensor."""
    state = seeded_published_generator().published_state()
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    torch.save(state, folder / "published.pth")
    return folder / "published.pth"


def test_round_trip_keeps_weights_config_and_notes(tmp_path: Path) -> None:
    generator = mobile()
    save_checkpoint(tmp_path / "g.safetensors", generator, {"steps_done": "12"})
    loaded = load_checkpoint(tmp_path / "g.safetensors")
    assert loaded.config == generator.config
    assert not loaded.training
    assert all(torch.equal(a, b) for a, b in zip(generator.parameters(), loaded.parameters(), strict=True))
    header = read_header(tmp_path / "g.safetensors")
    assert header.training == {"steps_done": "12"}
    assert header.shapes["body.head.weight"] == (32, 3, 5, 5)
    assert "projection.alpha" not in header.shapes
    assert list(tmp_path.iterdir()) == [tmp_path / "g.safetensors"]


def test_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, mobile(), {"x": "1", "a": "2"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_folding_weight_norm_equals_torch() -> None:
    torch.manual_seed(0)
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv2d(4, 6, 3))
    weight = layer.parametrizations.weight
    folded = fold_weight_norm(weight.original1, weight.original0 * 2)
    assert torch.allclose(folded, 2 * layer.weight, atol=1e-6)


def test_published_file_is_read_strictly(tmp_path: Path) -> None:
    assert load_checkpoint(published_file(tmp_path)).config == preset("srrescycgan")
    with pytest.raises(InputError, match=r"published\.pth.*missing alpha.*unexpected model\.extra"):
        load_checkpoint(published_file(tmp_path, alpha=None, model__extra=torch.zeros(1)))
    with pytest.raises(InputError, match=r"wrong shape model\.conv1\.bias \(32,\) instead of \(64,\)"):
        load_checkpoint(published_file(tmp_path, model__conv1__bias=torch.zeros(32)))


def test_tensors_that_do_not_fit_their_config_are_listed(tmp_path: Path) -> None:
    generator = mobile()
    tensors = {name: value.contiguous() for name, value in generator.state_dict().items()}
    tensors["body.tail.bias"] = torch.zeros(47)
    metadata = {METADATA_KEY: json.dumps({"config": dataclasses.asdict(generator.config), "training": {}})}
    save_file(tensors, tmp_path / "bad.safetensors", metadata=metadata)
    with pytest.raises(InputError, match=r"bad\.safetensors.*body\.tail\.bias"):
        load_checkpoint(tmp_path / "bad.safetensors")


def test_checkpoint_with_alpha_under_another_name_is_refused(tmp_path: Path) -> None:
    """Its name and what was expected in its place are told, whatever the config says of the projection."""
    generator = projected_generator()
    tensors = {name.removeprefix("projection."): value for name, value in generator.state_dict().items()}
    for projection, wrong in ((True, r"alpha, projection\.alpha;"), (False, "alpha;")):
        config = dataclasses.asdict(generator.config) | {"projection": projection}
        metadata = {METADATA_KEY: json.dumps({"config": config, "training": {}})}
        save_file(tensors, tmp_path / "old.safetensors", metadata=metadata)
        with pytest.raises(InputError, match=rf"old\.safetensors.*'small'.*surplus.*: {wrong}"):
            load_checkpoint(tmp_path / "old.safetensors")
