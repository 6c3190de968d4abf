"""Layers in exact arithmetic: refused before anything is run where a runtime has none for a precision."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgesr.export.diff.diff import diff
from edgesr.export.diff.layer_tensors import require_layers
from edgesr.export.diff.options import DiffOptions
from edgesr.export.formats.targets import TARGETS
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.bundle.manifest import Artifact, Precision
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.small_bundle import fill

FORMATS = ("onnx", "tflite", "ncnn")


def artifact(folder: Path, form: str, precision: Precision) -> Artifact:
    """One of a format and a precision, for the runtime that its target prefers."""
    (made,) = fill(folder).artifacts
    target = TARGETS[form]
    (use,) = made.uses
    runtime = target.runtimes_of.get(precision, target.runtimes)[0]
    uses = (dataclasses.replace(use, name=runtime),)
    return dataclasses.replace(made, id=f"{form}-{precision}-full", format=form, precision=precision, uses=uses)


@pytest.mark.parametrize(
    ("form", "precision", "title"), [("ncnn", "bf16", "ncnn"), ("ncnn", "fp16a", "ncnn"), ("onnx", "bf16", "OpenVINO")]
)
@pytest.mark.parametrize("second", [False, True])
def test_files_without_exact_arithmetic_are_refused(
    tmp_path: Path, form: str, precision: Precision, title: str, second: bool
) -> None:
    one, other = artifact(tmp_path, form, precision), artifact(tmp_path, "onnx", "fp32")
    bundle = Bundle(tmp_path, dataclasses.replace(fill(tmp_path), artifacts=(one, other)))
    pair = (other.id, one.id) if second else (one.id, other.id)
    message = f"{one.id}: {title} has no exact arithmetic for {precision} files; leave --exact out"
    with pytest.raises(InputError, match=message):
        diff(bundle, *pair, DiffOptions(exact=True))
    require_layers(one)


@pytest.mark.parametrize("form", FORMATS)
def test_all_others_are_taken(tmp_path: Path, form: str) -> None:
    taken = set()
    for precision in TARGETS[form].precisions:
        one = artifact(tmp_path, form, precision)
        if runtime_info(one.runtimes[0]).computes_exactly(precision):
            require_layers(one, exact=True)
            taken.add(precision)
    assert {"fp32", "fp16", "int8"} <= taken
    assert "bf16" not in taken
