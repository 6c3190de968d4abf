"""A user's generator as edgesr keeps it: an archive of its exported program, its trace and its contract.

All later stages read this file; the user's code is not run again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import GraphModule
from torch.utils.flop_counter import FlopCounterMode

from edgesr.runtimes.bundle.contract import next_multiple
from edgesr.runtimes.bundle.manifest import Glue
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import shown_text
from edgesr.sr_model.generators.foreign.archive import CONTRACT, MODEL, PROGRAM, TRACE, WHY_NO_TRACE, read_contract
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.onnx_source.cost import count_graph_parameters, count_macs
from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture, read_picture

_TOLERANCE = 0.01
_COUNTED_SIDE = 48


class ForeignGenerator(nn.Module):
    """LR (1,c,h,w) in [0,255] -> SR: the picture of a user's network, clipped. `residual` is it before the clip."""

    def __init__(self, picture: nn.Module, config: Contract) -> None:
        super().__init__()
        self.picture = picture
        self.config = config

    @property
    def glue(self) -> Glue:
        """There is nothing around a tile but the clip."""
        return Glue(upsample="none", noise_level=None, alpha=None)

    def upsample(self, lr: Tensor) -> Tensor:
        """The base that the picture is added to: nothing (0), of the picture's size."""
        n, c, h, w = lr.shape
        return lr.new_zeros(n, c, h * self.config.scale, w * self.config.scale)

    def residual(self, lr: Tensor) -> Tensor:
        """The picture (1,c,s*h,s*w) before the clip: what a tile graph gives."""
        result: Tensor = self.picture(lr)
        return result

    def subtract(self, _upsampled: Tensor, residual: Tensor) -> Tensor:
        """The picture, clipped to [0,255]."""
        return residual.clamp(0.0, 255.0)

    def factor_and_noise_level(self, _upsampled: Tensor, _residual: Tensor) -> tuple[None, None]:
        """Users' generators have no projection."""
        return None, None

    def forward(self, lr: Tensor) -> Tensor:
        return self.residual(lr).clamp(0.0, 255.0)


def save_program(path: Path, picture: nn.Module, contract: Contract, images: list[Tensor]) -> str:
    """Export the picture's program and its trace, prove both equal to it on images (1,c,h,w), and write the archive.

    The SHA-256 of what it computes is given: files of one network differ, since torch writes counters and lines of
    code into them. An EdgesrError names the first size at which the program is another function: a size was baked in.
    """
    height, width = images[0].shape[-2:]
    with torch.inference_mode(False), torch.no_grad():
        program = torch.export.export(
            picture, (images[0],), dynamic_shapes=({2: Dim.DYNAMIC, 3: Dim.DYNAMIC},), strict=False
        )
    module = program.module(check_guards=False)
    for image in images:
        try:
            _require_equal(module, picture, image, traced=f"{height}x{width}")
        except EdgesrError as error:
            raise EdgesrError(f"{error}{_broken_guard(program, image)}") from error
    trace, why_not = _trace(picture, images)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    described = json.dumps(dataclasses.asdict(_from_least_side(contract, program)), sort_keys=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(CONTRACT, described)
        archive.writestr(PROGRAM, buffer.getvalue())
        archive.writestr(*((WHY_NO_TRACE, why_not) if trace is None else (TRACE, trace)))
    return _sha256(program, described, why_not)


def _from_least_side(contract: Contract, program: ExportedProgram) -> Contract:
    """The contract with no smaller sides than the program takes; it takes 2 and more of any network.

    Its least side is above the network's where that pools an image to a single pixel, which the exporter takes for
    another function.
    """
    least = max((int(sides.lower) for sides in program.range_constraints.values()), default=0)
    if least <= max(2, contract.minimum_side):
        return contract
    multiple = contract.multiple
    return dataclasses.replace(contract, network_side=next_multiple(least + multiple - 1, multiple))


def load_program(path: Path, *, traced: bool = False) -> ForeignGenerator:
    """The generator of an archive: its picture as an exported program or ONNX graph, or ``traced`` as TorchScript."""
    contract = read_contract(path)
    with zipfile.ZipFile(path) as archive:
        if traced:
            if TRACE not in archive.namelist():
                raise EdgesrError(f"{contract.name}: cannot be traced: {archive.read(WHY_NO_TRACE).decode()}")
            picture: nn.Module = torch.jit.load(io.BytesIO(archive.read(TRACE)))  # type: ignore[no-untyped-call]
        elif MODEL in archive.namelist():
            picture = read_picture(archive.read(MODEL))
        else:
            picture = _movable(torch.export.load(io.BytesIO(archive.read(PROGRAM))))
    return ForeignGenerator(picture, contract)


def count_program_mac_per_hr_pixel(generator: ForeignGenerator) -> float:
    """Multiply-accumulates of all convolutions and matrix products, divided by the number of HR pixels."""
    side, scale = max(_COUNTED_SIDE, generator.config.minimum_side), generator.config.scale
    if isinstance(generator.picture, OnnxPicture):
        return count_macs(generator.picture.model, side, generator.config.channels) / (scale * side) ** 2
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        picture = generator.residual(torch.zeros(1, generator.config.channels, side, side))
    multiply_accumulates: float = counter.get_total_flops() / 2
    return multiply_accumulates / (picture.shape[-1] * picture.shape[-2])


def _sha256(program: ExportedProgram, *texts: str) -> str:
    """The SHA-256 over the code and the tensors of a program, and texts."""
    graphs = [module for module in program.graph_module.modules() if isinstance(module, GraphModule)]
    interface = (repr(program.graph_signature), repr(program.range_constraints))
    digest = hashlib.sha256(repr([*texts, *interface, *(graph.code for graph in graphs)]).encode())
    for name, tensor in sorted({**program.state_dict, **program.constants}.items()):
        digest.update(repr((name, tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def count_parameters(generator: ForeignGenerator) -> int:
    """Numbers that were learned, or that an ONNX file holds as if they were."""
    if isinstance(generator.picture, OnnxPicture):
        return count_graph_parameters(generator.picture.model)
    return sum(parameter.numel() for parameter in generator.parameters())


def _movable(program: ExportedProgram) -> nn.Module:
    """A program's module, which refuses eval() although there is nothing in it that depends on the mode."""
    module = program.module(check_guards=False)  # they were checked at several sizes when the program was made
    module.train = lambda _mode=True: module  # type: ignore[method-assign, assignment]
    module.eval = lambda: module  # type: ignore[method-assign]
    return module


def _trace(picture: nn.Module, images: list[Tensor]) -> tuple[bytes | None, str]:
    """The TorchScript of a picture, or why there is none that computes the same."""
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # what a trace takes for constant is compared below
            traced = torch.jit.trace(picture, (images[0],), check_trace=False)  # type: ignore[no-untyped-call]
            for image in images:
                _require_equal(traced, picture, image, traced="x".join(map(str, images[0].shape[-2:])))
        buffer = io.BytesIO()
        torch.jit.save(traced, buffer)
    except EdgesrError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - of any kind, since it is the user's code
        return None, in_one_line(error)
    return buffer.getvalue(), ""


def _require_equal(found: nn.Module, picture: nn.Module, image: Tensor, *, traced: str) -> None:
    size = "x".join(map(str, image.shape[-2:]))
    with torch.inference_mode():
        expected = picture(image)
        try:
            result = found(image)
        except Exception as error:
            raise EdgesrError(f"traced at {traced}, it fails at {size}: {_baked_in(in_one_line(error))}") from error
    if result.shape != expected.shape or not (result - expected).abs().max().item() <= _TOLERANCE:
        raise EdgesrError(_baked_in(f"traced at {traced}, it is another function at {size}"))


def _broken_guard(program: ExportedProgram, image: Tensor) -> str:
    """The property that the exporter assumed of the traced size and that an image's size does not have; "" if there is
    none.
    """
    try:
        program.module().get_submodule("_guards_fn")(image)
    except AssertionError as error:
        return f" ({shown_text(' '.join(str(error).split()))})"
    return ""


def _baked_in(what: str) -> str:
    return f"{what}: a size was baked in; make its code the same at all sizes, or at multiples that --multiple states"
