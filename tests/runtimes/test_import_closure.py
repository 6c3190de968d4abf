"""The sources that the key of a cached export step depends on: a planted change of any of them makes the step anew."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgesr.runtimes.import_closure import _source, import_closure
from tests.helpers.places import ROOT
from tests.helpers.planted_checkouts import Closures, changed_steps, closures_of, copy_packages
from tests.helpers.small_generator import save_projected_generator

OF_CHECKPOINT = {"checkpoint", "measurement", "goldens", "loading", "to_onnx", "to_torchscript"}
OF_REWRITES = {"rewrite_onnx", "rewrite_tflite"}
OF_PHOTOGRAPHS = {"goldens", "measurement", "proof", "to_onnx", "to_tflite", "to_torchscript"} | OF_REWRITES


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Closures]:
    """A copy of the package and its closures."""
    folder = copy_packages(tmp_path_factory.mktemp("checkout"))
    return folder, closures_of(sys.executable, folder)


@pytest.mark.parametrize(
    ("file", "steps"),
    [
        pytest.param(
            "export/conversions/name_tensors.py",
            {"to_tflite"},
            id="imported by a module that is imported in a function",
        ),
        pytest.param("export/steps/to_tflite.py", {"to_tflite"}, id="the step itself"),
        pytest.param("sr_model/generators/published.py", OF_CHECKPOINT, id="the loader of published checkpoints"),
        pytest.param("benchmarks/latency/file_run.py", {"costs"}, id="a script that a child process runs"),
        pytest.param("export/conversions/delegate_prediction.py", {"delegate"}, id="another such script"),
        pytest.param("export/goldens.py", {"goldens"}, id="imported in a function"),
        pytest.param("export/photographs/cat.png", OF_PHOTOGRAPHS, id="photograph"),
        pytest.param("export/pipeline.py", set(), id="imported by no step"),
        pytest.param("export/formats/tflite_target.py", set(), id="a target, which names steps"),
        pytest.param("export/quantization/tflite/quantizers.py", OF_REWRITES, id="tools of a precision"),
    ],
)
def test_a_change_of_source_or_data_is_noticed(
    copied: tuple[Path, Closures], tmp_path: Path, file: str, steps: set[str]
) -> None:
    folder, before = copied
    kept = shutil.copyfile(folder / "edgesr" / file, tmp_path / "kept")
    with (folder / "edgesr" / file).open("ab") as changed:
        changed.write(b"\n")
    try:
        assert changed_steps(folder, before) == steps
    finally:
        shutil.copyfile(kept, folder / "edgesr" / file)


def test_the_image_decoder_counts_where_photographs_are_decoded(copied: tuple[Path, Closures]) -> None:
    _, closures = copied
    decoding = {name for name, (sources, _) in closures.items() if "edgesr.runtimes.images.decoding" in sources}
    assert decoding == OF_PHOTOGRAPHS


def test_a_version_is_noticed_where_the_package_is_reached(copied: tuple[Path, Closures], tmp_path: Path) -> None:
    """onnx2tf is imported by a child process of one step; sympy is required by torch alone."""
    folder, before = copied
    for name, steps in (("onnx2tf", {"to_tflite"}), ("sympy", {n for n in before if "torch" in before[n][1]})):
        planted = folder / f"{name}-99.dist-info"
        planted.mkdir()
        (planted / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n")
        assert steps
        assert changed_steps(folder, before) == steps
        shutil.rmtree(planted)


@pytest.mark.parametrize(
    ("file", "anew"),
    [
        ("benchmarks/devices/arm64/setup.py", True),
        ("benchmarks/devices/packages/debian.py", True),
        ("benchmarks/devices/arm64/cpus.py", True),
        ("benchmarks/devices/arm64/wheels.txt", True),
        ("runtimes/files.py", False),
    ],
)
def test_an_emulated_guest_is_made_anew_when_its_set_up_changes(
    copied: tuple[Path, Closures], tmp_path: Path, file: str, anew: bool
) -> None:
    folder, _ = copied

    def recipe() -> str:
        program = "from edgesr.benchmarks.devices.arm64.recipe import recipe_sha256; print(recipe_sha256())"
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-P", "-c", program]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    kept, before = shutil.copyfile(folder / "edgesr" / file, tmp_path / "kept"), recipe()
    with (folder / "edgesr" / file).open("ab") as changed:
        changed.write(b"\n")
    try:
        assert (recipe() != before) is anew
    finally:
        shutil.copyfile(kept, folder / "edgesr" / file)


def test_undeclared_packages_count() -> None:
    closure = import_closure("edgesr.export.steps.to_tflite")
    assert "tensorflow" not in closure.versions()
    versions = closure.versions(("tensorflow", "no-such-package"))
    assert versions["tensorflow"] != "absent"
    assert "keras" in versions
    assert versions["no-such-package"] == "absent"


def test_imports_for_type_checkers_do_not_count(copied: tuple[Path, Closures]) -> None:
    folder, before = copied
    file = folder / "edgesr/export/steps/rewriting.py"
    kept = file.read_text()
    planted = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import edgesr.export.pipeline\n"
    file.write_text(kept.replace("from dataclasses", f"{planted}from dataclasses", 1))
    try:
        (sources, _) = closures_of(sys.executable, folder)["rewriting"]
        assert sources["edgesr.export.steps.rewriting"] != before["rewriting"][0]["edgesr.export.steps.rewriting"]
        assert sources.keys() == before["rewriting"][0].keys()
    finally:
        file.write_text(kept)


def test_no_step_finds_files_beside_its_source() -> None:
    """Such files are not in the closure; package data by importlib.resources is."""
    for name in closures_of(sys.executable):
        for module in import_closure(f"edgesr.export.steps.{name}").sources:
            if ":" not in module:
                path = ROOT / f"{module.replace('.', '/')}.py"
                assert path.is_file() or path.with_suffix("").is_dir(), module
                assert not path.is_file() or "__file__" not in path.read_text(), module


WATCHED = """
import importlib, sys
from pathlib import Path
from edgesr.runtimes.import_closure import _source, import_closure
name, function, folder, checkpoint, *rest = sys.argv[1:]
step = importlib.import_module(f"edgesr.export.steps.{name}")
arguments = {"to_onnx": ["tile"], "goldens": [(32, 32)], "to_torchscript": ["tile"]}.get(name, [])
options = {} if name in ("goldens", "measurement") else {"zero_padded": False}
getattr(step, function)(Path(folder), Path(checkpoint), *arguments, **options)
loaded = {n for n in sys.modules if n.split(".")[0] == "edgesr"}
packages = {n.rsplit(".", i)[0] for n in loaded for i in range(1, n.count(".") + 1)}
print(*sorted(loaded - packages - set(import_closure(step.__name__).sources)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "function"),
    [("goldens", "record"), ("to_onnx", "convert"), ("to_torchscript", "convert"), ("measurement", "measure")],
)
def test_whatever_a_step_imports_is_in_its_closure(tmp_path: Path, name: str, function: str) -> None:
    """But for what computes the closure, and the telemetry that the package `edgesr.export` switches off."""
    checkpoint = save_projected_generator(tmp_path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", WATCHED, name, function, str(tmp_path), str(checkpoint)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {"edgesr.runtimes.import_closure", "edgesr.runtimes.telemetry"}


def test_sources_are_parsed_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads in Python's parser are a SystemError now and then."""
    inside: list[int] = []
    most: list[int] = []

    def parse(content: bytes) -> ast.Module:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return ast.Module(body=[], type_ignores=[])

    monkeypatch.setattr("edgesr.runtimes.import_closure.ast", SimpleNamespace(parse=parse))
    names = ("edgesr.runtimes.files", "edgesr.runtimes.threads", "edgesr.runtimes.wording")
    threads = [threading.Thread(target=_source.__wrapped__, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1, 1, 1]
