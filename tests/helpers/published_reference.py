"""The published generator written down from its paper and operations, independently of sr_model: weight norm,
transposed convolution, torch.median, sqrt(n-1). For comparison only.

In float32 its noise level carries a rounding error of the bilinear image's magnitude (up to 0.1% of the noise level of
our photographs), which exp(alpha) amplifies to 0.07 of 255 on one of them; so the tests compare formulas in float64.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

DB7 = [
    -0.07785205408506236, 0.39653931948230575, -0.7291320908465551, 0.4697822874053586, 0.14390600392910627,
    -0.22403618499416572, -0.07130921926705004, 0.0806126091510659, 0.03802993693503463, -0.01657454163101562,
    -0.012550998556013784, 0.00042957797300470274, 0.0018016407039998328, 0.0003537138000010399,
]  # fmt: skip


class _Block(nn.Module):
    def __init__(self, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = weight_norm(nn.Conv2d(64, 64, 3))
        self.relu1 = nn.PReLU(64, init=0.1)
        self.relu2 = nn.PReLU(64, init=0.1)
        self.conv2 = weight_norm(nn.Conv2d(64, 64, 3))
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.pad(self.relu1(x), (1, 1, 1, 1), "reflect"))
        y = self.conv2(F.pad(self.relu2(y), (1, 1, 1, 1), "reflect"))
        result: Tensor = x + y if self.shortcut else y
        return result


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = weight_norm(nn.Conv2d(3, 64, 5))
        self.layer1 = nn.Sequential(*(_Block(shortcut=i > 0) for i in range(5)))
        self.conv_out = weight_norm(nn.ConvTranspose2d(64, 3, 5, stride=1, padding=2))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv_out(self.layer1(self.conv1(F.pad(x, (2, 2, 2, 2), "reflect"))))
        return result


class PublishedGenerator(nn.Module):
    """LR (N,3,h,w) in [0,255] -> SR (N,3,4h,4w)."""

    def __init__(self) -> None:
        super().__init__()
        self.model = _Residual()
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, lr: Tensor) -> Tensor:
        upsampled = F.interpolate(lr, scale_factor=4, mode="bilinear", align_corners=False)
        sigma = 255.0 * wavelet_mad(upsampled / 255.0)
        residual = self.model(upsampled)
        values = residual[0].numel()
        epsilon = torch.exp(self.alpha) * sigma * (values - 1) ** 0.5
        norm = residual.flatten(1).norm(dim=1)
        k = epsilon / torch.max(norm, epsilon)
        return F.hardtanh(upsampled - residual * k.view(-1, 1, 1, 1), 0.0, 255.0)

    def published_state(self) -> dict[str, Tensor]:
        """State dict under the published names: weight_g and weight_v instead of torch's parametrizations."""
        old, new = ("parametrizations.weight.original0", "parametrizations.weight.original1"), ("weight_g", "weight_v")
        state = {}
        for name, value in self.state_dict().items():
            state[name.replace(old[0], new[0]).replace(old[1], new[1])] = value.clone()
        return state

    def load_published_state(self, state: dict[str, Tensor]) -> None:
        names = {
            n: n.replace("weight_g", "parametrizations.weight.original0").replace(
                "weight_v", "parametrizations.weight.original1"
            )
            for n in state
        }
        self.load_state_dict({names[n]: v for n, v in state.items()}, strict=True)


def wavelet_mad(image: Tensor) -> Tensor:
    """Noise level (N,) of (N,3,H,W): the two passes of the db7 high-pass filter, then the median of each channel."""
    taps = torch.tensor(DB7, dtype=image.dtype).view(1, 1, 14, 1).repeat(3, 1, 1, 1)
    detail = F.conv2d(F.pad(image, (0, 0, 7, 7), "reflect"), taps, stride=(2, 1), groups=3)
    detail = F.pad(detail, (7, 7, 0, 0), "reflect").transpose(2, 3)
    detail = F.conv2d(detail, taps, stride=(2, 1), groups=3).abs().flatten(2)
    return torch.stack([detail[:, c].median(dim=1).values / 0.6745 for c in range(3)]).mean(dim=0)


def seeded_published_generator(alpha: float = 2.0) -> PublishedGenerator:
    """Seeded weights of sensible size, with magnitudes that differ from the norms of their directions."""
    torch.manual_seed(5)
    generator = PublishedGenerator()
    with torch.no_grad():
        for name, value in generator.named_parameters():
            if name.endswith("original0"):
                value.mul_(torch.empty_like(value).uniform_(0.5, 1.0))
        generator.alpha.fill_(alpha)
    return generator.eval().requires_grad_(False)
