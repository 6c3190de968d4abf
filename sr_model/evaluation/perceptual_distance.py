"""ST-LPIPS, the shift-tolerant perceptual distance (Ghildyal and Liu, ECCV 2022, arXiv 2207.13686).

Its network is an AlexNet with stride-1 first convolution and anti-aliased pools, trained for it: its figures are not
LPIPS figures and must not be compared with them. Weights: the "alex" file of stlpips-pytorch 0.0.2.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.arrays import Pixels
from edgesr.sr_model.evaluation.shift_tolerant import BlurPool, packaged_state

_WIDTHS = (64, 192, 384, 256, 256)
_CONVOLUTIONS = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
_EPSILON = 1e-10


class STLPIPS(nn.Module):
    """Distance of two RGB images: 0 for identical ones, larger for unlike ones.

    d = sum over 5 layers of mean over places of w . (f0 - f1)^2, with features f of unit length over the
    channels and one learned weight w a channel (the form of Zhang et al., CVPR 2018, equation 1).
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        state = packaged_state("alex")
        self.register_buffer("shift", state["scaling_layer.shift"])
        self.register_buffer("scale", state["scaling_layer.scale"])
        self.stages = nn.ModuleList(_stages(state))
        self.heads = nn.ParameterList([state[f"lin{layer}.model.1.weight"] for layer in range(len(_WIDTHS))])
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        """(N,3,H,W) each, float32 in [0,255], H and W at least 21 -> (N,)."""
        distance = torch.zeros(image.shape[0], device=image.device)
        for head, first, second in zip(self.heads, self._features(image), self._features(reference), strict=True):
            distance = distance + F.conv2d((first - second) ** 2, head).mean(dim=(1, 2, 3))
        return distance

    def distance(self, image: Pixels, reference: Pixels) -> float:
        """Distance of two uint8 images (H,W,3), whole, no border left out."""
        with torch.inference_mode():
            return float(self(_batch(image), _batch(reference)))

    def _features(self, image: Tensor) -> list[Tensor]:
        x = (image / 127.5 - 1.0 - self.shift) / self.scale
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON))
        return features


def _stages(state: dict[str, Tensor]) -> list[nn.Module]:
    conv1, conv2, conv3, conv4, conv5 = (_convolution(state, name) for name in _CONVOLUTIONS)
    return [
        nn.Sequential(conv1, BlurPool(64), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=1), BlurPool(64), conv2, nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=1), BlurPool(192), conv3, nn.ReLU()),
        nn.Sequential(conv4, nn.ReLU()),
        nn.Sequential(conv5, nn.ReLU()),
    ]


def _convolution(state: dict[str, Tensor], name: str) -> nn.Conv2d:
    weight, bias = state[f"net.{name}.weight"], state[f"net.{name}.bias"]
    side = weight.shape[2]
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], side, padding=2 if side == 11 else side // 2)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _batch(image: Pixels) -> Tensor:
    return torch.from_numpy(np.array(image.transpose(2, 0, 1))).float()[None]
