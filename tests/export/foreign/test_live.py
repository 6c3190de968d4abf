"""Networks that a Python caller holds: left as they are, found by running, kept by what they compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgesr
from edgesr.export.calibration.photographs import photograph
from edgesr.export.foreign.live import live_archive
from edgesr.export.stages.cache import StageCache
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.progress import ProgressEvent, silent
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from edgesr.sr_model.generators.foreign.making import Described, Made, in_evaluation_mode, make_archive
from edgesr.sr_model.generators.foreign.program import load_program
from tests.helpers.foreign.attention import padded_windows
from tests.helpers.foreign.convolutional import batch_norm, relu6_x2


class Written(nn.Module):
    """Its weights are made anew in forward, as those of SPAN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = relu6_x2()

    def forward(self, x: Tensor) -> Tensor:
        bias = self.body.get_parameter("body.0.bias")
        bias.data = bias.data.clone()
        result: Tensor = self.body(x)
        return result


class Uncopied(nn.Identity):
    def __deepcopy__(self, _: object) -> None:
        raise ValueError("there is one")


def lr(size: tuple[int, int] = (160, 160)) -> Tensor:
    return torch.from_numpy(photograph("cat", size))[None]


def made(path: Path, network: nn.Module, described: Described | None = None, **stated: Any) -> Made:
    built = in_evaluation_mode(network, [], described)
    return make_archive(path, built, "net", lr(), **{"peak": 1, "multiple": None, **stated})


@pytest.mark.parametrize(
    ("module", "stated", "part"),
    [
        (nn.Identity, {}, "Generator(Identity): give an instance"),
        (3, {}, "Generator(int): give an instance"),
        (nn.Identity(), {"scale": 5}, "Generator(scale=5): give one of 1, 2, 3, 4, 8"),
        (nn.Identity(), {"scale": 2.0}, "Generator(scale=2.0)"),
        (nn.Identity(), {"peak": True}, "Generator(peak=True): give one of 1, 255"),
        (nn.Identity(), {"multiple": 65}, "Generator(multiple=65): give one of 1 to 64"),
        (nn.Identity(), {"name": " "}, "Generator(name=''): give a name"),
    ],
)
def test_descriptions_validate_themselves(module: Any, stated: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as error:
        edgesr.Generator(module, **stated)
    assert part in str(error.value)


def test_one_source_is_given_once() -> None:
    generator, options = edgesr.Generator(nn.Identity()), edgesr.ExportOptions(targets=("onnx",))
    for source, given, part in (
        (generator, edgesr.ExportOptions(preset="mobile-s"), r"ExportOptions\(preset\)"),
        (options, options, "give the options once"),
        (nn.Identity(), None, r"a Identity: give ExportOptions, or Generator\(module\)"),
    ):
        with pytest.raises(InputError, match=part):
            edgesr.export_bundle(source, "absent", options=given)  # type: ignore[arg-type]
    assert not Path("absent").exists()


def test_the_module_is_left_as_it_is() -> None:
    module = batch_norm().train().double()
    module.get_parameter("body.0.weight").requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    built = edgesr.Generator(module).built()
    assert built.notes == (
        "the network was in float64: it is exported in float32",
        "the network was in training mode: it is exported in evaluation mode",
    )
    assert built.network(lr() / 255).dtype == torch.float32
    assert all(part.training for part in module.modules())
    assert [p.requires_grad for p in module.parameters()].count(False) == 1
    for name, tensor in module.state_dict().items():
        assert tensor.dtype == before[name].dtype and torch.equal(tensor, before[name])


def test_what_computes_the_same_is_the_same_file(tmp_path: Path) -> None:
    """Another instance with the same weights is found in the cache; other weights, and other statements, are not."""
    cache, told = StageCache(tmp_path), list[ProgressEvent]()
    other = relu6_x2()
    with torch.no_grad():
        other.get_parameter("body.0.bias")[0] += 0.01
    with cache.locked():
        generators = [
            edgesr.Generator(network, peak=1, name=name)
            for network, name in ((relu6_x2(), "a"), (relu6_x2(), "a"), (relu6_x2(), "b"), (other, "a"))
        ]
        files = [live_archive(generator, cache, told.append) for generator in generators]
        assert files[0] == files[1]
        assert len(set(files)) == 3
        assert cache.conversions == ["program"] * 3
        grey = torch.full((1, 3, 16, 16), 100.0)
        pictures = [load_program(file)(grey) for file in files[1:]]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


def test_errors_of_live_networks(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)
    with cache.locked():
        for generator, part in (
            (edgesr.Generator(relu6_x2(), scale=4), "scale was stated as 4, and its pictures are 2 times as large"),
            (edgesr.Generator(Uncopied()), "Uncopied: cannot be copied: ValueError: there is one"),
            (edgesr.Generator(nn.Conv2d(3, 3, 3)), r"Conv2d: makes \(1, 3, 46, 62\)"),
            (edgesr.Generator(Written(), peak=1), r"Written: writes its weights in forward \(body.body.0.bias\)"),
        ):
            with pytest.raises(EdgesrError, match=part):
                live_archive(generator, cache, silent)


@pytest.mark.slow
def test_networks_that_pad_an_image_themselves(tmp_path: Path) -> None:
    """Whole windows, with a shortcut at 64 rows, are one program at all sizes."""
    network = padded_windows()
    made(tmp_path / "a", network)
    found = load_program(tmp_path / "a")
    for size in ((17, 23), (64, 64), (128, 72)):
        expected = network(lr(size) / 255) * 255
        assert (found.residual(lr(size)) - expected).abs().max() < 0.01


def test_what_others_say_is_compared_with_what_is_found(tmp_path: Path) -> None:
    said = Described(by="they", architecture="A", scale=4, channels=3, multiple=4, least_side=10)
    notes = made(tmp_path / "a", relu6_x2(), said).notes
    assert notes == (
        "net: they says that its scale is 4, and running it gives 2",
        "net: they says that the multiple of its sides is 4, and running it gives 1",
    )
    found = load_program(tmp_path / "a").config
    assert (found.scale, found.multiple, found.network_side) == (2, 4, 12)


@pytest.mark.slow
def test_a_live_network_becomes_a_bundle(cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = relu6_x2()
    generator = edgesr.Generator(network, scale=2, peak=1, name="mine")
    options = edgesr.ExportOptions(targets=("onnx", "torchscript"), tile_size=(48, 48))
    report = edgesr.export_bundle(generator, "bundle", options=options, cache_dir=cache_dir)
    manifest = edgesr.open_bundle(Path("bundle")).manifest
    assert (manifest.generator["name"], manifest.checkpoint.name) == ("mine", "mine")
    assert len(manifest.artifacts) == 4 and not report.failures and "program" in report.conversions
    image = np.ascontiguousarray(photograph("coffee", (37, 61)).transpose(1, 2, 0))
    with torch.inference_mode():
        expected = (network(torch.from_numpy(image / 255).permute(2, 0, 1)[None]) * 255)[0].clamp(0, 255)
    for artifact in manifest.artifacts:
        found = upscale(image, report.bundle, UpscaleOptions(artifact_id=artifact.id))
        assert np.abs(found - expected.permute(1, 2, 0).numpy()).max() < 0.01
    again = edgesr.export_bundle(generator, "again", options=options, cache_dir=cache_dir)
    assert again.conversions == ()
    facts = {row[0]: row[1] for row in edgesr.inspect_module(generator, cache_dir=cache_dir)[0].rows}
    assert (facts["scale"], facts["TorchScript"]) == ("2", "can be traced")
