"""What a network is, found by running it: its scale, the sizes that it takes, the unit that it speaks."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_text
from edgesr.sr_model.generators.foreign.contract import PEAKS, Contract

_SIDE = 48
_LONGEST = 64
_LEAST_SIDES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 32, 48, 64)
_MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_BETTER_DB = 3.0
_PICTURE_DB = 20.0
_LARGEST = 255.0


def probe(network: nn.Module, name: str, photograph: Tensor, *, peak: int, multiple: int | None) -> Contract:
    """The contract of a network in evaluation mode. ``photograph``: (1,3,h,w) in [0,255], at least 64 a side.

    ``multiple`` is taken as stated, or found. An InputError for what edgesr cannot export, and where the photograph
    comes out far better in the other unit than in that of ``peak``.
    """
    network_of = _checked(network, name)
    scale = _scale(network_of, name)
    found = _multiple(network_of, scale) if multiple is None else multiple
    least = _least_side(network_of, found, scale)
    contract = Contract(name=name, scale=scale, peak=peak, multiple=found, network_side=least)
    _require_repeatable(network_of, name, photograph)
    _require_unit(network_of, contract, photograph)
    return contract


Run = Callable[[Tensor], Tensor]


def _checked(network: nn.Module, name: str) -> Run:
    def run(lr: Tensor) -> Tensor:
        with torch.inference_mode():
            result = network(lr)
        if not isinstance(result, Tensor):
            raise InputError(f"{name}: gives a {type(result).__name__}: return the picture alone, a tensor (1,3,H,W)")
        return result

    return run


def _picture(run: Run, height: int, width: int) -> Tensor | str:
    """The picture of a grey image, or why there is none."""
    try:
        return run(torch.full((1, 3, height, width), 0.5))
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError) as error:
        return f"{type(error).__name__}: {shown_text(next(iter(str(error).strip().splitlines()), ''))}"


def _scale(run: Run, name: str) -> int:
    result = _picture(run, _SIDE, _LONGEST)
    if isinstance(result, str):
        raise InputError(
            f"{name}: fails on an RGB image of {_SIDE}x{_LONGEST} pixels: {result}; edgesr takes networks from "
            "(1,3,h,w) to (1,3,s*h,s*w)"
        )
    shape = tuple(result.shape)
    rows, columns = (shape[-2] / _SIDE, shape[-1] / _LONGEST) if len(shape) == 4 else (0.0, 0.0)
    if len(shape) != 4 or shape[:2] != (1, 3) or rows != columns or rows != int(rows) or rows < 1:
        raise InputError(
            f"{name}: makes {shape} of an image (1, 3, {_SIDE}, {_LONGEST}): need (1, 3, s*{_SIDE}, s*{_LONGEST}) with "
            "a whole scale s"
        )
    if not result.isfinite().all():
        raise InputError(f"{name}: gives values that are not finite for a grey image; is it the right checkpoint?")
    return int(rows)


def _takes(run: Run, height: int, width: int, scale: int) -> bool:
    result = _picture(run, height, width)
    return not isinstance(result, str) and result.shape[-2:] == (scale * height, scale * width)


def _multiple(run: Run, scale: int) -> int:
    """The least number whose multiples the network takes, of sides around 48, in height and in width."""
    taken = [side for side in range(_SIDE, _SIDE + 17) if _takes(run, side, _LONGEST, scale)]
    for multiple in _MULTIPLES:
        if [side for side in range(_SIDE, _SIDE + 17) if side % multiple == 0] == taken:
            return multiple
    return math.gcd(*(side - _SIDE for side in taken)) or 1


def _least_side(run: Run, multiple: int, scale: int) -> int:
    for side in _LEAST_SIDES:
        if side % multiple == 0 and _takes(run, side, side, scale):
            return side
    return _LONGEST


def _require_repeatable(run: Run, name: str, photograph: Tensor) -> None:
    lr = photograph[:, :, :_SIDE, :_LONGEST] / _LARGEST
    if not torch.equal(run(lr), run(lr)):
        raise InputError(f"{name}: gives two different pictures of one image; switch off what is random in it")


def _require_unit(run: Run, contract: Contract, photograph: Tensor) -> None:
    """A photograph, in both units, next to bilinear upsampling: a network far from its unit gives no picture."""
    lr = photograph[:, :, :_SIDE, :_LONGEST]
    expected = F.interpolate(lr, scale_factor=float(contract.scale), mode="bilinear", align_corners=False)
    near = {peak: _psnr(run(lr * (peak / _LARGEST)) * (_LARGEST / peak), expected) for peak in PEAKS}
    other = next(peak for peak in PEAKS if peak != contract.peak)
    if near[contract.peak] < _PICTURE_DB and near[other] > near[contract.peak] + _BETTER_DB:
        raise InputError(
            f"{contract.name}: a photograph in [0,{contract.peak}] comes out {near[contract.peak]:.1f} dB from "
            f"bilinear upsampling, in [0,{other}] {near[other]:.1f} dB: it seems to speak [0,{other}]; "
            f"give --peak {other}"
        )


def _psnr(picture: Tensor, reference: Tensor) -> float:
    error = (picture.clamp(0, _LARGEST) - reference).square().mean().item()
    return math.inf if error == 0 else -math.inf if math.isnan(error) else 10 * math.log10(_LARGEST**2 / error)
