"""Parts of ST-LPIPS's networks: the anti-aliased pool, and the weights that `stlpips-pytorch` ships.

The package itself imports torchvision and IPython, so it is never imported: only its weight files are read. Their
authors are Ghildyal and Liu (ECCV 2022, arXiv 2207.13686), licence BSD-2.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.errors import InputError, MissingPackageError

PACKAGE = "stlpips-pytorch"
_MODULE = "stlpips_pytorch"
_SHA256 = {
    "alex": "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    "vgg": "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
}


class BlurPool(nn.Module):
    """(N,channels,H,W) -> (N,channels,(H+3)//2,(W+3)//2), H and W at least 3.

    A binomial 3x3 blur of each channel with stride 2, after reflect padding of 2.
    Zhang 2019 (arXiv 1904.11486), section 3.2; the padding is that of ST-LPIPS, section 4.
    """

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4.0
        kernel = torch.outer(row, row).expand(channels, 1, 3, 3).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), self.kernel, stride=2, groups=x.shape[1])


def packaged_weights_available() -> bool:
    """Whether the package that ships the weights is installed; it is not imported."""
    return importlib.util.find_spec(_MODULE) is not None


def packaged_state(name: Literal["alex", "vgg"]) -> dict[str, Tensor]:
    """State dict of ST-LPIPS with an AlexNet or VGG16 trunk (names `net.slice1.0.weight`, ..., `lin0.model.1.weight`).

    float32 on the CPU. The file's SHA-256 is checked before it is read.
    """
    path = _packaged_file(name)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256[name]:
        raise InputError(f"{path}: not the weights of {PACKAGE} 0.0.2, install that version again")
    state: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def _packaged_file(name: str) -> Path:
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(f"{PACKAGE} is not installed: pip install 'edgesr[perceptual]'")
    relative = Path("weights", "vST0.0", f"{name}_shift_tolerant.pth")
    files = [Path(folder) / relative for folder in spec.submodule_search_locations]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        raise InputError(f"{files[0]}: missing, install {PACKAGE}==0.0.2 again")
    return found
