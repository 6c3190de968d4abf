"""PyTorch -> ExecuTorch: an exported program of bounded sizes, lowered to XNNPACK, and proven equal to the module.

ExecuTorch plans the memory of the largest size when a file is made and allocates it when the file is loaded, and so
does XNNPACK for what it holds: files of networks that hold a lot take smaller images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.tracing import example_input
from edgesr.export.executorch.lowering import Lowered, converting, lower
from edgesr.export.records import TakenSizes, write_delegate_use, write_taken_sizes
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings

FILE, PROGRAM_FILE = "model.pte", "program.pt2"
_MOST_SIDES = (256, 128, 64)
_HELD_BYTES = 128_000_000
_TENSORS_OF_DELEGATE = 3
"""How many tensors of the largest size XNNPACK holds: three in the published network and in srrescycgan-mobile."""
_STRIP = 48


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Sizes that a file has to take: LR sides from ``least_side``, and images of ``tile_size``. ``image_of`` gives a
    photograph (c,h,w) of a size.
    """

    least_side: int
    tile_size: Size
    image_of: Callable[[Size], FloatArray]


def export_executorch(module: nn.Module, folder: Path, *, proof: Proof, wanted: Wanted) -> None:
    """Write model.pte: LR (1,c,h,w) float32 in [0,255] -> SR or residual; next to it its program and what it takes.

    It takes all sizes within bounds. Where that cannot be made it takes the tile size alone, and the record tells why.
    Raises an EdgesrError where that cannot be made either, or where a file misses its proof.
    """
    _store_all_buffers(module)
    try:
        bounds, program, lowered = _of_many_sizes(module, folder, proof, wanted)
        sizes = TakenSizes(bounds=bounds)
    except EdgesrError as error:
        program, lowered = _of_one_size(module, folder, proof, wanted)
        fixed = SizeBounds(least=wanted.tile_size, most=wanted.tile_size)
        sizes = TakenSizes(bounds=fixed, why_fixed=str(error))
    with converting("PyTorch cannot store the network"):
        torch.export.save(program, folder / PROGRAM_FILE)
    write_taken_sizes(folder, sizes)
    write_delegate_use(folder, lowered.delegate)


def _store_all_buffers(module: nn.Module) -> None:
    """A stored program cannot be read again without buffers that checkpoints leave out, such as those of constants."""
    for part in module.modules():
        for name, buffer in list(part.named_buffers(recurse=False)):
            part.register_buffer(name, buffer)


def _of_many_sizes(
    module: nn.Module, folder: Path, proof: Proof, wanted: Wanted
) -> tuple[SizeBounds, ExportedProgram, Lowered]:
    """The largest bounds that need little memory, or the smallest that there are."""
    needed = max(*wanted.tile_size, *(max(image.shape[1:]) for image in proof.images))
    sides = list(dict.fromkeys(max(side, needed) for side in _MOST_SIDES))
    for most in sides:
        program = _exported(module, proof, wanted.least_side, most)
        delegate_bytes = _TENSORS_OF_DELEGATE * _largest_tensor_bytes(program, most)
        if delegate_bytes > _HELD_BYTES and most != sides[-1]:
            continue
        lowered = lower(program, folder / FILE)
        if lowered.file.planned_bytes + delegate_bytes <= _HELD_BYTES:
            break
    least = wanted.least_side
    strip = max(_STRIP, least)
    further = (wanted.image_of(size) for size in ((least, least), (most, strip), (strip, most)))
    _prove(folder / FILE, replace(proof, images=(*proof.images, *further)))
    return SizeBounds(least=(least, least), most=(most, most)), program, lowered


def _of_one_size(module: nn.Module, folder: Path, proof: Proof, wanted: Wanted) -> tuple[ExportedProgram, Lowered]:
    size = wanted.tile_size
    with converting("PyTorch cannot export the network"):
        program = torch.export.export(module, (example_input(size, channels=proof.channels),))
    lowered = lower(program, folder / FILE)
    _prove(folder / FILE, replace(proof, images=(wanted.image_of(size),), traced=size))
    return program, lowered


def _exported(module: nn.Module, proof: Proof, least: int, most: int) -> ExportedProgram:
    height, width = (Dim(name, min=least, max=most) for name in ("height", "width"))
    with converting(f"PyTorch cannot export the network for sides from {least} to {most}"):
        return torch.export.export(
            module,
            (example_input(proof.traced, channels=proof.channels),),
            dynamic_shapes=({2: height, 3: width},),
        )


def _largest_tensor_bytes(program: ExportedProgram, side: int) -> int:
    """The bytes of the largest of a program's float32 tensors, for an image of ``side`` x ``side``."""
    (image,) = (node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs)
    values = [node.meta.get("val") for node in program.graph.nodes if node.op == "call_function"]
    most = max(_traced_numel(value) for value in values if isinstance(value, torch.Tensor))
    height, width = image.meta["val"].shape[2:]
    return 4 * most * side * side // (_traced(height) * _traced(width))


def _traced_numel(tensor: torch.Tensor) -> int:
    return math.prod(_traced(side) for side in tensor.shape)


def _traced(side: int | torch.SymInt) -> int:
    """A side at the size that was traced."""
    return side if isinstance(side, int) else int(side.node.hint)


def _prove(file: Path, proof: Proof) -> None:
    fault = proof.fault(lambda: executorch.open(file, RunSettings()), failures=executorch.RUNTIME.failures())
    if fault is not None:
        raise EdgesrError(f"the ExecuTorch file does not compute what the module does: {fault}")
