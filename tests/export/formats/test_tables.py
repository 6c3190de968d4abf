"""The tables of targets and precisions agree with each other and with what the manifest allows."""

from __future__ import annotations

from typing import get_args

import pytest

from edgesr.benchmarks.parity.arithmetic import ARITHMETIC
from edgesr.export.conversions.graph_names import OUTPUT_NAMES
from edgesr.export.executorch.rewrite import REWRITTEN as EXECUTORCH_REWRITTEN
from edgesr.export.formats.coreml_target import COREML
from edgesr.export.formats.targets import TARGETS
from edgesr.export.mnn.rewrite import REWRITES as MNN_REWRITES
from edgesr.export.ncnn.rewrite import REWRITES as NCNN_REWRITES
from edgesr.export.quantization.plan import OWN_TOLERATED, Tolerated
from edgesr.export.quantization.precisions import FLOAT, PRECISIONS, tolerances
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.manifest import Precision


def test_every_precision_of_the_manifest_is_in_the_table_and_can_be_made() -> None:
    assert tuple(PRECISIONS) == get_args(Precision)
    assert tuple(ARITHMETIC) == get_args(Precision)
    for name, precision in PRECISIONS.items():
        rewrites: dict[str, object] = {
            "onnx": precision.rewrite_onnx,
            "tflite": precision.rewrite_tflite,
            "executorch": name in EXECUTORCH_REWRITTEN or None,
            "ncnn": NCNN_REWRITES.get(precision.name),
            "mnn": MNN_REWRITES.get(precision.name),
            "coreml": COREML.rewrite if precision.name == "fp16a" else None,
        }
        offered = {target.name for target in TARGETS.values() if name in target.precisions}
        if name != FLOAT:
            assert offered == {target for target, rewrite in rewrites.items() if rewrite is not None}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_complete(name: str) -> None:
    target = TARGETS[name]
    assert target.name == name
    assert FLOAT in target.precisions
    assert (target.rewrite is None) is (target.precisions == (FLOAT,))
    assert set(target.runtimes) <= RUNTIMES.keys()
    assert set(target.graphs) <= OUTPUT_NAMES.keys()
    assert set(target.packages_below_3_12) <= set(target.packages)
    assert bool(target.why_no_layers) is (target.open_layers is None)
    assert bool(target.why_not_others) is (set(target.precisions) != set(PRECISIONS))


def test_int8_may_differ_by_its_budget() -> None:
    found = tolerances(OWN_TOLERATED)
    assert (found["int8"].min_psnr_db, found["int8"].max_mean_shift) == (37.0, 0.6)
    assert (found["int8"].max_abs_error, found["int8"].max_border_error) == (64.0, 64.0)
    low = tolerances(Tolerated(min_psnr_db=2.0, max_shift=0.3, max_abs_error=99.0))
    assert (low["int8"].min_psnr_db, low["int8"].max_abs_error) == (0.0, 99.0)
    assert low["w8"] == found["w8"]
