"""The properties of a network, found by running it: its scale, the sizes that it takes, the unit of its values."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.bundle.contract import Colour, channels_of, next_multiple
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.glue.colour import network_image
from edgesr.runtimes.wording import counted
from edgesr.sr_model.generators.foreign.contract import PEAKS, Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line

_SIDE = 48
_LONGEST = 64
_LEAST_SIDES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 32, 48, 64)
_MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_BETTER_DB = 6.0
_PICTURE_DB = 15.0
_NO_PICTURE_DB = 10.0
_LARGEST = 255.0


def probe(
    network: nn.Module,
    name: str,
    photograph: Tensor,
    *,
    peak: int | None,
    multiple: int | None,
    colour: Colour | None = None,
) -> tuple[Contract, list[str]]:
    """The contract of a network in evaluation mode, and doubts in words. ``photograph``: (1,3,h,w), RGB, in [0,255].

    ``multiple`` is found where it is None, as is ``colour``, which is luma for a network of one channel. Where ``peak``
    is None it is 1, and an InputError where the photograph comes out far better in the other unit; one that is stated
    is taken, with a doubt. Other InputErrors are for what edgesr cannot export.
    """
    run = _checked(network, name)
    taken = _colour(run, name, colour)
    answer = partial(_answer, run, channels_of(taken))
    scale = _scale(answer, name, channels_of(taken))
    found = _multiple(answer, scale) if multiple is None else multiple
    if multiple is not None:
        _require_multiple(answer, name, multiple, scale)
    least = _least_side(answer, found, scale)
    contract = Contract(name=name, scale=scale, colour=taken, peak=peak or 1, multiple=found, network_side=least)
    seen = as_seen(photograph, taken)
    _require_repeatable(run, name, seen)
    near = _near_bilinear(run, contract.scale, seen)
    doubt = _doubt_of_unit(contract, near)
    if doubt is not None and peak is None:
        other = next(other for other in PEAKS if other != contract.peak)
        raise InputError(f"{doubt}; give --peak {other}, or --peak {contract.peak} if that is right")
    doubt = doubt or _doubt_of_picture(contract, near)
    return contract, [] if doubt is None else [doubt]


def as_seen(photograph: Tensor, colour: Colour) -> Tensor:
    """RGB (1,3,h,w) in [0,255] -> what a network of a colour takes, (1,c,h,w)."""
    return torch.from_numpy(network_image(photograph[0].numpy(), colour))[None]


Run = Callable[[Tensor], Tensor]
Answer = Callable[[int, int], Tensor | str]
"""Height and width -> the picture of a grey image, or why there is none."""


def _checked(network: nn.Module, name: str) -> Run:
    def run(lr: Tensor) -> Tensor:
        with torch.inference_mode():
            result = network(lr.clone())
        if not isinstance(result, Tensor):
            raise InputError(f"{name}: gives a {type(result).__name__}: return the picture alone, a tensor (1,c,H,W)")
        return result

    return run


def _answer(run: Run, channels: int, height: int, width: int) -> Tensor | str:
    try:
        return run(torch.full((1, channels, height, width), 0.5))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - of any kind, since it is the user's code
        return in_one_line(error)


def _colour(run: Run, name: str, stated: Colour | None) -> Colour:
    """The colour that is stated, or that of the first number of channels which the network takes."""
    channels = 3 if stated is None else channels_of(stated)
    refusal = _answer(run, channels, _SIDE, _LONGEST)
    if not isinstance(refusal, str):
        return stated or "rgb"
    other = 4 - channels
    if isinstance(_answer(run, other, _SIDE, _LONGEST), str):
        raise InputError(
            f"{name}: fails on an image of {counted(channels, 'channel')} and {_SIDE}x{_LONGEST} pixels: {refusal}; "
            f"edgesr takes networks from (1,3,h,w) to (1,3,s*h,s*w), or of 1 channel alike"
        )
    if stated is not None:
        better = "rgb" if other == 3 else "luma, which is taken without, or grey"
        raise InputError(f"{name}: takes images of {counted(other, 'channel')}: its --colour is {better}, not {stated}")
    return "luma"


def _scale(answer: Answer, name: str, channels: int) -> int:
    result = answer(_SIDE, _LONGEST)
    assert isinstance(result, Tensor)
    shape = tuple(result.shape)
    rows, columns = (shape[-2] / _SIDE, shape[-1] / _LONGEST) if len(shape) == 4 else (0.0, 0.0)
    if len(shape) != 4 or shape[:2] != (1, channels) or rows != columns or rows != int(rows) or rows < 1:
        raise InputError(
            f"{name}: makes {shape} of an image (1, {channels}, {_SIDE}, {_LONGEST}): need "
            f"(1, {channels}, s*{_SIDE}, s*{_LONGEST}) with a whole scale s"
        )
    if not result.isfinite().all():
        raise InputError(f"{name}: gives values that are not finite for a grey image; is it the right checkpoint?")
    return int(rows)


def _takes(answer: Answer, height: int, width: int, scale: int) -> bool:
    result = answer(height, width)
    return not isinstance(result, str) and result.shape[-2:] == (scale * height, scale * width)


def _multiple(answer: Answer, scale: int) -> int:
    """The least number whose multiples the network takes, of sides around 48, in height and in width."""
    taken = [side for side in range(_SIDE, _SIDE + 17) if _takes(answer, side, _LONGEST, scale)]
    for multiple in _MULTIPLES:
        if [side for side in range(_SIDE, _SIDE + 17) if side % multiple == 0] == taken:
            return multiple
    return math.gcd(*(side - _SIDE for side in taken)) or 1


def _require_multiple(answer: Answer, name: str, multiple: int, scale: int) -> None:
    """Raise an InputError where a stated multiple is refused by the network."""
    first = next_multiple(_SIDE, multiple)
    for height, width in ((first, first), (first + multiple, first), (first, first + multiple)):
        if not _takes(answer, height, width, scale):
            better = _multiple(answer, scale)
            raise InputError(
                f"{name}: fails on an image of {height}x{width} pixels, though both are multiples of --multiple "
                f"{multiple}; it takes multiples of {better}: leave --multiple out"
            )


def _least_side(answer: Answer, multiple: int, scale: int) -> int:
    for side in _LEAST_SIDES:
        if side % multiple == 0 and _takes(answer, side, side, scale):
            return side
    return _LONGEST


def _require_repeatable(run: Run, name: str, photograph: Tensor) -> None:
    lr = photograph[:, :, :_SIDE, :_LONGEST] / _LARGEST
    if not torch.equal(run(lr), run(lr)):
        raise InputError(f"{name}: gives two different pictures of one image; switch off what is random in it")


def _near_bilinear(run: Run, scale: int, photograph: Tensor) -> dict[int, float]:
    """PSNR (dB) of a photograph's picture to bilinear upsampling, in each unit, by its peak."""
    lr = photograph[:, :, :_SIDE, :_LONGEST]
    expected = F.interpolate(lr, scale_factor=float(scale), mode="bilinear", align_corners=False)
    return {peak: _psnr(run(lr * (peak / _LARGEST)) * (_LARGEST / peak), expected) for peak in PEAKS}


def _doubt_of_unit(contract: Contract, near: dict[int, float]) -> str | None:
    """A network far from its unit gives no picture; ``near``: how near to bilinear upsampling it comes in each."""
    other = next(peak for peak in PEAKS if peak != contract.peak)
    if near[contract.peak] >= _PICTURE_DB or near[other] <= near[contract.peak] + _BETTER_DB:
        return None
    return (
        f"{contract.name}: a photograph in [0,{contract.peak}] comes out {near[contract.peak]:.1f} dB from bilinear "
        f"upsampling, in [0,{other}] {near[other]:.1f} dB: it seems to speak [0,{other}]"
    )


def _doubt_of_picture(contract: Contract, near: dict[int, float]) -> str | None:
    """A warning if a photograph becomes no picture in either unit, but black or white for example."""
    if near[contract.peak] >= _NO_PICTURE_DB:
        return None
    return (
        f"{contract.name}: a photograph becomes no picture, {near[contract.peak]:.1f} dB from bilinear upsampling: "
        f"does it have its weights, and are both its image and its picture in [0,{contract.peak}]?"
    )


def _psnr(picture: Tensor, reference: Tensor) -> float:
    error = (picture.clamp(0, _LARGEST) - reference).square().mean().item()
    return math.inf if error == 0 else -math.inf if math.isnan(error) else 10 * math.log10(_LARGEST**2 / error)
