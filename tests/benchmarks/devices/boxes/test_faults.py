"""Faults of a box and of its answers: each gives one line that says so, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.boxes.box import UnreachedError
from edgesr.benchmarks.devices.boxes.exchange import LateError, NoAnswerError, Terms, exchange
from edgesr.benchmarks.devices.boxes.opening import open_box
from edgesr.benchmarks.devices.boxes.payloads import Payload
from edgesr.benchmarks.devices.boxes.ssh import SshTransport
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings
from edgesr.runtimes.errors import InputError, MissingPackageError
from tests.helpers.boxes.fake_ssh import DEVICE, TARGET, FakeBox
from tests.helpers.cli_refusals import RunCli

pytest_plugins = ("tests.helpers.boxes.fixtures",)

LIMITS_JOB = LIMITS.job(LimitsSettings(), threads=1)
CHANGED = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"


@pytest.mark.parametrize(
    ("shell", "why"),
    [
        (
            "echo 'pi@box: Permission denied (publickey).' >&2; exit 255",
            "Permission denied (publickey).: a key is needed",
        ),
        ("echo 'ssh: Could not resolve hostname box: Name or service not known' >&2; exit 255", "resolve hostname box"),
        ("echo 'Host key verification failed.' >&2; exit 255", "unknown here: run 'ssh pi@box' once and accept it"),
        (
            f"echo '{CHANGED}' >&2; echo 'Host key verification failed.' >&2; exit 255",
            "not the one that known_hosts has",
        ),
        ("exit 255", "no reason given; try 'ssh pi@box'"),
        (
            "echo 'sh: 1: cannot create part.7: Permission denied' >&2; exit 2",
            "cannot create part.7: Permission denied",
        ),
        ("echo 'This account is not available.'; exit 1", "no reason given"),
        ("head -c 3000000 /dev/zero; exit 0", "prints before its answer more than 1,048,576 bytes"),
        ("while :; do head -c 60000 /dev/urandom; done", "prints before its answer more than 1,048,576 bytes"),
    ],
)
def test_a_box_that_is_not_reached_is_told_in_one_line(shell: str, why: str, fake_box: FakeBox) -> None:
    fake_box.behave(shell)
    with pytest.raises(InputError) as error:
        open_devices(DEVICE)
    assert str(error.value).startswith(f"{DEVICE}: ") and why in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert isinstance(error.value, UnreachedError) == ("exit 255" in shell)


@pytest.mark.parametrize(
    ("program", "shell", "why"),
    [
        ("uname", "echo armv7l", "its machine is armv7l: 32 bits, for which the runtimes have no builds; edgesr needs"),
        ("uname", "echo riscv64", "its machine is riscv64: another machine; edgesr needs x86_64 or aarch64"),
        ("chmod", "exit 0", "programs cannot be started in"),
        ("df", "echo head; echo d 1 1 20 0% /", "1000 MB are to be sent, but"),
    ],
)
@pytest.mark.usefixtures("fake_root")
def test_boxes_that_cannot_run_a_worker(program: str, shell: str, why: str, fake_box: FakeBox) -> None:
    fake_box.program(program, shell)
    with pytest.raises(InputError) as error:
        open_box(SshTransport(TARGET)).send([Payload(f"big-{'0' * 32}", 10**9, bytes)])
    assert str(error.value).startswith(f"{DEVICE}: ") and why in str(error.value)


def test_names_that_ssh_would_take_for_options_are_refused(run_cli: RunCli) -> None:
    for name in ("ssh:-oProxyCommand=touch x", "ssh:", "ssh:a b", "adb:-e", "ssh:a\nb"):
        assert run_cli("devices", "check", name)[:2] == (2, "")
        with pytest.raises(InputError, match="give a name without blanks that does not begin with '-'"):
            open_devices(name)


def test_without_a_root_or_a_client_it_is_said_how_to_get_them(
    fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_box.program("uname", "echo aarch64")
    with pytest.raises(
        MissingPackageError, match=r"root for aarch64 .* is not set up: edgesr devices setup box-aarch64"
    ):
        open_devices(DEVICE)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingPackageError, match=f"{DEVICE} needs the OpenSSH client, which is not installed"):
        open_devices(DEVICE)
    with pytest.raises(MissingPackageError, match="adb:X1 needs adb, which is not installed: apt install adb"):
        open_devices("adb:X1")


@pytest.mark.usefixtures("fake_root")
def test_noise_of_login_scripts_does_no_harm(fake_box: FakeBox) -> None:
    fake_box.behave("echo Welcome; echo edgesr-0123456789abcdef; echo Last login >&2; printf 'no line feed'")
    device = open_box(SshTransport(TARGET))
    assert device.run(LIMITS_JOB).status == "done"


@pytest.mark.usefixtures("fake_root")
def test_a_connection_that_ends_while_something_is_sent_leaves_nothing(fake_box: FakeBox) -> None:
    cut = f'HOME={fake_box.home}; export HOME; head -c 300 | sh -c "$line"; exit 255'
    fake_box.behave(f'case $line in *" unpack "*) {cut} ;; esac')
    outcome = open_box(SshTransport(TARGET)).run(LIMITS_JOB)
    assert outcome.status == "crashed" and re.match(rf"{DEVICE}: (gzip|tar): .*nexpected", str(outcome.reason))
    assert [one.name for one in fake_box.cache.iterdir() if one.is_dir()] == [] == fake_box.leftovers()
    fake_box.behave("")
    assert open_box(SshTransport(TARGET)).run(LIMITS_JOB).status == "done"


def evil(*entries: tarfile.TarInfo, content: bytes = b"0\n", form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as opened:
        for entry in entries:
            entry.size = len(content) if entry.isreg() else 0
            opened.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


ANSWERS = {
    "path": (evil(named("code"), named("../../.bashrc")), "with a file that was not asked for, '../../.bashrc'"),
    "absolute": (evil(named("/etc/passwd")), "not asked for, '/etc/passwd'"),
    "other folder": (evil(named("out/exact_from/0.npy")), "not asked for"),
    "climbing": (evil(named("out/kept/..")), "not asked for"),
    "link": (evil(named("code", tarfile.SYMTYPE, "/etc/passwd")), "something else than regular files"),
    "hard link": (evil(named("code", tarfile.LNKTYPE, "err")), "something else than regular files"),
    "device": (evil(named("code", tarfile.CHRTYPE)), "something else than regular files"),
    "sparse": (evil(named("code", tarfile.GNUTYPE_SPARSE), form=tarfile.GNU_FORMAT), "than regular files"),
    "long name": (evil(named("x" * 300), form=tarfile.GNU_FORMAT), "than regular files"),
    "twice": (evil(named("code"), named("code")), "'code' twice"),
    "cut": (evil(named("code"), content=b"0" * 2000)[:1500], "cut short"),
    "no code": (evil(named("err")), "does not tell how the worker ended"),
    "no number": (evil(named("code"), content=b"12345"), "does not tell how the worker ended"),
    "garbage": (b"garbage" * 200, "something else than edgesr asked for"),
    "nothing": (b"", "does not tell how the worker ended"),
    "pickle": (evil(named("code"), named("result.json"), content=b"0"), "invalid result"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.usefixtures("fake_root")
def test_hostile_answers_are_crashes(name: str, fake_box: FakeBox, tmp_path: Path) -> None:
    answer, why = ANSWERS[name]
    (fake_box.folder / "answer").write_bytes(answer)
    device = open_box(SshTransport(TARGET))
    device.send(device.software.payloads([]))
    find = "token=${line##* edgesr-}; token=edgesr-${token%% *}"
    fake_box.behave(f'case $line in *" run "*) {find}; echo; echo $token; exec cat {fake_box.folder}/answer ;; esac')
    before = sorted(tmp_path.rglob("*"))
    outcome = device.run(LIMITS_JOB)
    assert (outcome.status, outcome.result) == ("crashed", None)
    assert outcome.reason is not None and why in outcome.reason, outcome.reason
    assert len(outcome.reason) < 400 and len(outcome.reason.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_answer_has_bounded_bytes_and_time() -> None:
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match="it answers more than 1,000,000 bytes"):
        exchange(["sh", "-c", "echo; echo T; cat /dev/zero"], token="T", terms=Terms(limit_bytes=10**6))
    with pytest.raises(LateError, match=r"no answer after 0.3 s"):
        exchange(["sh", "-c", "echo; echo T; exec sleep 60"], token="T", terms=Terms(seconds=0.3))
    assert time.monotonic() - started < 20


def test_what_is_given_and_answered(tmp_path: Path) -> None:
    """More than a pipe holds, in both directions at once; standard input ends or stays open as it is said."""
    content = os.urandom(3_000_000)
    echo = [sys.executable, "-c", "import os, sys; print('T'); sys.stdout.flush(); os.execvp('cat', ['cat'])"]
    (tmp_path / "file").write_bytes(content)
    for given in (content, tmp_path / "file"):
        reply = exchange(echo, token="T", terms=Terms(content=given, limit_bytes=4_000_000))
        assert (reply.returncode, reply.answer == content, reply.errors) == (0, True, "")
    first = ["sh", "-c", "read -r line; echo T; echo $line; exec sh -c 'echo late >&2; exit 7'"]
    reply = exchange(first, token="T", terms=Terms(content=b"job\n", stays_open=True))
    assert (reply.returncode, reply.answer, reply.errors) == (7, b"job\n", "late\n")
    with pytest.raises(LateError):
        exchange(["cat"], token="T", terms=Terms(content=b"job\n", stays_open=True, seconds=0.3))


def test_an_exception_ends_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Ctrl-C does."""
    line = f"echo $$ >{tmp_path}/pid; echo; echo T; exec sleep 60"

    def interrupt(*_: object) -> None:
        while not (tmp_path / "pid").is_file():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr("edgesr.benchmarks.devices.boxes.exchange._add", interrupt)
    with pytest.raises(KeyboardInterrupt):
        exchange(["sh", "-c", line], token="T", terms=Terms())
    pid = (tmp_path / "pid").read_text().strip()
    assert subprocess.run(["kill", "-0", pid], capture_output=True, check=False).returncode != 0
