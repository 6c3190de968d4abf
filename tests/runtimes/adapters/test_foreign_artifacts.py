"""Bundles of strangers, whose hashes hold, but whose artifacts have other inputs and outputs than one image each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job
from edgesr.benchmarks.tables.table import Table
from edgesr.cli.terminal import print_lines, print_table
from edgesr.export.graphs.tflite_graph import read_tflite, write_tflite
from edgesr.runtimes.adapters import torchscript
from edgesr.runtimes.adapters.session import CheckedSession, open_session
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.bundle.writing import file_entry
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.helpers.cli_refusals import RunCli, picture, refused
from tests.helpers.places import RELEASED_BUNDLE

ONNX, TFLITE = "onnx-fp32-tile", "tflite-fp32-tile-12x16"


def _two_inputs(content: bytes) -> bytes:
    model = onnx.ModelProto.FromString(content)
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, [1]))
    return bytes(model.SerializeToString())


def _no_input(_: bytes) -> bytes:
    value = helper.make_tensor("value", TensorProto.FLOAT, [1, 3, 4, 4], [0.0] * 48)
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["y"], value=value)],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 4, 4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def _two_outputs(content: bytes) -> bytes:
    model = onnx.ModelProto.FromString(content)
    model.graph.node.append(helper.make_node("Identity", [model.graph.output[0].name], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, None))
    return bytes(model.SerializeToString())


def _tflite_without(ends: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        model = read_tflite(content)
        setattr(model.subgraphs[0], ends, [])
        return write_tflite(model)

    return change


def _two_tflite_outputs(content: bytes) -> bytes:
    model = read_tflite(content)
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]
    return write_tflite(model)


def foreign_bundle(folder: Path, artifact: str, change: Callable[[bytes], bytes]) -> Path:
    """The bundle of 0.1.0 in a folder, one file of it changed, with that file's size and hash in its manifest."""
    root = Path(shutil.copytree(RELEASED_BUNDLE, folder / "bundle"))
    manifest = json.loads((root / "manifest.json").read_text())
    (found,) = [one for one in manifest["artifacts"] if one["id"] == artifact]
    file = root / found["file"]["path"]
    file.write_bytes(change(file.read_bytes()))
    found["file"] = asdict(file_entry(root, file))
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


@pytest.mark.parametrize(
    ("artifact", "change", "why"),
    [
        (ONNX, _two_inputs, "it has 2 inputs and 1 output, need one of each"),
        (ONNX, _no_input, "it has 0 inputs and 1 output, need one of each"),
        (ONNX, _two_outputs, "it has 1 input and 2 outputs, need one of each"),
        (ONNX, lambda _: b"no model", "ONNX Runtime cannot open it"),
        (TFLITE, _two_tflite_outputs, "it has 1 input and 2 outputs, need one of each"),
        (TFLITE, _tflite_without("inputs"), "it has 0 inputs and 1 output, need one of each"),
        (TFLITE, _tflite_without("outputs"), "it has 1 input and 0 outputs, need one of each"),
    ],
)
def test_other_inputs_and_outputs_are_refused(
    tmp_path: Path, run_cli: RunCli, artifact: str, change: Callable[[bytes], bytes], why: str
) -> None:
    root = foreign_bundle(tmp_path, artifact, change)
    image = picture(tmp_path / "in.png")
    options = ("--bundle", root, "--artifact", artifact)
    refused(run_cli, tmp_path, "upscale", image, tmp_path / "out.png", *options, naming=why)


def test_a_bundle_in_a_folder_whose_name_is_no_text(tmp_path: Path, run_cli: RunCli) -> None:
    """Libraries in C++ cannot open its files; that is said, by workers too."""
    root = Path(shutil.copytree(RELEASED_BUNDLE, tmp_path / os.fsdecode(b"b\xff")))
    image = picture(tmp_path / "in.png")
    for artifact in (ONNX, TFLITE):
        options = ("--bundle", root, "--artifact", artifact)
        naming = "opens no path that is not UTF-8; rename the folder"
        refused(run_cli, tmp_path, "upscale", image, tmp_path / "out.png", *options, naming=naming)
    job = Job(kind="parity", bundle=str(root), artifact=ONNX, runtime="ort", threads=1)
    outcome = HostDevice().run(job)
    assert outcome.status == "error"
    assert "opens no path that is not UTF-8" in str(outcome.reason)
    model = Path(shutil.copy(RELEASED_BUNDLE / "onnx-fp32-tile.onnx", tmp_path / os.fsdecode(b"m\xff.onnx")))
    refused(run_cli, tmp_path, "inspect", model, naming="onnx opens no path that is not UTF-8; rename it")


class _Answers:
    def __init__(self, answer: object) -> None:
        self._answer = answer

    def run(self, image: object) -> object:
        return self._answer


@pytest.mark.parametrize("answer", [[1.0], None, np.zeros((1, 3, 16, 16)), np.array([["text"]], dtype=object)])
def test_an_answer_that_is_no_float32_tensor_is_an_error(answer: object) -> None:
    bundle = open_bundle(RELEASED_BUNDLE)
    session = CheckedSession(bundle.artifact(ONNX), _Answers(answer), 4)  # type: ignore[arg-type]
    with pytest.raises(EdgesrError, match="onnx-fp32-tile: answers no float32 tensor"):
        session.run(np.zeros((1, 3, 4, 4), dtype=np.float32))


class _Pair(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


def test_a_torchscript_file_that_answers_no_tensor(tmp_path: Path) -> None:
    script = torch.jit.script(_Pair())
    script._save_for_lite_interpreter(str(tmp_path / "pair.ptl"))  # type: ignore[no-untyped-call]
    session = torchscript.open(tmp_path / "pair.ptl", RunSettings())
    with pytest.raises(torchscript.RUNTIME.failures(), match="it answers a tuple, need a tensor"):
        session.run(np.zeros((1, 3, 4, 4), dtype=np.float32))


@pytest.mark.parametrize("threads", [-1, 0, 257, 10**8])
def test_threads_have_a_limit(threads: int, run_cli: RunCli, tmp_path: Path) -> None:
    """A runtime would start them all."""
    bundle = open_bundle(RELEASED_BUNDLE)
    with pytest.raises(EdgesrError, match=f"threads is {threads}: need 1 to 256"):
        open_session(bundle, bundle.artifact(ONNX), threads=threads)
    if threads > 0:
        refused(
            run_cli, tmp_path, "bench", RELEASED_BUNDLE, "--threads", f"1,{threads}", naming=f"threads is {threads}"
        )
        refused(run_cli, tmp_path, "profile", RELEASED_BUNDLE, "--threads", threads, naming="'--threads'")


def test_names_from_files_do_not_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b[2Ka\nb\r[red]\udcff"
    print_lines([name])
    print_table(Table(name, (name,), ((name,),)))
    shown = capsys.readouterr().out
    assert shown.count(r"\x1b[2Ka\nb\r[red]\udcff") == 4
    assert "\x1b" not in shown
