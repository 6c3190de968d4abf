"""The networks and loss terms of the GAN phase: shapes, sizes, hand-computed numbers, who gets gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.benchmarks.quality.degradations import downscale_bicubic
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import LossWeights, TrainConfig, parse_loss_weights
from edgesr.sr_model.training.cyclic_gan.degrader import Degrader
from edgesr.sr_model.training.cyclic_gan.discriminators import HRDiscriminator, LRDiscriminator
from edgesr.sr_model.training.cyclic_gan.losses import gradient_l1, high_pass, relativistic_loss
from edgesr.sr_model.training.cyclic_gan.steps import DiscriminatorStep, GeneratorStep, L1Step
from edgesr.sr_model.training.cyclic_gan.vgg import VGGFeatures
from edgesr.sr_model.training.cyclic_gan.vgg_trunk import VGGTrunk
from edgesr.sr_model.training.schedule import gan_learning_rate, l1_learning_rate

TINY = GeneratorConfig(
    name="tiny", body="lr", width=4, blocks=1, activation="leaky_relu", padding="zero", projection=False
)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def images(count: int, side: int) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(side)) * 255


def test_relativistic_loss_on_hand_computed_logits() -> None:
    """Real mean 2, fake mean 0: differences 1, 3 against 0 and -2, -2 (0-2) against it."""
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0])
    softplus: Callable[[float], float] = lambda x: math.log1p(math.exp(x))  # noqa: E731
    expected = 0.5 * ((softplus(-1.0) + softplus(-3.0)) / 2 + softplus(-2.0))
    assert relativistic_loss(real, fake, torch.mean).item() == pytest.approx(expected, rel=1e-6)
    assert relativistic_loss(fake, real, torch.mean).item() > 2, "the generator's loss while it is found out"
    assert relativistic_loss(fake, fake, torch.mean).item() == pytest.approx(math.log(2), rel=1e-6)


def test_gradient_l1_on_hand_computed_image() -> None:
    image = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])
    reference = torch.zeros(1, 1, 2, 2)
    assert gradient_l1(image, reference).item() == pytest.approx((1 + 3) / 2 + (0 + 2) / 2)
    assert gradient_l1(image + 7, image).item() == 0, "a shift of all values has no gradient"


def test_high_pass_removes_means_and_keeps_detail() -> None:
    assert high_pass(torch.full((1, 3, 9, 9), 0.7)).abs().max().item() < 1e-6, "flat stays 0, at the border too"
    point = torch.zeros(1, 1, 11, 11)
    point[0, 0, 5, 5] = 1
    assert high_pass(point)[0, 0, 5, 5].item() == pytest.approx(1 - 1 / 25)
    assert high_pass(point)[0, 0, 3, 3].item() == pytest.approx(-1 / 25)
    assert high_pass(point)[0, 0, 2, 5].item() == 0


def test_degrader_starts_as_an_antialiased_reduction() -> None:
    hr, degrader = images(2, 64), Degrader(4)
    with torch.no_grad():
        lr = degrader(hr)
        list(degrader.parameters())[-2].zero_()  # the weight of the output, whose bias is 0
        reduced = degrader(hr)
    assert lr.shape == reduced.shape == (2, 3, 16, 16)
    pixels = hr[0].round().to(torch.uint8).permute(1, 2, 0).numpy()
    pillow = torch.from_numpy(downscale_bicubic(pixels, 4).copy()).permute(2, 0, 1)
    assert (lr[0] - pillow).abs().mean().item() < 6
    assert (reduced[0] - pillow).abs().max().item() < 1.5, "each is rounded once or twice"
    convolutions = [m for m in Degrader(4).modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 1 + 8 * 2 + 1
    assert all(c.kernel_size == (3, 3) for c in convolutions)


def test_discriminators_have_the_published_shapes() -> None:
    hr = HRDiscriminator(128)
    assert hr(torch.rand(2, 3, 128, 128)).shape == (2, 1)
    convolutions = [m for m in hr.features if isinstance(m, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512, 512, 512]
    assert [c.kernel_size[0] for c in convolutions] == [3, 4] * 5
    assert [c.stride[0] for c in convolutions] == [1, 2] * 5
    lr = LRDiscriminator()
    assert lr(torch.rand(2, 3, 32, 32)).shape == (2, 1, 32, 32)
    convolutions = [m for m in lr.layers if isinstance(m, nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size[0]) for c in convolutions] == [(64, 5), (128, 5), (256, 5), (1, 5)]
    for network in (hr, lr):
        assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == {hr: 9, lr: 2}[network]
        assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def vgg16_convolutions() -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(0)
    widths = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    shapes = zip(widths[1:], widths[:-1], strict=True)
    return [(torch.randn(o, i, 3, 3) * (2 / (9 * i)) ** 0.5, torch.zeros(o)) for o, i in shapes]


def vgg16_trunk() -> VGGTrunk:
    remaining = iter(vgg16_convolutions())
    return VGGTrunk(tuple([next(remaining) for _ in range(n)] for n in (2, 2, 3, 3, 3)), anti_aliased=False)


def test_vgg_features_are_the_last_convolution_of_a_block() -> None:
    """Block 2 by hand: two convolutions, pool, two convolutions, no activation at the end."""
    convolutions = vgg16_convolutions()
    features = VGGFeatures(vgg16_trunk(), 2)
    image = torch.rand(1, 3, 32, 32)
    x = (image - features.mean) / features.std
    x = F.relu(F.conv2d(x, *convolutions[0], padding=1))
    x = F.max_pool2d(F.relu(F.conv2d(x, *convolutions[1], padding=1)), 2)
    x = F.conv2d(F.relu(F.conv2d(x, *convolutions[2], padding=1)), *convolutions[3], padding=1)
    assert torch.allclose(features(image), x, atol=1e-5)
    assert x.min().item() < 0
    assert not any(p.requires_grad for p in features.parameters())
    moved = image.clone().requires_grad_()
    loss = features.loss(moved, torch.rand(1, 3, 32, 32))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() > 0
    assert moved.grad is not None
    assert moved.grad.abs().sum().item() > 0
    assert features.loss(image, image).item() == 0


def test_perceptual_loss_of_features_that_are_all_zero_is_a_number() -> None:
    """The loss is a share of the mean size of the reference's features, which then is 0."""
    empty = VGGTrunk(([(torch.zeros(64, 3, 3, 3), torch.zeros(64))],), anti_aliased=False)
    assert VGGFeatures(empty, 1).loss(*torch.rand(2, 1, 3, 8, 8)).item() == 0


def generator_step(weights: LossWeights, features: VGGFeatures | None = None) -> GeneratorStep:
    torch.manual_seed(0)
    judges = (LRDiscriminator(), HRDiscriminator(32))
    return GeneratorStep(
        Generator(TINY), Degrader(4), discriminators=judges, features=features, weights=weights, mean=torch.mean
    )


def test_generator_loss_is_the_weighted_sum_of_its_terms() -> None:
    weights = LossWeights(perceptual=3, adversarial=5, total_variation=7, l1=11, cycle=13)
    step = generator_step(weights, VGGFeatures(vgg16_trunk(), 1))
    losses, sr, degraded = step(images(2, 8), images(2, 32), None)
    v = {name: loss.item() for name, loss in losses.items()}
    expected = 3 * v["perceptual"] + 5 * (v["adversarial"] + v["adversarial_lr"]) + 7 * v["total_variation"]
    expected += 11 * v["l1"] + 13 * (v["cycle_lr"] + v["cycle_hr"])
    assert v["total"] == pytest.approx(expected, rel=1e-5)
    assert sr.shape == (2, 3, 32, 32)
    assert degraded.shape == (2, 3, 8, 8)
    assert not sr.requires_grad
    assert not degraded.requires_grad
    assert v["l1"] == pytest.approx(F.l1_loss(sr, images(2, 32)).item() / 255, rel=1e-5)


def test_luma_has_its_share_of_the_l1_loss() -> None:
    """SR is HR plus (10, 0, -20): RGB error 10 on average, luma error 0.299*10 - 0.114*20."""
    hr = torch.full((1, 3, 32, 32), 100.0)
    generator = Generator(TINY)
    generator.forward = lambda lr: hr + 0 * lr.sum() + torch.tensor([10.0, 0, -20]).view(1, 3, 1, 1)  # type: ignore[method-assign]
    luma = (0.299 * 10 - 0.114 * 20) / 255
    for weight in (0.0, 0.25, 1.0):
        losses = L1Step(generator, weight)(torch.zeros(1, 3, 8, 8), hr)
        assert losses["l1"].item() == pytest.approx(10 / 255, rel=1e-5)
        assert losses["total"].item() == pytest.approx((1 - weight) * 10 / 255 + weight * luma, rel=1e-5)


def test_without_features_the_perceptual_term_is_absent() -> None:
    losses, _, _ = generator_step(LossWeights())(images(2, 8), images(2, 32), None)
    assert "perceptual" not in losses
    assert losses["total"].isfinite()


def test_unpaired_images_are_what_the_cycle_and_its_discriminator_see() -> None:
    step = generator_step(LossWeights())
    paired, _, _ = step(images(2, 8), images(2, 32), None)
    other, _, _ = step(images(2, 8), images(2, 32), 255 - images(2, 8))
    assert paired["l1"].item() == other["l1"].item()
    assert paired["cycle_hr"].item() == other["cycle_hr"].item()
    assert paired["cycle_lr"].item() != other["cycle_lr"].item()
    assert paired["adversarial_lr"].item() != other["adversarial_lr"].item()


def test_hr_discriminator_judges_high_passed_images_and_lr_discriminator_whole_ones() -> None:
    torch.manual_seed(0)
    discriminators = (LRDiscriminator(), HRDiscriminator(32))
    seen: dict[str, list[Tensor]] = {"lr": [], "hr": []}
    for name, network in zip(seen, discriminators, strict=True):
        network.register_forward_pre_hook(lambda _, inputs, name=name: seen[name].append(inputs[0].detach()))
    step = GeneratorStep(
        Generator(TINY),
        Degrader(4),
        discriminators=discriminators,
        features=None,
        weights=LossWeights(),
        mean=torch.mean,
    )
    _, sr, degraded = step(images(2, 8), images(2, 32), None)
    DiscriminatorStep(*discriminators, torch.mean)(images(2, 8), degraded, images(2, 32), sr)
    pairs = {"hr": [high_pass(x / 255) for x in (sr, images(2, 32))], "lr": [x / 255 for x in (degraded, images(2, 8))]}
    for name, (fake, real) in pairs.items():
        for got, expected in zip(seen[name], (fake, real, real, fake), strict=True):
            assert torch.allclose(got, expected, atol=1e-6), name


def test_discriminators_are_no_parameters_of_the_generator_step_and_the_reverse() -> None:
    step = generator_step(LossWeights())
    names = {name.split(".")[0] for name, _ in step.named_parameters()}
    assert names == {"generator", "degrader"}
    judges = DiscriminatorStep(LRDiscriminator(), HRDiscriminator(32), torch.mean)
    losses = judges(images(2, 8), images(2, 8), images(2, 32), 255 - images(2, 32))
    losses["total"].backward()
    assert all(p.grad is not None for p in judges.parameters())
    both = losses["discriminator_lr"].item() + losses["discriminator_hr"].item()
    assert losses["total"].item() == pytest.approx(both, rel=1e-6)
    equal = losses["discriminator_lr"].item()
    assert equal == pytest.approx(math.log(2), abs=0.05), "equal images cannot be told apart"


def test_learning_rates() -> None:
    config = TrainConfig(
        preset="srrescycgan", steps=100, gan_steps=60_000, learning_rate=1e-3, final_learning_rate=1e-5
    )
    assert l1_learning_rate(config, 0) == pytest.approx(1e-3)
    assert l1_learning_rate(config, 0.5) == pytest.approx((1e-3 + 1e-5) / 2)
    assert l1_learning_rate(config, 1) == pytest.approx(1e-5)
    at = {0: 1e-4, 4_999: 1e-4, 5_000: 5e-5, 10_000: 2.5e-5, 20_000: 1.25e-5, 30_000: 6.25e-6, 51_000: 3.125e-6}
    for step, expected in at.items():
        assert gan_learning_rate(config, step / 60_000) == pytest.approx(expected)
    timed = replace(config, steps=0, minutes=5)
    shares = {0: 1e-4, 0.09: 1e-4, 0.1: 5e-5, 0.4: 1.25e-5, 0.99: 6.25e-6, 1: 3.125e-6}
    for share, expected in shares.items():
        assert gan_learning_rate(timed, share) == pytest.approx(expected), "the last milestone stands for the end"


def test_loss_weights_from_text() -> None:
    assert parse_loss_weights("") == LossWeights()
    assert parse_loss_weights("l1=1, cycle=0.5") == LossWeights(l1=1, cycle=0.5)
    for text, message in (
        ("l1=x", "no number"),
        ("l2=1", "unknown 'l2'"),
        ("l1=-1", "at least 0"),
        ("l1", "no number"),
    ):
        with pytest.raises(InputError, match=message):
            parse_loss_weights(text)
