"""Tests that the light install cannot pass, and whose failure does not say so: each with what it lacks."""

from __future__ import annotations

_PYTORCH = "goldens of PyTorch"
_FORMATS = "files of all targets"
_PACKAGES = "all runtimes"
_TORCH = "torch in workers"

NEEDS_FULL = {
    "tests/benchmarks/devices/test_devices.py::test_a_device_has_its_runtimes_only": _FORMATS,
    "tests/benchmarks/devices/test_devices.py::test_command_refuses_before_it_measures": _FORMATS,
    "tests/benchmarks/latency/test_benchmarks.py::test_environment_is_recorded": _TORCH,
    "tests/benchmarks/quality/test_eval.py::test_command_measures_everything_beside_bicubic": "checkpoints",
    "tests/benchmarks/report/test_report.py::test_pictures_of_every_artifact": _PYTORCH,
    "tests/benchmarks/report/test_report_crashes.py::test_a_fault_costs_one_artifact": _PYTORCH,
    "tests/benchmarks/results/test_first_release.py::test_the_bundle_opens_passes_and_upscales": _PACKAGES,
    "tests/export/formats/test_all_targets.py::test_an_onnx_file_becomes_what_it_can": _PACKAGES,
    "tests/export/formats/test_all_targets.py::test_every_target_that_has_a_precision": _PACKAGES,
    "tests/export/inspection/test_diff.py::test_fault_in_the_reference_itself_is_named_by_pytorch": _PYTORCH,
    "tests/export/inspection/test_diff.py::test_files_agree_with_pytorch": _PYTORCH,
    "tests/house/test_imports.py::test_adapters_load_only_their_runtime": _PACKAGES,
    "tests/runtimes/adapters/test_coreml.py::test_a_package_of_two_inputs_is_refused": _FORMATS,
    "tests/runtimes/adapters/test_openvino.py::test_it_sends_and_writes_nothing": _PACKAGES,
    "tests/runtimes/adapters/test_openvino.py::test_two_threads_of_one_core_are_two": _PACKAGES,
    "tests/runtimes/test_allocator.py::test_a_worker_sets_both_after_torch": _TORCH,
    "tests/runtimes/test_allocator.py::test_results_tell_of_it": _TORCH,
    "tests/runtimes/test_telemetry.py::test_the_switches_are_set_before_the_package_is_imported": _PACKAGES,
    "tests/runtimes/upscaling/test_upscale_plan.py::test_installed_runtime_comes_before_preference": _FORMATS,
}
"""By the test's name without its parameters."""
