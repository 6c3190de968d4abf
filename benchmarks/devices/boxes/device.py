"""A box as a place for worker processes. Nothing needs to be installed there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgesr.benchmarks.devices.boxes.answers import HostileAnswerError, unpacked
from edgesr.benchmarks.devices.boxes.box import Box, UnreachedError
from edgesr.benchmarks.devices.boxes.exchange import LateError, Terms
from edgesr.benchmarks.devices.boxes.facts import Facts
from edgesr.benchmarks.devices.boxes.payloads import Payload, bundle_payload
from edgesr.benchmarks.devices.boxes.root.packing import packed
from edgesr.benchmarks.devices.boxes.software import Software
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment
from edgesr.benchmarks.devices.process_exit import describe_exit
from edgesr.benchmarks.devices.standing import Standing
from edgesr.benchmarks.devices.worker_process import parsed_outcome
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.json_records import to_json_line
from edgesr.runtimes.telemetry import TELEMETRY_OFF
from edgesr.runtimes.wording import shown_text

TIMEOUT_SECONDS = 900
_GRACE_SECONDS = 60.0
_LARGEST_ANSWER = 512 << 20


@dataclass(frozen=True, kw_only=True)
class BoxDevice(Device):
    """``present`` are the folders of edgesr on the box, which need not be sent again; ``note``: of its results.

    Unless it is measured ``alone``, what keeps a job from being sent fails that job, and is not raised.
    """

    box: Box
    facts: Facts
    software: Software
    present: set[str]
    note: str = ""
    alone: bool = True
    timeout_seconds: int = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        return self.box.name

    @property
    def machine(self) -> str:
        return self.box.transport.machine

    @property
    def runtimes(self) -> tuple[str, ...]:
        return self.software.runtimes

    @property
    def environment(self) -> DeviceEnvironment:
        facts = self.facts
        return DeviceEnvironment(
            name=self.name,
            kind="remote",
            cpu=facts.cpu if facts.model in (None, facts.cpu) else f"{facts.cpu} ({facts.model})",
            packages=self.software.packages,
            system=facts.system,
            cores=len(facts.cores) or None,
            note=self.note,
        )

    @property
    def float16_arithmetic(self) -> bool:
        return "asimdhp" in self.facts.features

    def require_counting(self) -> None:
        raise InputError(f"{self.name}: instructions are counted on emulated devices alone; leave it out")

    def beside_others(self) -> BoxDevice:
        return replace(self, alone=False)

    def prepare(self, bundle: Bundle, runtimes: Sequence[str], /) -> None:
        """Send everything that jobs need. If several devices are measured, a failure to send is told by the jobs that
        need it.
        """
        try:
            self.send([*self.software.payloads(runtimes), bundle_payload(bundle, self.runtimes)])
        except EdgesrError:
            if self.alone:
                raise

    def standing(self, bundle: Bundle, runtimes: Sequence[str], /) -> Standing:
        if not set(runtimes) <= set(self.runtimes):
            raise InputError(f"{self.name} has no build of {' and '.join(runtimes)}: only {', '.join(self.runtimes)}")
        software, sent = self.software.payloads(runtimes), bundle_payload(bundle, runtimes)
        self.send([*software, sent])
        variables = [f"{name}={value}" for name, value in TELEMETRY_OFF.items()]
        command, token = self.box.command("stay", *self.software.start(software), *variables)
        place = f"../{sent.folder}"
        return Standing(command=tuple(command), environment=os.environ, bundle=place, token=token, ended=self.box.ended)

    def close(self) -> None:
        self.box.transport.close()

    def run(self, job: Job) -> Outcome:
        """Run a job there in a fresh process, after what it needs was sent; raises an InputError where that cannot
        be.
        """
        try:
            return self._outcome(job, self._answer(job))
        except LateError:
            return self._late(job)
        except UnreachedError as error:
            return _crashed(error)
        except EdgesrError as error:
            if self.alone and isinstance(error, InputError):
                raise
            return _crashed(error)

    def send(self, payloads: Sequence[Payload]) -> int:
        """Send what is not there yet; the bytes that were sent."""
        missing = [one for one in payloads if one.folder not in self.present]
        needed = sum(one.size_bytes for one in missing)
        if self.facts.free_bytes is not None and needed > self.facts.free_bytes:
            free = f"{self.facts.free_bytes / 1e6:.0f} MB"
            raise InputError(
                f"{self.name}: {needed / 1e6:.0f} MB are to be sent, but {self.facts.folder} has {free} free"
            )
        sent = 0
        for one in missing:
            sent += self.box.push(one)
            self.present.add(one.folder)
        return sent

    def _answer(self, job: Job) -> dict[str, bytes]:
        """The files that the script answers a job with."""
        software = self.software.payloads([job.runtime] if job.runtime else [])
        bundle = [bundle_payload(open_bundle(job.bundle, verify="used"), self.runtimes)] if job.bundle else []
        self.send([*software, *bundle])
        folders = {name: f"in/{name}" for name in _sent(job)} | {name: f"out/{name}" for name in _brought(job)}
        there = replace(job, bundle=f"../{bundle[0].folder}" if bundle else "", settings={**job.settings, **folders})
        content = _input(job)
        variables = [f"{name}={value}" for name, value in {**TELEMETRY_OFF, **job.environment}.items()]
        answer = self.box.call(
            Terms(
                content=to_json_line(there).encode() + content,
                stays_open=True,
                limit_bytes=_LARGEST_ANSWER,
                seconds=self._limit_seconds(job) + _GRACE_SECONDS,
            ),
            *("run", str(self._limit_seconds(job)), str(len(content)), *self.software.start(software), *variables),
        )
        names = [re.compile(rf"out/{re.escape(name)}/{_FILE_NAME}") for name in _brought(job)]
        return unpacked(answer, [_ANSWERED, *names])

    def _outcome(self, job: Job, files: dict[str, bytes]) -> Outcome:
        """The outcome of a job; its files are put where they belong."""
        returncode = _returncode(files)
        if returncode == -signal.SIGALRM:
            return self._late(job)
        if returncode != 0 or "result.json" not in files:
            reason = describe_exit(returncode, files.get("err", b"").decode(errors="replace"))
            return Outcome(status="crashed", reason=reason, result=None)
        for name in _brought(job):
            for file, content in files.items():
                if file.startswith(f"out/{name}/"):
                    (Path(job.settings[name]) / file.rpartition("/")[2]).write_bytes(content)
        outcome = parsed_outcome(files["result.json"])
        return (
            outcome if outcome.reason is None else replace(outcome, reason=shown_text(" ".join(outcome.reason.split())))
        )

    def _limit_seconds(self, job: Job) -> int:
        return self.timeout_seconds + job.lasts_seconds

    def _late(self, job: Job) -> Outcome:
        return Outcome(status="timeout", reason=f"no result after {self._limit_seconds(job)} s", result=None)


_ANSWERED = re.compile(r"code|err|result\.json")
_FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"


def _crashed(error: EdgesrError) -> Outcome:
    return Outcome(status="crashed", reason=str(error), result=None)


def _sent(job: Job) -> list[str]:
    """Settings of a job that name folders to send, where they are given."""
    return [name for name in job.sends if job.settings[name] is not None]


def _brought(job: Job) -> list[str]:
    """Settings of a job that name folders that its files are brought to, where they are given."""
    return [name for name in job.brings if job.settings[name] is not None]


def _input(job: Job) -> bytes:
    """The folders that go with a job, as a .tar.gz; empty without any."""
    folders = {name: Path(job.settings[name]) for name in _sent(job)}
    files = [
        (f"{name}/{file.name}", file.read_bytes()) for name, at in folders.items() for file in sorted(at.iterdir())
    ]
    return packed(files) if files else b""


def _returncode(files: dict[str, bytes]) -> int:
    """The exit code of a worker, or minus the number of the signal that killed it, which a shell reports as 128 plus
    the number.
    """
    code = files.get("code", b"").strip()
    if not code.isdigit() or len(code) > 3:
        raise HostileAnswerError("the box does not tell how the worker ended")
    return int(code) if int(code) <= 128 else 128 - int(code)
