"""Places where results are written: regular files whole or not at all, links written through, streams as they come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgesr.benchmarks.results.writing import require_writable
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import write_atomically, write_output
from tests.helpers.places import RELEASE


@pytest.mark.parametrize("write", [write_atomically, write_output])
def test_a_link_is_written_through(tmp_path: Path, write: object) -> None:
    assert callable(write)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_bytes(b"old")
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(Path("folder") / name)
        write(tmp_path / name, b"content")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "folder" / name).read_bytes() == b"content"
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == ["new", "old"]


def test_a_pipe_gets_the_content(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    require_writable(pipe)
    write_output(pipe, b"x" * 200_000)
    reader.join(timeout=10)
    assert read == [b"x" * 200_000]
    assert pipe.is_fifo()


def test_a_device_stays_a_device() -> None:
    null = Path(os.devnull)
    require_writable(null)
    write_output(null, b"content")
    assert null.is_char_device()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output(
    name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require_writable(Path(name))
    write_output(Path(name), b"content")
    assert capfd.readouterr().out == "content"
    assert list(tmp_path.iterdir()) == []


def test_what_no_file_can_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "folder", "pipe"):
        before = (tmp_path / name).lstat()
        with pytest.raises(InputError, match=f"{name}: cannot be written: is not a regular file"):
            write_atomically(tmp_path / name, b"content")
        assert (tmp_path / name).lstat() == before
    for name in ("folder", "none/x.json"):
        with pytest.raises(InputError, match=f"{name}: cannot be written; its folder must exist"):
            require_writable(tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 2, "edgesr: -: standard output is closed; name a file\n"),
        ("| true", 141, ""),
    ],
)
def test_standard_output_that_nobody_reads(tmp_path: Path, redirection: str, code: int, said: str) -> None:
    command = (
        f"{sys.executable} -m edgesr parity {RELEASE / 'bundle'} --artifact onnx-fp32-full --json - 2>{tmp_path}/e"
    )
    done = subprocess.run(["bash", "-c", f"{command} {redirection}; exit ${{PIPESTATUS[0]}}"], check=False)
    assert done.returncode == code
    assert (tmp_path / "e").read_text().partition("Parity matrix")[0] == said


def test_json_alone_on_standard_output(tmp_path: Path) -> None:
    """Tables go to standard error, and what a shell appends to keeps what it had."""
    command = [sys.executable, "-m", "edgesr", "parity", str(RELEASE / "bundle"), "--artifact", "onnx-fp32-full"]
    done = subprocess.run([*command, "--json", "-"], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["kind"] == "parity"
    assert "Parity matrix" in done.stderr
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("ab") as appended:
        subprocess.run([*command, "--json", "/dev/stdout"], check=True, stdout=appended, stderr=subprocess.DEVNULL)
    first, rest = log.read_text().split("\n", 1)
    assert first == "before"
    assert json.loads(rest)["kind"] == "parity"
