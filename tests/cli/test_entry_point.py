"""`python -m edgesr` is `edgesr`: the same output, the same exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

SCRIPT = [str(Path(sys.executable).parent / "edgesr")]
MODULE = [sys.executable, "-m", "edgesr"]


def run(command: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--version"], 0), (["devices"], 0), ([], 2), (["export", "--help"], 0), (["inspect", "absent.onnx"], 2)],
)
def test_the_module_is_the_script(arguments: list[str], code: int) -> None:
    script, module = run(SCRIPT, *arguments), run(MODULE, *arguments)
    assert script.returncode == module.returncode == code
    assert module.stdout == script.stdout
    assert module.stderr == script.stderr
    assert module.stdout or module.stderr


def test_the_version_is_told() -> None:
    assert run(MODULE, "--version").stdout == f"edgesr {metadata.version('edgesr')}\n"


def test_without_arguments_the_help_stands_alone() -> None:
    done = run(MODULE)
    assert "Usage: edgesr" in done.stdout
    assert done.stderr == ""
