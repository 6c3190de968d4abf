"""Shells complete commands, options, and the names that options take."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.cli_refusals import RunCli
from tests.house.test_imports import heavy_modules_after


@pytest.fixture
def completed(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The completions that bash offers for the last of these words."""

    def run(*words: str) -> list[str]:
        monkeypatch.setenv("_EDGESR_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["edgesr", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        code, out, err = run_cli()
        assert (code, err) == (0, "")
        return out.split()

    return run


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ex",), ["export"]),
        (("export", "--prec"), ["--precision"]),
        (("export", "--preset", "srrescycgan-"), ["srrescycgan-mobile"]),
        (("train", "photographs", "--preset", "s"), ["srrescycgan", "srrescycgan-mobile"]),
        (("export", "--targets", "t"), ["tflite", "torchscript"]),
        (("export", "--targets", "tflite,t"), ["tflite,torchscript"]),
        (("export", "--precision", "fp16,fp"), ["fp16,fp32", "fp16,fp16a"]),
        (("export", "--graph", "tile,"), ["tile,full"]),
        (("export", "--int8-ranges", "m"), ["minmax", "mse"]),
        (("bench", "bundle", "--runtime", "o"), ["ort", "openvino"]),
        (("devices", "setup", "a"), ["arm64"]),
        (("export", "--preset", "nope"), []),
    ],
)
def test_names_are_completed(words: tuple[str, ...], offered: list[str], completed: Callable[..., list[str]]) -> None:
    assert completed(*words) == offered


def test_completion_imports_no_framework() -> None:
    request = {"COMP_WORDS": "edgesr export --preset s", "COMP_CWORD": "3", "_EDGESR_COMPLETE": "complete_bash"}
    run = "from edgesr.cli.main import main\nsys.argv = ['edgesr']\ntry:\n    main()\nexcept SystemExit: pass"
    assert heavy_modules_after(f"import os\nos.environ.update({request!r})\n{run}") == []


def test_bash_gets_its_script() -> None:
    """Below a bash, which is the shell that is then found."""
    shown = f"'{sys.executable}' -m edgesr --show-completion bash; exit $?"
    done = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("complete -o default -F _edgesr_completion edgesr")
    assert done.stderr == ""


def test_completion_is_installed_for_edgesr(tmp_path: Path) -> None:
    installed = f"'{sys.executable}' -m edgesr --install-completion; exit $?"
    subprocess.run(["bash", "-c", installed], env={**os.environ, "HOME": str(tmp_path)}, check=True)
    assert "edgesr" in (tmp_path / ".bashrc").read_text()
    assert "_EDGESR_COMPLETE=complete_bash" in (tmp_path / ".bash_completions" / "edgesr.sh").read_text()
