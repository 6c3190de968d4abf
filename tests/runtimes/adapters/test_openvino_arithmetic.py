"""In which arithmetic OpenVINO ran layers, and the warning where it is not what was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesr.runtimes.adapters import openvino
from edgesr.runtimes.adapters.openvino_arithmetic import execution_of, ran_as
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.interface.operator_profile import OperatorTime
from edgesr.runtimes.interface.runtime import RunSettings
from tests.runtimes.adapters.small_onnx import transposed


def layer(kernel: str) -> OperatorTime:
    return OperatorTime(name="one", kind="", output="", ms=1.0, ran_as=ran_as("Convolution", kernel))


@pytest.mark.parametrize(
    ("kind", "kernel", "expected"),
    [
        ("GroupConvolutionBackpropData", "jit_bf16", "bfloat16"),
        ("MatMul", "undef", "undef"),
        ("LayerOfTomorrow", "gemm_f32", "float32"),
        ("LayerOfTomorrow", "ref_any", ""),
        ("Reorder", "reorder_brgemm_f32", ""),
        ("LeakyRelu", "jit_avx512_f32", ""),
    ],
)
def test_layers_tell_their_arithmetic(kind: str, kernel: str, expected: str) -> None:
    """Layers of an unknown kind tell it too, but nothing that moves values or computes each alone."""
    assert ran_as(kind, kernel) == expected


def test_transposed_convolutions_are_layers(tmp_path: Path) -> None:
    """Whatever they ran in: OpenVINO 2026 computes some in float32 where bfloat16 is asked for."""
    image = np.zeros((1, 3, 40, 52), dtype=np.float32)
    ran = openvino.profile(transposed(tmp_path / "model.onnx"), image, RunSettings(), calls=1)
    assert ran.execution is not None
    told = [(one.kind, one.ran_as) for one in ran.operators if one.ran_as]
    assert told == [("Convolution", "float32"), ("ConvolutionBackpropData", "float32")]
    assert [(part.ran_as, part.operators) for part in ran.execution.parts] == [("float32", 2)]


@pytest.mark.parametrize(
    ("precision", "kernels", "warning"),
    [
        ("int8", ["brgconv_avx512_I8", "brgconv_avx512_f32"], None),
        ("int8", ["gemm_acl_f32", "gemm_acl_f32", "jit_I8"], "2 of 3 layers in float32 on this CPU, not in int8"),
        ("fp32", ["brgconv_f32", "jit_bf16"], "1 of 2 layers in bfloat16 on this CPU, not in float32"),
        ("bf16", ["jit_f16", "jit_f32"], "1 of 2 layers in float16, 1 of 2 layers in float32 on this CPU"),
        ("fp16", ["jit_f32"], None),
    ],
)
def test_arithmetic_that_nobody_asked_for_is_named(
    precision: Precision, kernels: list[str], warning: str | None
) -> None:
    found = execution_of(tuple(map(layer, kernels)), precision).warning
    assert found == warning or (warning and found and found.startswith(f"OpenVINO runs {warning}"))
