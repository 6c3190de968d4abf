"""The reader of ncnn's files in docs/networks: names, shapes and values of what it reads, and what it refuses."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.helpers.places import ROOT

PARAM = """7767517
4 5
Input       in     0 1 data
Convolution first  1 1 data a 0=2 1=1 4=0 5=1 6=6
PReLU       prelu  1 1 a b 0=2
Convolution last   1 1 b output 0=3 1=3 4=1 5=1 6=54
"""
FIRST, LAST = np.arange(6, dtype="<f2") / 8, np.arange(54, dtype="<f4") / 3
FLAG = (0x01306B47).to_bytes(4, "little")


def bias(count: int) -> bytes:
    return np.full(count, 0.5, "<f4").tobytes()


def content(*, first: bytes = FIRST.tobytes(), flag: bytes = FLAG) -> bytes:
    return flag + first + bias(2) + np.array([0.1, 0.2], "<f4").tobytes() + bytes(4) + LAST.tobytes() + bias(3)


@pytest.fixture(scope="module")
def reader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ncnn_weights", ROOT / "docs" / "networks" / "ncnn_weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(reader: ModuleType, folder: Path, param: str, content: bytes) -> dict[str, torch.Tensor]:
    (folder / "net.param").write_text(param)
    (folder / "net.bin").write_bytes(content)
    reader.main(folder / "net.param", folder / "net.safetensors")
    return load_file(folder / "net.safetensors")


def test_weights_of_both_types_have_their_names_shapes_and_values(reader: ModuleType, tmp_path: Path) -> None:
    state = read(reader, tmp_path, PARAM, content())
    assert list(state) == ["body.0.bias", "body.0.weight", "body.1.weight", "body.2.bias", "body.2.weight"]
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert np.array_equal(state["body.0.weight"], FIRST.astype("<f4").reshape(2, 3, 1, 1))
    assert np.array_equal(state["body.1.weight"], np.array([0.1, 0.2], "<f4"))
    assert np.array_equal(state["body.2.weight"], LAST.reshape(3, 2, 3, 3))


def test_float16_weights_end_at_a_multiple_of_four_bytes(reader: ModuleType, tmp_path: Path) -> None:
    param = (
        PARAM.replace("0=2 1=1 4=0 5=1 6=6", "0=1 1=1 4=0 5=1 6=3").replace("b 0=2", "b 0=1").replace("6=54", "6=27")
    )
    first = FIRST[:3].tobytes() + b"\xff\xff"
    body = FLAG + first + bias(1) + bias(1) + bytes(4) + LAST[:27].tobytes() + bias(3)
    state = read(reader, tmp_path, param, body)
    assert state["body.0.bias"].tolist() == [0.5] and state["body.2.weight"].shape == (3, 1, 3, 3)


@pytest.mark.parametrize(
    ("param", "bytes_", "said"),
    [
        (PARAM, content() + bytes(8), "8 bytes more"),
        (PARAM, content()[:-4], "ends 4 bytes too early"),
        (PARAM, content(flag=b"\1\0\0\0"), "type 0x1"),
        (PARAM.replace("PReLU ", "Swish "), content(), "prelu: layers of the kind Swish"),
        (PARAM.replace("1=1 4=0", "1=1 11=3 4=0"), content(), "first: a square kernel with a bias"),
        (PARAM.replace("7767517", "7767518"), content(), "no .param file"),
    ],
)
def test_what_is_not_read_is_refused(param: str, bytes_: bytes, said: str, reader: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=said):
        read(reader, tmp_path, param, bytes_)
