"""Networks that are often given in place of ours, told by the names of their tensors; and how a refusal says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version
from edgesr.runtimes.wording import SHOWN, first_names, shown_name

Shapes = Mapping[str, tuple[int, ...]]


class UnknownNetworkError(InputError):
    """A file holds weights, or may hold some, of a network that is not edgesr's."""


def require_spandrel(error: UnknownNetworkError) -> None:
    """The refusal of a checkpoint and what may help, where the package that may recognise it is not installed."""
    if installed_version("spandrel") is None:
        raise InputError(
            f"{error}, or install spandrel (pip install spandrel, and torchvision of your torch) to have its "
            "architecture recognised, or give --module"
        ) from error


UNKNOWN = "nothing that edgesr knows"


@dataclass(frozen=True)
class _Kind:
    """A network: what it is called, and patterns each of which some name must match; ``only``: and every name one."""

    title: str
    patterns: tuple[str, ...]
    only: bool = False


# Names as BasicSR, Real-ESRGAN, the authors' own repositories and torchvision save them. The first that fits is taken.
_KINDS = (
    _Kind("a training state of edgesr train", (r"average\.n_averaged", r"generator\.body\.head\.weight")),
    _Kind("an edgesr generator without its config", (r"body\.head\.weight", r"body\.blocks\.0\.conv1\.weight")),
    _Kind("an SRResCGAN or SRResCycGAN generator", (r"alpha", r"model\.conv_out\.weight_v")),
    _Kind("RRDBNet (ESRGAN, Real-ESRGAN)", (r"conv_first\.weight", r"(body|RRDB_trunk)\.0\.(rdb|RDB)1\.conv1\.weight")),
    _Kind("RRDBNet (ESRGAN, old names)", (r"model\.0\.weight", r"model\.1\.sub\.0\.RDB1\.conv1\.0\.weight")),
    _Kind("SwinIR or a relative of it", (r"layers\.0\.residual_group\.(blocks|layers)\.0\..+",)),
    _Kind("RCAN", (r"body\.0\.(body\.0\.body\.0|residual_group\.0\.rcab\.0)\.weight",)),
    _Kind("SRResNet", (r"conv_first\.weight", r"(body|recon_trunk)\.0\.conv1\.weight", r"upconv1\.weight")),
    _Kind("SRResNet", (r"conv_input\.weight", r"residual\.0\.conv1\.weight")),
    _Kind("EDSR", (r"conv_first\.weight", r"body\.0\.conv1\.weight", r"conv_after_body\.weight")),
    _Kind("EDSR", (r"head\.0\.weight", r"body\.0\.body\.0\.weight", r"tail\..+\.weight")),
    _Kind("SRVGGNetCompact (Real-ESRGAN)", (r"body\.0\.weight", r"body\.1\.weight", r"body\.\d+\.(weight|bias)"), True),
    _Kind("a discriminator", (r"(conv0|conv0_0|features?\.0|layers?\.0|net\.0)\.weight", r"(linear|dense)\d?\.weight")),
    _Kind("a discriminator", (r"conv0\.weight", r"conv1\.weight_(orig|v)", r"conv9\.weight")),
    _Kind("a discriminator", (r"features\.0\.weight", r"classifier\.0\.weight", r"classifier\.2\.weight")),
    _Kind("a discriminator", (r"(netD|[dD]iscriminator)(_\w+)?\..+",), True),
    _Kind("an image classifier", (r"(fc|head|classifier(\.\d+)?)\.weight", r"(fc|head|classifier(\.\d+)?)\.bias")),
)
_WEIGHTS = ("state_dict", "model", "model_state_dict", "params", "params_ema", "generator", "net", "netG")
_PROGRESS = ("optimizer", "optimizers", "optimizer_state_dict", "epoch", "iter", "iteration", "step", "schedulers")
_MAX_PREFIXES = 3


def network_of(names: Iterable[object]) -> str:
    """The network that has tensors of these names, also below up to three prefixes that all of them share."""
    below, prefix = [name for name in names if isinstance(name, str)], ""
    for _ in range(_MAX_PREFIXES + 1):
        for kind in _KINDS:
            if _fits(kind, below):
                return kind.title + (f", its names with the prefix {shown_name(prefix)}" if prefix else "")
        first = {name.partition(".")[0] for name in below}
        if len(first) != 1 or not all("." in name for name in below):
            break
        prefix += f"{first.pop()}."
        below = [name.partition(".")[2] for name in below]
    return UNKNOWN


def foreign_network(
    source: str, found: Shapes, *, wanted: str, reason: str = "", expected: Shapes | None = None
) -> str:
    """The line that refuses a file's tensors: what they look like, some of them, and what was expected."""
    held = f"it holds {first_names(found)}" if found else "it holds no tensor"
    looks = f"{reason}; " if reason else ""
    some = [f"{name} {shape}" for name, shape in list((expected or {}).items())[:SHOWN]]
    need = f"{wanted} with {', '.join(some)}, ..." if some else wanted
    return (
        f"{source}: {looks}looks like {network_of(found)}: {held}; expected {need}; "
        "give a generator of edgesr train or a published .pth"
    )


def described_nesting(value: object) -> str:
    """A description of an object that is no state dict, to end the message of a refusal; empty for one that has no
    keys.
    """
    if not isinstance(value, dict):
        return f", but a {type(value).__name__}"
    keys = f", but {first_names(value)}"
    nested = [key for key in _WEIGHTS if isinstance(value.get(key), dict)]
    if not nested and not any(key in value for key in _PROGRESS):
        return keys
    inside = [f", its {key} looks like {network_of(value[key])}" for key in nested[:2]]
    return f"{keys}: looks like a training state of another framework{''.join(inside)}"


def compare_shapes(found: Shapes, expected: Shapes) -> str:
    """Missing, unexpected and misshapen tensors, three of each; empty when all agree."""
    parts = {
        "missing": sorted(expected.keys() - found.keys()),
        "unexpected": sorted(found.keys() - expected.keys()),
        "wrong shape": [
            f"{name} {found[name]} instead of {expected[name]}"
            for name in sorted(found.keys() & expected.keys())
            if found[name] != expected[name]
        ],
    }
    return "; ".join(f"{kind} {first_names(names)}" for kind, names in parts.items() if names)


def _fits(kind: _Kind, names: list[str]) -> bool:
    if not all(any(re.fullmatch(pattern, name) for name in names) for pattern in kind.patterns):
        return False
    return not kind.only or all(any(re.fullmatch(pattern, name) for pattern in kind.patterns) for name in names)
