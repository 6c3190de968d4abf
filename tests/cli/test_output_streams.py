"""Output that nobody reads any more, or whose encoding lacks a character, ends no command with a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich import console

from edgesr.benchmarks.tables.table import Table
from edgesr.cli.main import main
from edgesr.cli.terminal import print_lines, print_table

MODULE = [sys.executable, "-m", "edgesr"]
NO_TEXT = "a\udcff\u00e9"
"""A name whose second byte is no UTF-8."""


def run_with_closed_pipe(closed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a stream ("stdout" or "stderr") whose reader has already ended."""
    reading, writing = os.pipe()
    os.close(reading)
    out, err = (writing, subprocess.PIPE) if closed == "stdout" else (subprocess.PIPE, writing)
    done = subprocess.run([*MODULE, *arguments], stdout=out, stderr=err, text=True, check=False)
    os.close(writing)
    return done


@pytest.mark.parametrize("arguments", [["devices"], ["--help"], ["--version"]])
def test_a_closed_pipe_ends_the_command_quietly(arguments: list[str]) -> None:
    done = run_with_closed_pipe("stdout", *arguments)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_refusal_that_nobody_reads_ends_quietly_too() -> None:
    done = run_with_closed_pipe("stderr", "inspect", "absent.onnx")
    assert (done.returncode, done.stdout) == (141, "")


def test_a_failed_command_keeps_its_code_where_output_is_read() -> None:
    done = run_with_closed_pipe("stdout", "inspect", "absent.onnx")
    assert (done.returncode, done.stderr) == (2, "edgesr: absent.onnx: no such file\n")


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "a\\udcff\u00e9"), ("ascii", "a\\udcff\\xe9")])
def test_names_that_cannot_be_encoded_are_escaped(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a table, in a line of output, and in the line of a refusal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "argv", ["edgesr", "inspect", NO_TEXT])
    with pytest.raises(SystemExit) as ended:
        main()
    print_table(Table(NO_TEXT, ("name",), ((NO_TEXT,),)))
    print_lines([NO_TEXT])
    err.flush()
    assert ended.value.code == 2
    assert err.buffer.getvalue().decode(encoding) == f"edgesr: {shown}: no such file\n"
    assert out.buffer.getvalue().decode(encoding).count(shown) == 3


@pytest.mark.parametrize(("width", "columns"), [(40, 2), (200, 4)])
def test_a_narrow_terminal_is_told_below_what_all_rows_share(
    width: int, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminal(**options: object) -> console.Console:
        return real(force_terminal=True, no_color=True, _environ={"COLUMNS": str(width)}, **options)  # type: ignore[arg-type]

    real = console.Console
    monkeypatch.setattr(console, "Console", terminal)
    rows = tuple((name, "not told by this device", "1", ms) for name, ms in (("onnx-fp32-tile", "10"), ("b", "12")))
    print_table(Table("Latency", ("artifact", "temperature, most", "threads", "ms"), rows))
    shown = capsys.readouterr().out
    head = next(line for line in shown.splitlines() if "artifact" in line)
    assert [name in head for name in ("artifact", "ms", "temperature, most", "threads")].count(True) == columns
    assert all(any(name in line and ms in line for line in shown.splitlines()) for name, _, _, ms in rows)
    said = "in every row: temperature, most: not told by this device; threads: 1"
    assert (said in shown.splitlines()) == (columns == 2)
