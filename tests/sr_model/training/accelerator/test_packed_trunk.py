"""VGG blocks that are packed to go to another machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.training.cyclic_gan.vgg import load_perceptual_features
from edgesr.sr_model.training.cyclic_gan.vgg_trunk import VGGTrunk, save_trunk


def test_packed_trunk_gives_the_same_features(tmp_path: Path) -> None:
    """Blocks, pools and weights come back; more blocks than there are do not."""
    torch.manual_seed(0)
    blocks = tuple(
        [(torch.randn(o, i, 3, 3) * 0.05, torch.randn(o)) for o, i in sides]
        for sides in (((64, 3), (64, 64)), ((128, 64), (128, 128)))
    )
    image, reference = torch.rand(2, 1, 3, 32, 32)
    found = {}
    for anti_aliased in (True, False):
        file = tmp_path / f"{anti_aliased}.safetensors"
        save_trunk(file, VGGTrunk(blocks, anti_aliased), 2)
        features = load_perceptual_features(file, 2)
        assert features is not None
        found[anti_aliased] = features.loss(image, reference).item()
        assert features(image).shape == (1, 128, 16 + anti_aliased, 16 + anti_aliased)
        with pytest.raises(InputError, match="holds 2 blocks of a VGG trunk, perceptual_block is 3"):
            load_perceptual_features(file, 3)
    assert found[True] != found[False]


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ("{", "description of the VGG trunk is damaged"),
        (json.dumps({"lengths": [2]}), "description of the VGG trunk is damaged"),
        (json.dumps({"lengths": [1], "anti_aliased": True}), "not those of the VGG trunk that it describes"),
        (json.dumps({"lengths": [2, 2], "anti_aliased": True}), "not those of the VGG trunk that it describes"),
        (json.dumps({"lengths": [2], "anti_aliased": True}), "not those of the VGG trunk that it describes"),
    ],
)
def test_damaged_packing_is_refused(tmp_path: Path, described: str, message: str) -> None:
    """The last of them describes the tensors by number rightly, whose shapes are others."""
    tensors = {
        f"{n}.{part}": torch.zeros(shape) for n in (0, 1) for part, shape in (("weight", (8, 3, 3, 3)), ("bias", (8,)))
    }
    save_file(tensors, tmp_path / "vgg.safetensors", metadata={"edgesr_vgg": described})
    with pytest.raises(InputError, match=message):
        load_perceptual_features(tmp_path / "vgg.safetensors", 1)
