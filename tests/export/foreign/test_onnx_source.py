"""Existing ONNX files: what is made of each kind of file computes what the file does."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import Tensor

from edgesr.export.calibration.photographs import photograph
from edgesr.export.foreign.onnx_weights import weights_next_to
from edgesr.sr_model.generators.foreign.archive import MODEL, is_archive, read_contract
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.program import (
    count_parameters,
    count_program_mac_per_hr_pixel,
    load_program,
)
from edgesr.sr_model.generators.foreign.units import InOurUnits
from edgesr.sr_model.generators.onnx_source import wrapping
from edgesr.sr_model.generators.onnx_source.graph_edits import copied
from edgesr.sr_model.generators.onnx_source.in_our_units import clipped
from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture
from edgesr.sr_model.generators.onnx_source.wrapping import wrap
from tests.helpers.foreign import convolutional, unusual
from tests.helpers.foreign.onnx_files import OnnxFile, constant, export_dynamic, export_fixed, node

TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
FLAT, LAST = (1, "h", "w", 3), (1, "h2", "w2", 3)
BYTES = TensorProto.UINT8
FLOAT = TensorProto.FLOAT


def image_of(height: int, width: int) -> Tensor:
    return torch.from_numpy(photograph("coffee", (height, width)))[None]


def wrapped(file: Path, *, peak: int | None = None, multiple: int | None = None) -> tuple[Path, list[str]]:
    """The archive of a file, and what was found."""
    archive = file.with_suffix(".edgesr-program")
    given = torch.from_numpy(photograph("cat", (160, 160)))[None]
    weights = weights_next_to(file)
    notes = wrap(file, archive, given, name=file.name, data_files=weights, peak=peak, multiple=multiple, colour=None)
    return archive, notes


def largest_difference(archive: Path, file: OnnxFile, *, peak: int = 1) -> float:
    """From the network in PyTorch, of 255, at sizes that nobody probed; before and after the clip."""
    generator = load_program(archive)
    assert isinstance(generator.picture, OnnxPicture)
    full = OnnxPicture(clipped(generator.picture.model, "sr"))
    apart = []
    for size in ((37, 51), (50, 70), (1, 9)):
        image = image_of(*size)
        expected = file.network(image * (peak / 255)) * (255 / peak)
        apart.append((generator.residual(image) - expected).abs().max().item())
        apart.append((full(image) - expected.clamp(0, 255)).abs().max().item())
    return max(apart)


PLAIN = OnnxFile()
CHANNELS_LAST = OnnxFile(
    shape=FLAT,
    picture=LAST,
    image_name="in",
    picture_name="out",
    before=(node("Transpose", "in", "x", perm=TO_NCHW),),
    after=(node("Transpose", "y", "out", perm=TO_NHWC),),
)
BYTES_LAST = replace(
    CHANNELS_LAST,
    dtype=BYTES,
    before=(node("Cast", "in", "floats", to=FLOAT), node("Transpose", "floats", "x", perm=TO_NCHW)),
    after=(
        node("Transpose", "y", "moved", perm=TO_NHWC),
        node("Round", "moved", "rounded"),
        node("Clip", "rounded", "clipped", "least", "largest"),
        node("Cast", "clipped", "out", to=BYTES),
    ),
    constants=(constant("least", 0), constant("largest", 255)),
)
NAMED_AS_OURS = (node("Identity", "y", "residual"), node("Identity", "residual", "lr"), node("Identity", "lr", "sr"))
TAKEN = [
    (PLAIN, {}, []),
    (replace(PLAIN, opset=11, ir_version=6), {}, ["converted from opset 11 to 20"]),
    (replace(PLAIN, opset=20), {}, []),
    (replace(PLAIN, image_name="lr", before=(node("Identity", "lr", "x"),)), {}, []),
    (replace(PLAIN, picture_name="residual", after=(node("Identity", "y", "residual"),)), {}, []),
    (replace(PLAIN, picture_name="sr", after=NAMED_AS_OURS), {}, []),
    (replace(PLAIN, image_name="sr", before=(node("Identity", "sr", "x"),)), {}, []),
    (replace(PLAIN, shape=("n", "c", "h", "w")), {}, []),
    (CHANNELS_LAST, {}, ["channels last"]),
    (replace(PLAIN, gain=0.1), {"peak": 255}, []),
]


@pytest.mark.parametrize(("file", "stated", "notes"), TAKEN)
def test_files_that_are_taken(file: OnnxFile, stated: dict[str, int], notes: list[str], tmp_path: Path) -> None:
    archive, found = wrapped(file.write(tmp_path / "net.onnx"), **stated)
    contract = read_contract(archive)
    assert (contract.name, contract.scale, contract.multiple) == ("net.onnx", 2, 1)
    assert contract.peak == stated.get("peak", 1)
    for note in notes:
        assert any(note in line for line in found)
    assert largest_difference(archive, file, peak=contract.peak) < 1e-3


def test_bytes_become_floats_that_are_not_rounded(tmp_path: Path) -> None:
    archive, found = wrapped(BYTES_LAST.write(tmp_path / "net.onnx"))
    assert read_contract(archive).peak == 255
    assert any("do not round" in note for note in found)
    image = image_of(37, 51)
    expected = BYTES_LAST.network(image)
    assert (expected - expected.round()).abs().max() > 0.4
    assert (load_program(archive)(image) - expected.clamp(0, 255)).abs().max() < 1e-3


def test_float16_is_computed_in_float32(tmp_path: Path) -> None:
    half = replace(PLAIN, dtype=TensorProto.FLOAT16)
    archive, found = wrapped(half.write(tmp_path / "net.onnx"))
    assert any("float16 tensors of the file are computed in float32" in note for note in found)
    model = onnx.load_model_from_string(zipfile.ZipFile(archive).read(MODEL))
    assert TensorProto.FLOAT16 not in [tensor.data_type for tensor in model.graph.initializer]
    image = image_of(37, 51)
    rounded = replace(PLAIN).network(image / 255) * 255
    assert 0 < (load_program(archive).residual(image) - rounded).abs().max() < 0.5


def test_initializers_may_be_inputs_too(tmp_path: Path) -> None:
    """As IR version 3 has it."""
    tensors = replace(PLAIN, opset=11).model().graph.initializer
    inputs = tuple(helper.make_tensor_value_info(tensor.name, FLOAT, tensor.dims) for tensor in tensors)
    archive, _ = wrapped(replace(PLAIN, inputs=inputs, ir_version=3, opset=11).write(tmp_path / "net.onnx"))
    assert largest_difference(archive, PLAIN) < 1e-3


def test_functions_of_a_model_are_inlined(tmp_path: Path) -> None:
    model = replace(PLAIN, before=(node("Mine", "in", "x"),), image_name="in", domains=("my.own",)).model()
    model.graph.node[0].domain = "my.own"
    body = [helper.make_node("Neg", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    model.functions.append(helper.make_function("my.own", "Mine", ["a"], ["c"], body, [helper.make_opsetid("", 17)]))
    onnx.save(model, tmp_path / "net.onnx")
    archive, _ = wrapped(tmp_path / "net.onnx")
    assert largest_difference(archive, PLAIN) < 1e-3


def test_quantized_weights_are_taken(tmp_path: Path) -> None:
    """Weights alone: the arithmetic is that of float32."""
    model = PLAIN.model()
    step = 0.005
    rounded = np.rint(PLAIN.weights()[0].numpy() / step).clip(-128, 127).astype(np.int8)
    kept = [tensor for tensor in model.graph.initializer if tensor.name != "weights"]
    nodes = [node("DequantizeLinear", "integers", "weights", "step"), *model.graph.node]
    made = helper.make_graph(nodes, "network", model.graph.input, model.graph.output, kept)
    made.initializer.extend([constant("integers", rounded.tolist(), np.int8), constant("step", step)])
    onnx.save(helper.make_model(made, opset_imports=model.opset_import, ir_version=8), tmp_path / "net.onnx")
    generator, image = load_program(wrapped(tmp_path / "net.onnx")[0]), image_of(37, 51)
    detail = F.pixel_shuffle(F.conv2d(image, torch.from_numpy(rounded * np.float32(step)), padding=1), 2)
    expected = F.interpolate(image, scale_factor=2, mode="nearest") + detail
    assert (generator.residual(image) - expected).abs().max() < 1e-3
    assert count_parameters(generator) == 12 * 3 * 9 + 12


def test_cost_is_counted_in_the_graph(tmp_path: Path) -> None:
    generator = load_program(wrapped(PLAIN.write(tmp_path / "net.onnx"))[0])
    assert count_program_mac_per_hr_pixel(generator) == 12 * 3 * 9 / 4
    assert count_parameters(generator) == 12 * 3 * 9 + 12


@pytest.mark.parametrize(("name", "multiple"), [("u_net", 4), ("pixel_unshuffle", 2)])
def test_sides_are_padded_inside_of_the_graph(name: str, multiple: int, tmp_path: Path) -> None:
    network = getattr(unusual, name)().eval()
    archive, _ = wrapped(export_dynamic(network, tmp_path / "net.onnx"))
    contract = read_contract(archive)
    assert contract.multiple == multiple
    picture, generator = InOurUnits(network, contract), load_program(archive)
    for size in ((contract.minimum_side, 50), (41, 58), (44, 60)):
        with torch.inference_mode():
            assert (picture(image_of(*size)) - generator.residual(image_of(*size))).abs().max() < 1e-2


def test_a_file_of_one_size_is_made_for_any(tmp_path: Path) -> None:
    network = convolutional.srvgg().eval()
    archive, found = wrapped(export_fixed(network, tmp_path / "net.onnx", (48, 64)))
    assert any("was made for images of 48x64 alone; its graph takes any size" in note for note in found)
    picture, generator = InOurUnits(network, read_contract(archive)), load_program(archive)
    for size in ((48, 64), (33, 70), (1, 2)):
        with torch.inference_mode():
            assert (picture(image_of(*size)) - generator.residual(image_of(*size))).abs().max() < 1e-2


def test_a_conversion_that_is_not_equal_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(model: onnx.ModelProto) -> onnx.ModelProto:
        changed = copied(model)
        for tensor in changed.graph.initializer:
            if tensor.name == "bias":
                tensor.CopyFrom(constant("bias", [0.01] * 12))
        return changed

    monkeypatch.setattr(wrapping, "in_our_opset", other)
    archive, found = wrapped(PLAIN.write(tmp_path / "net.onnx"))
    assert found == ["the file stays in opset 17: it cannot be converted to 20"]
    assert largest_difference(archive, PLAIN) < 1e-3


def test_an_archive_is_the_same_each_time(tmp_path: Path) -> None:
    archive, _ = wrapped(PLAIN.write(tmp_path / "net.onnx"))
    assert is_archive(archive)
    first = zipfile.ZipFile(archive).read(MODEL)
    wrapped(tmp_path / "net.onnx")
    with zipfile.ZipFile(archive) as again:
        assert again.read(MODEL) == first
        assert Contract(**json.loads(again.read("contract.json"))) == read_contract(archive)
