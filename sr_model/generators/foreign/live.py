"""A network that a Python caller holds, and what the caller says of it. Imports no torch until one is described."""

from __future__ import annotations

import copy
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, get_args

from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import printable
from edgesr.sr_model.generators.foreign.contract import LARGEST_MULTIPLE, PEAKS, SCALES
from edgesr.sr_model.generators.foreign.one_line import in_one_line

if TYPE_CHECKING:
    from torch import nn

    from edgesr.sr_model.generators.foreign.making import Built


@dataclass(frozen=True)
class Generator:
    """A super-resolution network in this process, for `export_bundle` and `inspect_module`.

    ``module`` maps an image (1,c,h,w), float32 in [0,``peak``], to a picture (1,c,s*h,s*w): RGB, or one channel, which
    is luma (16 to 235 of 255) unless ``colour`` is "grey" (full range). A copy of it, on the CPU in float32 and
    evaluation mode, runs in this process up to the exported program; the module itself is left as it is. None is found
    by running it: the scale, the multiple of its sides, and the peak, which is 1 unless a photograph says otherwise.
    ``name`` is that of its class unless given.
    """

    module: nn.Module
    _: KW_ONLY
    scale: int | None = None
    peak: int | None = None
    multiple: int | None = None
    colour: Colour | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        from torch import nn

        if not isinstance(self.module, nn.Module):
            given = self.module.__name__ if isinstance(self.module, type) else type(self.module).__name__
            raise InputError(f"Generator({given}): give an instance of torch.nn.Module")
        if self.name is not None and not self.name.strip():
            raise InputError("Generator(name=''): give a name, or leave it out")
        if self.colour not in (None, *get_args(Colour)):
            colours = ", ".join(get_args(Colour))
            raise InputError(f"Generator(colour={self.colour!r}): give one of {colours}, or leave it out")
        for field, value, allowed in (
            ("scale", self.scale, SCALES),
            ("peak", self.peak, PEAKS),
            ("multiple", self.multiple, range(1, LARGEST_MULTIPLE + 1)),
        ):
            if value is not None and (type(value) is not int or value not in allowed):
                shown = f"1 to {LARGEST_MULTIPLE}" if isinstance(allowed, range) else ", ".join(map(str, allowed))
                raise InputError(f"Generator({field}={value!r}): give one of {shown}, or leave it out to have it found")

    @property
    def title(self) -> str:
        """The title of the generator in its contract and its bundle."""
        return printable(self.name or type(self.module).__name__)

    def built(self) -> Built:
        """A copy of the module as it is exported; raises an InputError where it cannot be copied."""
        from edgesr.sr_model.generators.foreign.making import in_evaluation_mode

        try:
            network = copy.deepcopy(self.module).cpu()
        except Exception as error:  # of any kind: the module's own code copies what it holds
            raise InputError(f"{self.title}: cannot be copied: {in_one_line(error)}; make a new one of it") from error
        return in_evaluation_mode(network, [])
