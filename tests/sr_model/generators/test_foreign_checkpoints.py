"""Checkpoints that are damaged, of another network or smaller than they say are refused in one telling line."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.generators.recognised import network_of
from tests.helpers.checkpoint_refusals import refusal_of
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.helpers.published_reference import seeded_published_generator

NOTHING = "nothing that edgesr knows"
ANOTHER = "looks like a training state of another framework"
NETWORKS = {
    "RRDBNet (ESRGAN, Real-ESRGAN)": ("conv_first.weight", "conv_first.bias", "body.0.rdb1.conv1.weight"),
    "RRDBNet (ESRGAN, old names)": ("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"),
    "SwinIR or a relative of it": ("conv_first.weight", "layers.0.residual_group.blocks.0.norm1.weight"),
    "RCAN": ("head.0.weight", "body.0.body.0.body.0.weight", "body.0.body.0.body.3.conv_du.0.weight", "tail.1.weight"),
    "SRResNet": ("conv_first.weight", "body.0.conv1.weight", "upconv1.weight", "conv_last.weight"),
    "EDSR": ("sub_mean.weight", "head.0.weight", "body.0.body.0.weight", "tail.0.0.weight"),
    "SRVGGNetCompact (Real-ESRGAN)": ("body.0.weight", "body.0.bias", "body.1.weight", "body.2.weight"),
    "a discriminator": ("conv0_0.weight", "conv0_0.bias", "bn0_1.running_var", "linear1.weight", "linear2.weight"),
    "an image classifier": ("conv1.weight", "layer1.0.conv1.weight", "fc.weight", "fc.bias"),
    "an edgesr generator without its config": ("body.head.weight", "body.blocks.0.conv1.weight", "body.tail.bias"),
    "a training state of edgesr train": ("average.n_averaged", "generator.body.head.weight"),
    NOTHING: ("some.weight", "other.weight"),
}


def tensors(names: tuple[str, ...]) -> dict[str, Tensor]:
    return {name: torch.zeros(1) for name in (*names, *(f"zz.{i}" for i in range(40) if "body.2.weight" not in names))}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("network", NETWORKS)
def test_another_network_is_named_in_a_short_line(network: str, suffix: str, tmp_path: Path) -> None:
    path, state = tmp_path / f"weights{suffix}", tensors(NETWORKS[network])
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    message = refusal_of(path)
    assert f"looks like {network}: it holds " in message
    shown = sorted(state) if suffix == ".safetensors" else list(state)
    assert f"{', '.join(shown[:3])} and {len(state) - 3} more;" in message
    if suffix == ".pth":
        expected = "alpha (1,), model.conv1.bias (64,), model.conv1.weight_g (64, 1, 1, 1), ..."
        assert f"expected the SRResCGAN or SRResCycGAN x4 generator with {expected};" in message


def test_prefixes_that_all_names_share_are_seen_through() -> None:
    names = [f"module.generator.{name}" for name in NETWORKS["EDSR"]]
    assert network_of(names) == "EDSR, its names with the prefix module.generator."
    assert network_of(["a." * 100_000 + "weight"]) == network_of([]) == network_of([3]) == NOTHING


@pytest.mark.parametrize(
    ("state", "naming"),
    [
        (
            {"params_ema": NETWORKS["EDSR"]},
            f", but params_ema: {ANOTHER}, its params_ema looks like EDSR; give",
        ),
        (
            {"epoch": 3, "state_dict": NETWORKS["RCAN"], "optimizer": {}},
            f", but epoch, state_dict, optimizer: {ANOTHER}, its state_dict looks like RCAN; give",
        ),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, ", but a, b, c and 1 more; give"),
        ([1], ", but a list; give"),
        ({5: 1, "a\nb": 2}, ", but 5, 'a\\nb'; give"),
    ],
)
def test_what_holds_a_state_dict_inside_says_so(state: Any, naming: str, tmp_path: Path) -> None:
    if isinstance(state, dict):
        state = {key: tensors(value) if isinstance(value, tuple) else value for key, value in state.items()}
    torch.save(state, tmp_path / "state.pth")
    assert f"holds no state dict (a mapping of names to dense tensors){naming}" in refusal_of(tmp_path / "state.pth")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid\n",
            "a pointer of Git LFS, .* 'git lfs pull'",
        ),
        (b"<!DOCTYPE html>\n<html>404</html>", "a web page, not the file itself: download the raw file"),
        (b"\n <html lang=en>", "a web page, not the file itself: download the raw file"),
        (b"", "the file is empty; copy it again"),
    ],
)
@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_what_downloads_leave_in_place_of_weights(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: {why}"):
        load_checkpoint(tmp_path / name)


def test_a_torchscript_archive_is_refused_without_a_warning(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(1, 1, 1)), tmp_path / "script.pth")
    assert "a TorchScript archive, which holds code; give the state dict of an SRResCGAN" in refusal_of(
        tmp_path / "script.pth"
    )


def test_records_that_unpack_to_more_than_their_file_are_refused(tmp_path: Path) -> None:
    torch.save({"alpha": torch.zeros(10**6)}, tmp_path / "plain.pth")
    with zipfile.ZipFile(tmp_path / "plain.pth") as plain, zipfile.ZipFile(tmp_path / "packed.pth", "w") as packed:
        for record in plain.infolist():
            packed.writestr(record.filename, plain.read(record), zipfile.ZIP_DEFLATED)
    assert (tmp_path / "packed.pth").stat().st_size < 10**5
    assert re.search(r"refused, its \d+ bytes unpack to 4\d{6};", refusal_of(tmp_path / "packed.pth"))


def test_problems_of_a_published_file_are_counted(tmp_path: Path) -> None:
    state = seeded_published_generator().published_state()
    for block in range(4):
        del state[f"model.layer1.{block}.relu1.weight"]
    torch.save(state, tmp_path / "some.pth")
    listed = ", ".join(f"model.layer1.{block}.relu1.weight" for block in range(3))
    assert f"not an SRResCGAN or SRResCycGAN x4 generator: missing {listed} and 1 more;" in refusal_of(
        tmp_path / "some.pth"
    )


@pytest.mark.parametrize(
    ("changes", "naming"),
    [
        ({"model.conv1.weight_v": 0.0}, "the norm of model.conv1.weight_v[2], by which weight norm divides, is 0;"),
        (
            {"model.conv1.weight_v": 1e30},
            "the norm of model.conv1.weight_v[2], by which weight norm divides, is too large",
        ),
        (
            {"model.conv_out.weight_g": 3e38, "model.conv_out.weight_v": 1e-19},
            "model.conv_out.weight_g times model.conv_out.weight_v divided by its norm is not finite in float32;",
        ),
        ({"alpha": 85.0}, "its alpha is 85, need -80 to 80, so that its exponential fits into float32;"),
        ({"alpha": -90.0}, "its alpha is -90, need -80 to 80"),
        ({"alpha": 1e300}, "in float32: 1 of 1 values of the tensor 'alpha' are NaN or infinite;"),
    ],
)
def test_weight_norm_that_float32_does_not_hold_is_refused(
    changes: dict[str, float], naming: str, tmp_path: Path
) -> None:
    """A norm that overflows would fold to weights of 0 without a word."""
    state = seeded_published_generator().published_state()
    for name, value in changes.items():
        state[name] = state[name].double()
        state[name][min(2, len(state[name]) - 1)] = value
    torch.save(state, tmp_path / "published.pth")
    assert naming in refusal_of(tmp_path / "published.pth")


def test_every_command_names_the_file(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.sr_model.generators.recognised.installed_version", lambda _: None)
    (tmp_path / "data").mkdir()
    picture(tmp_path / "data" / "a.png", 64)
    output = ("--output", tmp_path / "bundle", "--cache-dir", tmp_path.parent / f"{tmp_path.name}-cache")
    save_file(tensors(NETWORKS["EDSR"]), tmp_path / "edsr.safetensors")
    torch.save(tensors(NETWORKS["EDSR"]), tmp_path / "edsr.pth")
    for path in (tmp_path / "edsr.safetensors", tmp_path / "edsr.pth"):
        refused(run_cli, tmp_path, "inspect", path, naming=f"{path}: ")
        refused(run_cli, tmp_path, "export", "--checkpoint", path, *output, naming="looks like EDSR")
        refused(run_cli, tmp_path, "eval", path, "--data", tmp_path / "data", naming="looks like EDSR")
