"""The over-parameterised form in which the family `mobile-s`, `mobile-m`, `mobile-l` is trained.

Every 3x3 convolution of a plain body is trained as two linear layers without an activation between them, 3x3 and 1x1,
and, where inputs and outputs are as many, a scaled identity next to them (SESR, Bhardwaj et al., arXiv 2101.09404,
section 3.1, with as many channels between the two as behind them). Together they are one 3x3 convolution, whose kernel
is computed in every forward pass (section 3.3): training costs little more than the merged network, and merging is
exact.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.sr_model.generators.bodies.plain_body import PlainBody
from edgesr.sr_model.generators.generator import Generator

_Old = TypeVar("_Old", bound=nn.Module)


class LinearBlock(nn.Module):
    """(N,inputs,h,w) -> (N,outputs,h,w): 3x3, then 1x1, plus a scaled identity: one 3x3 convolution, zero-padded.

    It starts equal to the convolution that it is made of: the 1x1 layer as the identity, the 3x3 layer as what the
    scaled identity leaves.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        assert convolution.bias is not None
        self.weight = nn.Parameter(convolution.weight.detach().clone())
        self.bias = nn.Parameter(convolution.bias.detach().clone())
        self.pointwise = nn.Parameter(torch.eye(convolution.out_channels, device=self.weight.device))
        square = convolution.in_channels == convolution.out_channels
        self.identity = nn.Parameter(self.weight.new_ones(convolution.out_channels)) if square else None
        if self.identity is not None:
            self.weight.data -= _kernel_of(self.identity.detach())

    def merged_weight(self) -> Tensor:
        """The one kernel (outputs,inputs,3,3) that equals the whole block."""
        kernel: Tensor = torch.tensordot(self.pointwise, self.weight, dims=1)
        return kernel if self.identity is None else kernel + _kernel_of(self.identity)

    def merged(self) -> nn.Conv2d:
        """The convolution that equals this."""
        outputs, inputs = self.weight.shape[:2]
        result = nn.Conv2d(inputs, outputs, 3, padding=1, device=self.weight.device, dtype=self.weight.dtype)
        result.load_state_dict({"weight": self.merged_weight().detach(), "bias": self.bias.detach()})
        return result

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.merged_weight(), self.bias, padding=1)


def _kernel_of(scales: Tensor) -> Tensor:
    """The 3x3 kernel (C,C,3,3) that multiplies each channel by its scale (C,)."""
    return F.pad(torch.diag(scales)[:, :, None, None], (1, 1, 1, 1))


def over_parameterised(generator: Generator) -> Generator:
    """The form in which a generator is trained, a copy that computes the same: other bodies are trained as they are."""
    result = copy.deepcopy(generator)
    if isinstance(result.body, PlainBody):
        _replace(result.body, nn.Conv2d, LinearBlock)
    return result


def merged(generator: Generator) -> Generator:
    """The generator that a trained form equals, a copy."""
    result = copy.deepcopy(generator)
    _replace(result.body, LinearBlock, LinearBlock.merged)
    return result


def _replace(network: nn.Module, kind: type[_Old], replacement: Callable[[_Old], nn.Module]) -> None:
    for name, module in list(network.named_modules()):
        if isinstance(module, kind):
            parent, _, attribute = name.rpartition(".")
            setattr(network.get_submodule(parent), attribute, replacement(module).train(module.training))
