"""Workers that are actors of a ray cluster which runs already. edgesr starts none, and writes no token of ray's."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from edgesr.benchmarks.archive.actor import Actor, code_digest
from edgesr.benchmarks.archive.messages import Reply, Settings
from edgesr.benchmarks.archive.worker import DiedError, Place, StartTerms, Task, Worker
from edgesr.benchmarks.devices.boxes.payloads import Payload
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import require_packages
from edgesr.runtimes.wording import shown_text

NO_USAGE_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0"}
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0
_LONGEST_CLOSE_SECONDS = 5.0


def cluster_places(
    address: str, settings: Settings, bundle: Payload, count: int, stack: ExitStack
) -> list[ClusterPlace]:
    """Places for so many actors, with the bundle sent once; raises an InputError where no cluster answers at the
    address.
    """
    require_packages("--ray", ("ray",), extra="ray")
    os.environ.update(NO_USAGE_STATISTICS)
    import ray

    if not ray.is_initialized():
        _connect(ray, address)
        stack.callback(ray.shutdown)
    archive = bundle.archive()
    content = archive.read_bytes() if isinstance(archive, Path) else archive
    cluster = _Cluster(ray, address, ray.put(content), code_digest())
    return [ClusterPlace(cluster, settings) for _ in range(count)]


def _connect(ray: ModuleType, address: str) -> None:
    """Ray takes SIGTERM for itself: whoever had it gets it back."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:
        told = " ".join(str(error).split())
        raise InputError(f"--ray {address}: no ray cluster can be used there: {shown_text(told)}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class _Cluster:
    """``bundle`` is the reference of its bytes, ``code`` what this side runs."""

    ray: ModuleType
    address: str
    bundle: Any
    code: str

    def result(self, reference: Any, given_up: Any, waiting: Any = lambda: None) -> Any:
        """The result that an actor returns. Raises DiedError if the actor ended, or if ``given_up`` says that nobody
        waits any more; ``waiting`` is called once after a while.
        """
        waited = 0.0
        while not self.ray.wait([reference], timeout=_POLL_SECONDS)[0]:
            waited += _POLL_SECONDS
            if given_up():
                raise DiedError("nobody waits for it any more")
            if waited == _PATIENCE_SECONDS:
                waiting()
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise DiedError(shown_text(str(error).strip().splitlines()[-1])) from error
        except self.ray.exceptions.RayError as error:
            raise DiedError(f"its actor ended: {shown_text(' '.join(str(error).split()))}") from error


@dataclass(frozen=True)
class ClusterPlace(Place):
    """Room for one actor, wherever the cluster has as many CPUs free as it has threads."""

    cluster: _Cluster
    settings: Settings

    @property
    def name(self) -> str:
        return f"ray {self.cluster.address}"

    def start(self, terms: StartTerms) -> ClusterWorker:
        threads = self.settings.options.threads
        actor = self.cluster.ray.remote(Actor).options(num_cpus=threads, max_restarts=0, max_task_retries=0).remote()
        worker = ClusterWorker(self.cluster, actor, terms)
        try:
            worker.open(self.settings, lambda: terms.tell(f"{self.name}: no {threads} CPUs are free, edgesr waits"))
        except BaseException:
            worker.close()
            raise
        return worker


@dataclass
class ClusterWorker(Worker):
    cluster: _Cluster
    actor: Any
    terms: StartTerms
    _opened: bool = field(default=False)

    def open(self, settings: Settings, waiting: Any) -> None:
        """Wait until the actor is ready; raises an InputError where it has other code, or cannot use the settings."""

        def given_up() -> bool:
            return not self.terms.needed()

        if self.cluster.result(self.actor.code.remote(), given_up, waiting) != self.cluster.code:
            raise InputError(
                f"ray {self.cluster.address}: a node has another version of edgesr; install this one there"
            )
        reply = self.cluster.result(self.actor.open.remote(settings, self.cluster.bundle), given_up)
        if reply.kind != "ready":
            raise InputError(reply.text)
        self._opened = True

    def upscale(self, task: Task, output: Path) -> Reply:
        try:
            content = task.source.read_bytes()
        except OSError as error:
            return Reply(kind="failed", text=f"{task.source}: cannot be upscaled: {error.strerror}")
        names = (f"edgesr-source{task.source.suffix}", f"edgesr-output{output.suffix}")
        reference = self.actor.upscale.remote(names, content)
        reply, pixels, notices = self.cluster.result(reference, self.terms.stopped)
        for text in notices:
            self.terms.tell(text)
        if reply.kind == "done":
            _write(output, pixels)
        text = reply.text.replace(names[0], str(task.source)).replace(names[1], str(output))
        return Reply(**{**vars(reply), "text": text})

    def close(self) -> None:
        """Have the actor delete its files, and end it."""
        if self._opened and not self.terms.stopped():
            self.cluster.ray.wait([self.actor.close.remote()], timeout=_LONGEST_CLOSE_SECONDS)
        self.cluster.ray.kill(self.actor)


def _write(output: Path, content: bytes) -> None:
    try:
        with output.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DiedError(f"{output}: cannot be written: {error.strerror}") from error
