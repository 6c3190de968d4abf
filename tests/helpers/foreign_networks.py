"""Small networks as users bring them, by what is special in each; seeded, so that their figures can be repeated.

`edgesr export --module tests/helpers/foreign_networks.py:NAME`. Imports nothing of edgesr, as a user's file.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Upscaler(nn.Module):
    """A base, to which a body at LR size with a pixel shuffle adds a part of its output."""

    def __init__(
        self, *body: nn.Module, scale: int = 4, base: Callable[[Tensor, int], Tensor] | None = None, gain: float = 0.3
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.scale, self.base, self.gain = scale, base or nearest, gain

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x, self.scale) + self.gain * F.pixel_shuffle(self.body(x), self.scale)


def nearest(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="nearest")


def bilinear(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


def bicubic(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)


def convolutions(
    activation: Callable[[], nn.Module], *, width: int = 16, depth: int = 2, scale: int = 4, padding: str = "zeros"
) -> list[nn.Module]:
    """A chain of 3x3 convolutions, depth + 2 of them."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1, padding_mode=padding), activation()]
    for _ in range(depth):
        layers += [nn.Conv2d(width, width, 3, padding=1, padding_mode=padding), activation()]
    return [*layers, nn.Conv2d(width, 3 * scale**2, 3, padding=1, padding_mode=padding)]


class Trunk(nn.Module):
    """A head, one special part between convolutions, and a tail."""

    def __init__(self, part: nn.Module, *, width: int = 16, scale: int = 2) -> None:
        super().__init__()
        self.head, self.part = nn.Conv2d(3, width, 3, padding=1), part
        self.tail = nn.Conv2d(width, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.tail(self.part(self.head(x)))
        return result


class SqueezeAndExcite(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = x * self.weigh(x) * 2
        return weighed


class SpatialAttention(nn.Module):
    """As ESA of RFDN: a strided convolution, a max pool and a bilinear way back to the input's size."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, 8, 3, stride=2)
        self.inner, self.out = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(F.max_pool2d(self.down(x), kernel_size=7, stride=3))
        y = F.interpolate(y, (x.shape[2], x.shape[3]), mode="bilinear", align_corners=False)
        return x * torch.sigmoid(4 * self.out(y))


class AdaptiveMaxPool(nn.Module):
    """As SAFMN: pooled to an eighth of the size, which is a plain max pool at multiples of 8 alone."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        y = self.mix(F.adaptive_max_pool2d(x, (h // 8, w // 8)))
        return x * F.gelu(F.interpolate(y, size=(h, w), mode="nearest"))


class NormAndLinear(nn.Module):
    """Layer norm and linear layers on NHWC, as in transformers."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1)
        return x + self.mlp(self.norm(y)).permute(0, 3, 1, 2)


class WindowAttention(nn.Module):
    """One head in windows of 8x8 pixels; sides are multiples of 8."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(-1, 64, c)
        q, k, v = self.qkv(windows).chunk(3, dim=-1)
        attended = self.out(torch.softmax(q @ k.transpose(1, 2) * c**-0.5, dim=-1) @ v)
        back = attended.view(n, h // 8, w // 8, 8, 8, c).permute(0, 5, 1, 3, 2, 4)
        return x + back.reshape(n, c, h, w)


class MeanShift(nn.Module):
    """As EDSR: the mean of its data is taken off, and added to the picture at the end."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x - self.mean) + self.mean
        return result


class PlainTensor(nn.Module):
    """Its mean is an attribute and no buffer."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.mean = torch.tensor([0.45, 0.44, 0.40]).view(1, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.body(x - self.mean) + self.mean
        return result


class Unshuffled(nn.Module):
    """As Real-ESRGAN x2: its body runs at half of the LR size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 48, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return nearest(x, 2) + 0.3 * F.pixel_shuffle(self.body(F.pixel_unshuffle(x, 2)), 4)


class UNet(nn.Module):
    """Two strided levels and the way back, x1; sides are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.up2, self.up1 = nn.ConvTranspose2d(8, 8, 2, 2), nn.ConvTranspose2d(8, 3, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.down1(x).relu()
        return x + 0.1 * self.up1(y + self.up2(self.down2(y).relu()))


class TransposedUpsampling(nn.Module):
    """As FSRCNN: a transposed convolution makes the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PReLU(16))
        self.up = nn.ConvTranspose2d(16, 3, 9, stride=3, padding=4, output_padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return nearest(x, 3) + 0.1 * self.up(self.body(x))


class BranchOnSize(nn.Module):
    """Another function where the width is odd, as RealCUGAN."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*convolutions(nn.ReLU, scale=2))

    def forward(self, x: Tensor) -> Tensor:
        gain = 0.3 if x.shape[3] % 2 == 0 else -0.3
        return nearest(x, 2) + gain * F.pixel_shuffle(self.body(x), 2)


class WritesItsWeights(nn.Module):
    """As SPAN: a convolution's weights are put together in each call."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(3, 12, 3, padding=1)
        self.sum = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        self.sum.weight.data = self.a.weight + self.b.weight
        self.sum.bias.data = self.a.bias + self.b.bias  # type: ignore[union-attr, operator]
        return nearest(x, 2) + 0.3 * F.pixel_shuffle(self.sum(x), 2)


class Functional(nn.Module):
    """A base with a function added, for what has no module."""

    def __init__(self, body: nn.Module, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.function = body, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.body(x))


def _upscaler(activation: Callable[[], nn.Module], **options: int | str) -> nn.Module:
    torch.manual_seed(0)
    scale = int(options.get("scale", 4))
    return Upscaler(*convolutions(activation, **options), scale=scale)  # type: ignore[arg-type]


def _trunk(part: Callable[[], nn.Module], base: Callable[[Tensor, int], Tensor] = nearest) -> nn.Module:
    torch.manual_seed(0)
    return Upscaler(Trunk(part()), scale=2, base=base)


def srvgg() -> nn.Module:
    return _upscaler(lambda: nn.PReLU(16), depth=4)


def leaky_x1() -> nn.Module:
    return _upscaler(lambda: nn.LeakyReLU(0.1), scale=1)


def relu6_x2() -> nn.Module:
    return _upscaler(nn.ReLU6, scale=2)


def silu_x3() -> nn.Module:
    return _upscaler(nn.SiLU, scale=3)


def hardswish_x8() -> nn.Module:
    return _upscaler(nn.Hardswish, scale=8, depth=1)


def gelu() -> nn.Module:
    return _upscaler(nn.GELU, scale=2)


def reflect_padding() -> nn.Module:
    return _upscaler(nn.ReLU, padding="reflect", scale=2)


def batch_norm() -> nn.Module:
    return _trunk(lambda: _trained(nn.BatchNorm2d(16)))


def _trained(norm: nn.BatchNorm2d) -> nn.Module:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return norm


def dropout() -> nn.Module:
    """Given in training mode, in which it is random."""
    return _trunk(lambda: nn.Dropout(0.5)).train()


def depthwise() -> nn.Module:
    return _trunk(lambda: nn.Sequential(nn.Conv2d(16, 16, 5, padding=2, groups=16), nn.ReLU(), nn.Conv2d(16, 16, 1)))


def squeeze_and_excite() -> nn.Module:
    return _trunk(SqueezeAndExcite)


def spatial_attention() -> nn.Module:
    return _trunk(SpatialAttention)


def adaptive_max_pool() -> nn.Module:
    return _trunk(AdaptiveMaxPool)


def norm_and_linear() -> nn.Module:
    return _trunk(NormAndLinear)


def window_attention() -> nn.Module:
    return _trunk(WindowAttention)


def bilinear_base() -> nn.Module:
    return _trunk(nn.ReLU, bilinear)


def bicubic_base() -> nn.Module:
    return _trunk(nn.ReLU, bicubic)


def mean_shift() -> nn.Module:
    torch.manual_seed(0)
    return MeanShift(Upscaler(*convolutions(nn.ReLU, scale=2), scale=2))


def plain_tensor() -> nn.Module:
    torch.manual_seed(0)
    return PlainTensor(Upscaler(*convolutions(nn.ReLU, scale=2), scale=2))


def pixel_unshuffle() -> nn.Module:
    torch.manual_seed(0)
    return Unshuffled()


def u_net() -> nn.Module:
    torch.manual_seed(0)
    return UNet()


def transposed_convolution() -> nn.Module:
    torch.manual_seed(0)
    return TransposedUpsampling()


def branch_on_size() -> nn.Module:
    torch.manual_seed(0)
    return BranchOnSize()


def writes_its_weights() -> nn.Module:
    torch.manual_seed(0)
    return WritesItsWeights()


def fourier() -> nn.Module:
    """Looks at the whole picture by its spectrum."""
    torch.manual_seed(0)
    body = Upscaler(*convolutions(nn.ReLU, scale=1), scale=1)
    return Functional(body, lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * 0.9, s=(x.shape[-2], x.shape[-1])))
