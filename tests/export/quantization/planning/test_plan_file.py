"""A plan as a file: nothing is lost, and another network's plan is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.graphs.onnx_graph import layer_names, weight_sizes
from edgesr.export.quantization.plan import Budget, Measured, Plan
from edgesr.export.quantization.planning.plan_file import load_plan, require_same_network, save_plan
from edgesr.export.quantization.ranges import quantizable_tensors
from edgesr.runtimes.bundle.calibrated_quantization import Sensitivity
from edgesr.runtimes.errors import InputError
from tests.export.quantization.planning.layer_kinds import with_base

MEASURED = Measured(mean_psnr_db=41.25, worst_psnr_db=1 / 3, max_mean_shift=0.1, max_abs_error=20.0, keeps_flat=False)
RANDOM = np.random.default_rng(0)


def a_plan() -> Plan:
    model = with_base()
    return Plan(
        scope="conv",
        range_method="mse",
        ranges=dict.fromkeys(quantizable_tensors(model), (0.0, 255.0)) | {"features": (-1 / 3, 2 / 7)},
        labels=layer_names(model),
        float_layers=("conv.b",),
        sensitivity=(Sensitivity(layer="b", psnr_db=40.1, mac_share=0.3),),
        int8_mac_share=0.7,
        biases={"conv.a": RANDOM.normal(size=8).astype(np.float32) * np.float32(1e-6)},
        biases_8bit={"conv.a": RANDOM.normal(size=8).astype(np.float32)},
        measured=MEASURED,
        measured_8bit=MEASURED,
        weight_sizes=weight_sizes(model),
        budget=Budget(min_psnr_db=39.7, max_shift=0.65),
        missed="more was asked",
    )


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    file, plan = tmp_path / "plan.json", a_plan()
    save_plan(file, plan, "0" * 64)
    again = load_plan(file)
    assert replace(again, biases={}, biases_8bit={}) == replace(plan, biases={}, biases_8bit={})
    for field in ("biases", "biases_8bit"):
        (read,), (written,) = (list(getattr(p, field).values()) for p in (again, plan))
        assert read.dtype == np.float32 and np.array_equal(read, written)
    content = json.loads(file.read_text())
    assert content["tile_sha256"] == "0" * 64
    assert all(len(str(number)) <= 15 for number in content["biases"]["conv.a"])
    require_same_network(file, again, with_base())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_sizes": {"conv.z": 1.0}, "labels": {"conv.z": "trunk.z"}}, "this one has no layer trunk.z"),
        ({"weight_sizes": {"conv.a": 1.0, "conv.b": 1.0}}, "is a plan of other weights: those of layer a differ"),
        ({"ranges": {"x": (0.0, 255.0), "lost": (0.0, 1.0)}}, "only one of both has tensor lost"),
        ({"ranges": {"x": (0.0, 255.0)}}, "has no range of tensor unit"),
        ({"ranges": {"x": (1.0, 255.0)}}, "is damaged: 0 is not in the range of x, 1 to 255"),
        ({"float_layers": ("conv.c",)}, r"only one of both has layer conv\.c"),
        ({"biases": {"conv.a": np.zeros(7, dtype=np.float32)}}, r"its bias of conv\.a has 7 values"),
        ({"biases_8bit": {"conv.z": np.zeros(8, dtype=np.float32)}}, r"its bias of conv\.z has 8 values"),
        ({"measured_8bit": None}, "is damaged: measured_8bit is missing"),
    ],
)
def test_the_plan_of_another_network_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = tmp_path / "plan.json"
    save_plan(file, replace(a_plan(), **change), "0" * 64)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=rf"plan\.json: .*{message}"):
        require_same_network(file, load_plan(file), with_base())


def test_a_layer_that_the_plan_does_not_know_is_told(tmp_path: Path) -> None:
    plan = a_plan()
    sizes = {"conv.a": plan.weight_sizes["conv.a"]}
    with pytest.raises(InputError, match=r"only one of both has layer conv\.b"):
        require_same_network(tmp_path / "plan.json", replace(plan, weight_sizes=sizes), with_base())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "holds no JSON object"),
        ("{}", "is no plan of a quantization"),
        ('{"kind": "edgesr-quantization-plan", "schema_version": 9}', "newer edgesr"),
        ('{"kind": "edgesr-quantization-plan", "schema_version": 1}', "is damaged: top level: missing"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(InputError, match=rf"plan\.json: .*{message}"):
        load_plan(tmp_path / "plan.json")
