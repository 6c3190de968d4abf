"""Fast kernels are judged by their runtime's own tolerance, its exact arithmetic by that of the goldens."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.parity.check import GoldenParity, check_parity
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.tables.parity import own_tolerances
from edgesr.export.quantization.plan import OWN_TOLERATED
from edgesr.export.quantization.precisions import tolerances
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.manifest import Tolerance
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_records import decode, to_json

ARTIFACT = "mnn-fp32-tile"
OWN = Tolerance(min_psnr_db=85.0, max_abs_error=0.25, max_mean_shift=0.002, max_border_error=0.25)
TINY = Tolerance(min_psnr_db=0.0, max_abs_error=1e-9, max_mean_shift=1.0, max_border_error=1.0)


def checked(bundle: Bundle) -> tuple[GoldenParity, ...]:
    return check_parity(bundle, bundle.artifact(ARTIFACT), runtime="mnn", threads=1).goldens


def test_mnn_alone_has_one_which_is_wider_in_its_errors_alone() -> None:
    assert {name: dict(runtime.own_tolerances) for name, runtime in RUNTIMES.items() if runtime.own_tolerances} == {
        "mnn": {"fp32": OWN}
    }
    general = tolerances(OWN_TOLERATED)["fp32"]
    assert replace(OWN, min_psnr_db=95.0, max_abs_error=0.05, max_border_error=0.05) == general


def test_both_results_are_told(mobile_bundle: Bundle) -> None:
    found = check_parity(mobile_bundle, mobile_bundle.artifact(ARTIFACT), runtime="mnn", threads=1)
    assert found.own_tolerance == OWN
    assert (found.lacks_exact, found.difference_cause) == (False, None)
    for golden in found.goldens:
        assert golden.failures == ()
        assert golden.psnr_db is not None and golden.max_abs_error is not None and golden.max_abs_error <= 0.25
        assert golden.exact_psnr_db is not None and golden.exact_psnr_db > golden.psnr_db > 95
        assert golden.exact_max_abs_error is not None and golden.exact_max_abs_error < 0.005
        assert golden.exact_max_difference is not None
    assert max(golden.exact_max_difference or 0.0 for golden in found.goldens) > 0.01


def test_fast_kernels_that_miss_their_own_fail(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not those of exact arithmetic."""
    planted = replace(RUNTIMES["mnn"], own_tolerances={"fp32": TINY})
    monkeypatch.setitem(RUNTIMES, "mnn", planted)
    for golden in checked(mobile_bundle):
        image, residual = golden.failures
        assert image.startswith("max error") and image.endswith("is above 1e-09")
        assert residual.startswith("residual: max error")


def test_exact_arithmetic_that_misses_the_goldens_fails(mobile_bundle: Bundle) -> None:
    """And not the fast kernels."""
    manifest = mobile_bundle.manifest
    strict = tuple(replace(golden, tolerances={**golden.tolerances, "fp32": TINY}) for golden in manifest.goldens)
    for golden in checked(Bundle(mobile_bundle.root, replace(manifest, goldens=strict))):
        assert [failure.split(" error")[0] for failure in golden.failures] == [
            "exact arithmetic: max",
            "exact arithmetic: residual: max",
        ]


def test_tables_and_files_tell_both(mobile_bundle: Bundle) -> None:
    pairs = [
        (mobile_bundle.artifact(name), runtime) for name, runtime in ((ARTIFACT, "mnn"), ("onnx-fp32-tile", "ort"))
    ]
    results = check_on_devices(mobile_bundle, [HostDevice()], artifacts=pairs)
    (line,) = own_tolerances(results)
    assert line.startswith(
        "mnn-fp32-tile (mnn): its fast kernels have a tolerance of their own, 85 dB and max error 0.25; exact "
        "arithmetic has the tolerance of all runtimes, and max error "
    )
    assert float(line.rsplit(" ", 1)[1]) < 0.005
    assert decode(ParityResults, json.loads(to_json(results))) == results
