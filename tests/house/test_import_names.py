"""One import name: `edgesr`, also where the user's own folders are called as our layers are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import edgesr
from edgesr.runtimes.errors import MissingPackageError

LAYERS = ("benchmarks", "export", "runtimes", "sr_model")


@pytest.fixture
def folder_of_a_user(tmp_path: Path) -> Path:
    """With packages of the names of our layers, which must not be imported."""
    for name in LAYERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('the wrong {name}')")
    return tmp_path


def said(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_names_are_imported_beside_folders_of_the_same_names(folder_of_a_user: Path) -> None:
    program = "from edgesr import open_bundle, upscale; print(open_bundle.__module__, upscale.__module__)"
    assert said(folder_of_a_user, "-c", program) == "edgesr.runtimes.bundle.opening edgesr.runtimes.upscaling.upscale"
    assert said(folder_of_a_user, "-m", "edgesr", "--version") == f"edgesr {edgesr.__version__}"


def test_public_names_are_those_that_a_type_checker_sees() -> None:
    assert set(edgesr.__all__) == set(dir(edgesr))
    for name in edgesr.__all__:
        assert getattr(edgesr, name) is not None
    with pytest.raises(AttributeError, match=r"no attribute 'nope': it offers BenchOptions, Bundle"):
        _ = edgesr.nope  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Generator", "a generator needs packages that are not installed (torch): pip install 'edgesr[export]'"),
        ("diff", "diff needs packages that are not installed (onnx, onnxruntime): pip install 'edgesr[export]'"),
        ("export_bundle", "(torch, safetensors, platformdirs): pip install 'edgesr[export]'"),
        ("train", "(torch, safetensors, matplotlib): pip install 'edgesr[train]'"),
    ],
)
def test_names_that_need_absent_packages_tell_so(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.runtimes.packages.installed_version", lambda _: None)
    with pytest.raises(MissingPackageError, match=re.escape(message)):
        getattr(edgesr, name)


def test_names_come_from_where_a_type_checker_finds_them() -> None:
    assert edgesr.__file__ is not None
    tree = ast.parse(Path(edgesr.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module is not None]
    offered = {
        alias.asname or alias.name: getattr(import_module(str(node.module)), alias.name)
        for node in imports
        if str(node.module).startswith("edgesr.")
        for alias in node.names
    }
    assert offered.keys() == set(edgesr.__all__) - {"__version__"}
    for name, value in offered.items():
        assert getattr(edgesr, name) is value


def test_importing_the_package_imports_no_layer() -> None:
    program = "import sys, edgesr; print([name for name in sys.modules if name.startswith('edgesr.')])"
    assert said(Path.cwd(), "-P", "-c", program) == "[]"
