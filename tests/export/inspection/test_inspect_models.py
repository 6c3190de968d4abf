"""`edgesr inspect` on model files of strangers: other networks than ours, damaged ones, and what crashes a reader."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.inspection import model_file as inspect_model
from edgesr.export.inspection.inspected import UNKNOWN_SHAPES
from edgesr.export.inspection.model_file import describe, describe_model
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from tests.helpers.places import RELEASED_BUNDLE

ONNX_FILE, TFLITE_FILE = RELEASED_BUNDLE / "onnx-fp32-tile.onnx", RELEASED_BUNDLE / "tflite-fp32-tile-12x16.tflite"
NO_IMAGE = "none: its output is not an image"
Shape = Sequence[int | str]


def save(path: Path, nodes: Sequence[onnx.NodeProto], inputs: dict[str, Shape], outputs: dict[str, Shape]) -> Path:
    weights = numpy_helper.from_array(np.ones((10, 3, 3, 3), dtype=np.float32), "w")
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [weights],
    )
    onnx.save(
        helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)], ir_version=9
        ),
        path,
    )
    return path


def conv(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [source, "w"], [target], pads=[1, 1, 1, 1])


def facts(path: Path) -> dict[str, str]:
    described = describe(path)
    assert described.refusal is None, described.refusal
    return described.facts


def test_a_classifier_has_no_cost_per_pixel(tmp_path: Path) -> None:
    nodes = [
        conv("x", "a"),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["y"]),
    ]
    path = save(tmp_path / "classifier.onnx", nodes, {"x": ("n", 3, 32, 32)}, {"y": ("n", 10)})
    assert facts(path)["MAC per HR pixel"] == NO_IMAGE
    assert facts(path)["outputs"].startswith("y ?x10")


@pytest.mark.parametrize("outputs", [(10,), (2, 5), ()])
def test_an_onnx_file_without_inputs(tmp_path: Path, outputs: tuple[int, ...]) -> None:
    value = numpy_helper.from_array(np.zeros(outputs, dtype=np.float32))
    node = helper.make_node("Constant", [], ["y"], value=value)
    found = facts(save(tmp_path / "constant.onnx", [node], {}, {"y": outputs}))
    assert (found["inputs"], found["MAC per HR pixel"]) == ("", NO_IMAGE)


def test_operators_that_nobody_knows(tmp_path: Path) -> None:
    unknown = helper.make_node("Sharpen", ["a", "amount"], ["y"], domain="com.example")
    inputs: dict[str, Shape] = {"amount": ("n",), "x": (1, 3, "h", "w")}
    path = save(tmp_path / "x.onnx", [conv("x", "a"), unknown], inputs, {"y": (1, 10, "h", "w")})
    assert facts(path)["MAC per HR pixel"] == UNKNOWN_SHAPES
    assert facts(path)["operators"] == "Conv 1, Sharpen 1"


def test_a_generator_has_its_cost_per_pixel(tmp_path: Path) -> None:
    path = save(tmp_path / "x.onnx", [conv("x", "y")], {"x": (1, 3, "h", "w")}, {"y": (1, 10, "h", "w")})
    assert facts(path)["MAC per HR pixel"] == "270.0"
    for artifact in open_bundle(RELEASED_BUNDLE).manifest.artifacts:
        if artifact.format == "onnx":
            found = float(facts(RELEASED_BUNDLE / artifact.file.path)["MAC per HR pixel"])
            assert found == pytest.approx(artifact.mac_per_hr_pixel, rel=0.2)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "text": lambda path: path.write_text("no model\n"),
    "byte": lambda path: path.write_bytes(b"\x08"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("source", "kind"), [(ONNX_FILE, "not an ONNX model"), (TFLITE_FILE, "not a TFLite model")])
def test_damaged_files_are_refused(tmp_path: Path, source: Path, kind: str, damage: str) -> None:
    path = Path(shutil.copy(source, tmp_path))
    DAMAGE[damage](path)
    refusal = describe(path).refusal
    assert refusal is not None
    assert refusal.startswith(f"{kind}, or damaged: ")
    assert refusal.endswith("; export it again")
    assert "\n" not in refusal


def test_weights_in_another_file(tmp_path: Path) -> None:
    model = onnx.load(ONNX_FILE)
    onnx.save(model, tmp_path / "x.onnx", save_as_external_data=True, location="weights.data", size_threshold=0)
    assert facts(tmp_path / "x.onnx")["parameters"] == facts(ONNX_FILE)["parameters"]
    (tmp_path / "weights.data").unlink()
    refusal = describe(tmp_path / "x.onnx").refusal
    assert refusal == "its weights lie in weights.data, which is not next to it: copy that file there too"


def test_the_command_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "words.tflite"
    path.write_text("no model\n")
    with pytest.raises(InputError, match=r"words\.tflite: not a TFLite model, or damaged"):
        describe_model(path)
    assert describe_model(ONNX_FILE).facts == facts(ONNX_FILE)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("import time; time.sleep(30)", "no result after 1 s"),
        ("raise KeyError('shape')", "exit code 1: KeyError: 'shape'"),
    ],
)
def test_a_reader_that_crashes_or_hangs_is_one_line(
    program: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own process ends, not the command."""
    reader = tmp_path / "reader"
    reader.mkdir()
    (reader / "crashing_reader.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(reader))
    monkeypatch.setattr(inspect_model, "_READER", "crashing_reader")
    monkeypatch.setattr(inspect_model, "_MOST_SECONDS", 1.0)
    with pytest.raises(EdgesrError) as refusal:
        describe_model(TFLITE_FILE)
    assert str(refusal.value) == f"{TFLITE_FILE}: cannot be read as a TFLite file, it may be damaged: {why}"
