"""ONNX files that cannot be exported: one line that says what is wrong and what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgesr.export.foreign import child_process
from edgesr.export.foreign.child_process import Stated
from edgesr.export.formats.targets import DEFAULT_TARGETS
from edgesr.export.options import ExportOptions
from edgesr.runtimes.errors import EdgesrError, InputError
from tests.export.foreign.test_onnx_source import BYTES, BYTES_LAST, FLOAT, PLAIN, wrapped
from tests.helpers.foreign import attention
from tests.helpers.foreign.onnx_files import OnnxFile, constant, export_fixed, node

INT32 = TensorProto.INT32
EXTRA = helper.make_tensor_value_info("level", FLOAT, (1,))
SEQUENCE = helper.make_tensor_sequence_value_info("y", FLOAT, None)
SIZE_64 = (1, 3, 64, 64)
BRIGHTER_WHEN_HIGHER = (
    node("Shape", "in", "shape"),
    node("Gather", "shape", "rows", "two"),
    node("Cast", "rows", "height", to=FLOAT),
    node("Mul", "height", "gain", "sixty_fourth"),
    node("Mul", "in", "x", "gain"),
)
REFUSED: list[tuple[OnnxFile, list[str]]] = [
    (replace(PLAIN, inputs=(EXTRA,)), ["has 2 inputs, x, level", "export it with one"]),
    (replace(PLAIN, outputs=(helper.make_tensor_value_info("detail", FLOAT, None),)), ["has 2 outputs, y, detail"]),
    (replace(PLAIN, opset=10), ["opset 10", "11 to"]),
    (replace(PLAIN, opset=999), ["opset 999", "11 to"]),
    (
        replace(PLAIN, dtype=INT32, image_name="in", before=(node("Cast", "in", "x", to=FLOAT),)),
        ["in is of type int32"],
    ),
    (replace(PLAIN, shape=(2, 3, "h", "w")), ["takes 2 images at once", "batch of 1"]),
    (replace(PLAIN, shape=(1, 4, "h", "w")), ["images of 4 channels"]),
    (replace(PLAIN, shape=(3, "h", "w")), ["x has 3 dimensions"]),
    (
        replace(BYTES_LAST, picture_dtype=FLOAT, after=BYTES_LAST.after[:1], picture_name="moved"),
        ["takes uint8 and gives"],
    ),
    (
        replace(
            BYTES_LAST,
            before=(node("Add", "in", "more", "one"), node("Cast", "more", "floats", to=FLOAT), BYTES_LAST.before[1]),
            constants=(*BYTES_LAST.constants, constant("one", 1, np.uint8)),
        ),
        ["uint8 in Add"],
    ),
    (
        replace(
            PLAIN,
            picture_name="out",
            after=(node("Resize", "y", "out", "region", "odd"),),
            constants=(constant("odd", [1, 1, 0.75, 0.75]),),
        ),
        ["(1, 3, 72, 96)", "whole scale"],
    ),
    (
        replace(PLAIN, picture_name="out", after=(node("Div", "y", "out", "zero"),), constants=(constant("zero", 0),)),
        ["not finite"],
    ),
    (
        replace(
            PLAIN,
            picture_name="out",
            after=(node("RandomNormalLike", "y", "noise"), node("Mul", "y", "out", "noise")),
        ),
        ["two different pictures"],
    ),
    (
        replace(PLAIN, picture_name="out", after=(node("Add", "y", "out", "ten"),), constants=(constant("ten", 10),)),
        ["give --peak 255"],
    ),
    (
        replace(
            PLAIN,
            shape=SIZE_64,
            image_name="in",
            before=(node("Reshape", "in", "x", "size"),),
            constants=(constant("size", SIZE_64, np.int64),),
        ),
        ["images of 64x64 alone", "fails on", "dynamic axes"],
    ),
    (
        replace(
            PLAIN,
            shape=SIZE_64,
            image_name="in",
            before=BRIGHTER_WHEN_HIGHER,
            constants=(constant("two", 2, np.int64), constant("sixty_fourth", 1 / 64)),
        ),
        ["images of 64x64 alone", "at 80x80 the middle of its picture is another one", "dynamic axes"],
    ),
]


@pytest.mark.parametrize(("file", "parts"), REFUSED)
def test_files_that_are_refused(file: OnnxFile, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        wrapped(file.write(tmp_path / "net.onnx"))
    assert "\n" not in str(error.value)
    assert "net.onnx" in str(error.value)
    for part in parts:
        assert part in str(error.value)


def with_domain(domain: str) -> onnx.ModelProto:
    model = replace(PLAIN, image_name="in", before=(node("Mine", "in", "x"),), domains=(domain,)).model()
    model.graph.node[0].domain = domain
    return model


def of_sequence() -> onnx.ModelProto:
    model = replace(PLAIN, after=(node("SequenceConstruct", "y", "list"),)).model()
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_sequence_value_info("list", FLOAT, None))
    return model


def quantized() -> onnx.ModelProto:
    around = (node("QuantizeLinear", "in", "q", "step", "zero"), node("DequantizeLinear", "q", "x", "step", "zero"))
    constants = (constant("step", 1 / 255), constant("zero", 0, np.uint8))
    return replace(PLAIN, image_name="in", before=around, constants=constants).model()


def without_operators() -> onnx.ModelProto:
    model = PLAIN.model()
    del model.graph.node[:]
    return model


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["not an ONNX model"]),
        (b"import torch\n" * 50, ["not an ONNX model"]),
        (PLAIN.model().SerializeToString()[:-700], ["not an ONNX model, or damaged"]),
        (without_operators().SerializeToString(), ["it has no operators"]),
        (with_domain("my.own").SerializeToString(), ["my.own.Mine", "without them"]),
        (with_domain("com.microsoft").SerializeToString(), ["com.microsoft.Mine", "before ONNX Runtime"]),
        (of_sequence().SerializeToString(), ["list is a sequence"]),
        (quantized().SerializeToString(), ["is quantized", "QuantizeLinear", "give the float32 file"]),
    ],
)
def test_models_that_are_refused(content: bytes, parts: list[str], tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(InputError) as error:
        wrapped(tmp_path / "net.onnx")
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_a_network_that_cannot_take_another_size(tmp_path: Path) -> None:
    file = export_fixed(attention.window_attention(), tmp_path / "net.onnx", (64, 64))
    with pytest.raises(InputError, match=r"64x64 alone.*Reshape.*; export it with dynamic axes"):
        wrapped(file)


def test_a_file_costs_its_process(tmp_path: Path) -> None:
    """The message about the file comes from that process."""
    (tmp_path / "net.onnx").write_bytes(PLAIN.model().SerializeToString()[:-700])
    (tmp_path / "stage").mkdir()
    with pytest.raises(InputError, match=r"net\.onnx: not an ONNX model, or damaged"):
        child_process.wrap(tmp_path / "stage", tmp_path / "net.onnx", "net.onnx", {}, Stated(peak=None, multiple=None))


def test_uint8_is_of_255(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"takes uint8, whose images are in \[0,255\]: leave --peak 1 out"):
        wrapped(BYTES_LAST.write(tmp_path / "net.onnx"), peak=1)
    assert BYTES_LAST.dtype == BYTES


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"preset": "mobile-s"}, "give --onnx alone"),
        ({"weights": "real"}, "give --onnx alone"),
        ({"checkpoint": Path("w.pth")}, "give --onnx alone"),
        ({"module": "net.py:build"}, "give --onnx alone"),
        ({"onnx": Path("absent.onnx")}, "absent.onnx: no such file"),
        ({"targets": ("onnx", "torchscript")}, "--targets torchscript: it is made from PyTorch"),
    ],
)
def test_options_are_refused_before_the_file_is_read(options: dict[str, Any], part: str, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("no model")
    with pytest.raises(EdgesrError, match=re.escape(part)) as error:
        given = ExportOptions(**({"onnx": tmp_path / "net.onnx"} | options))
        given.possible_targets()
        given.source()
    assert "\n" not in str(error.value)


def test_all_targets_are_those_that_can_be(tmp_path: Path) -> None:
    targets, lines = ExportOptions(onnx=tmp_path / "net.onnx").possible_targets()
    assert targets == tuple(name for name in DEFAULT_TARGETS if name != "torchscript")
    assert len(lines) == 1 and lines[0].startswith("torchscript is left out: ")
    assert ExportOptions().possible_targets() == (DEFAULT_TARGETS, [])
