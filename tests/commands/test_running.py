"""Commands of pages are run: what succeeds, fails, serves, or does not end; and the pages that take a minute."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.pages import PageCommand
from tests.commands.running import run_pages
from tests.commands.shell import Shell
from tests.helpers.boxes.needs import running
from tests.helpers.places import ROOT

PAGE = """
    python -c 'print(1)'
    python -c 'import sys; print("a reason"); sys.exit(3)'
    weasel photograph.jpg
    make install
    edgesr --version    # and `edgesr upscale --halo field` in prose is not run

The option of `edgesr upscale --halo field` is parsed.
"""
_SERVER = """
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
server.RequestHandlerClass.do_GET = lambda self: (self.send_response(200), self.end_headers())
print(f"http://127.0.0.1:{server.server_port} until Ctrl-C")
try:
    server.serve_forever()
except KeyboardInterrupt:
    print("was asked and ended")
"""


def shell(folder: Path, limit_s: float = 30.0) -> Shell:
    (folder / "page").mkdir()
    return Shell(folder / "page", {**os.environ, "PYTHONUNBUFFERED": "1"}, limit_s)


def test_commands_of_a_page_are_run_parsed_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    monkeypatch.setattr("tests.commands.pages.ROOT", tmp_path)
    (tmp_path / "scratch").mkdir()
    ended = list(run_pages([tmp_path / "page.md"], tmp_path / "scratch", limit_s=60.0))
    assert [(one.command.line, one.state) for one in ended] == [
        (2, "ok"),
        (3, "failed"),
        (4, "failed"),
        (5, "not run"),
        (6, "ok"),
        (8, "parsed"),
    ]
    assert ended[1].command == PageCommand("page.md", 3, "python -c 'import sys; print(\"a reason\"); sys.exit(3)'")
    assert ended[1].told.startswith("exit code 3") and ended[1].told.endswith("a reason")
    assert "weasel" in ended[2].told and (tmp_path / "scratch/page/photograph.jpg").is_file()


def test_a_server_is_asked_and_gets_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(_SERVER)
    ended = shell(tmp_path).run(f"exec {sys.executable} {tmp_path}/server.py", serves=True)
    assert (ended.code, ended.said) == (0, "was asked and ended")


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    started = time.monotonic()
    ended = shell(tmp_path, limit_s=1.0).run("(trap '' TERM; exec sleep 61.5) & echo $! >child; wait")
    assert ended.code != 0 and ended.said == "ended after 1 s" and time.monotonic() - started < 20
    child = int((tmp_path / "page/child").read_text())
    while child in running(b"sleep\x0061.5") and time.monotonic() - started < 20:
        time.sleep(0.05)
    assert child not in running(b"sleep\x0061.5")


@pytest.mark.slow
def test_cheap_pages_run() -> None:
    command = [sys.executable, "-m", "tests.commands", "photographs.md", "delegates.md", "--limit", "120"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert done.stdout.count("\nok ") + done.stdout.startswith("ok ") >= 8


@pytest.mark.parametrize(("words", "code"), [(["--list", "tiling.md"], 0), (["nowhere.md"], 2)])
def test_pages_are_chosen(words: list[str], code: int) -> None:
    command = [sys.executable, "-m", "tests.commands", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("nowhere.md" in done.stderr) == (code == 2)
    assert ("docs/tiling.md:" in done.stdout) == (code == 0)
