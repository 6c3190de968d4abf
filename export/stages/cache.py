"""Stage results by content: the same arguments, package versions and source are not converted twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec

import numpy as np
import platformdirs

from edgesr.export.stages.model_files import model_files
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.file_lock import locked
from edgesr.runtimes.files import require_creatable, sha256_of
from edgesr.runtimes.import_closure import import_closure
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, silent

DEFAULT_LIMIT_BYTES = 2 * 1024**3
ENTRY_FILE = "entry.json"
"""Lies in the folder of each stored stage."""
P = ParamSpec("P")


@dataclass(frozen=True)
class Stage(Generic[P]):
    """A kind of conversion: ``produce(folder, ...)`` writes its files into an empty folder.

    Its result depends on the import closure of the module of ``produce``, and on ``packages``: distributions that a
    package of others imports without declaring them.
    """

    name: str
    produce: Callable[Concatenate[Path, P], None]
    packages: tuple[str, ...] = ()

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """SHA-256 over the stage, its sources, Python's and its packages' versions, and the content of its arguments.

        A callback tells of progress and does not count.
        """
        closure = import_closure(self.produce.__module__)
        content = {
            "stage": self.name,
            "sources": closure.sources,
            "versions": closure.versions(self.packages),
            "python": (platform.python_version(), platform.machine()),
            "arguments": (args, kwargs),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_content).encode()).hexdigest()


@dataclass(frozen=True)
class _Entry:
    """An entry of the cache: the stage that stored it, and the SHA-256 of each file."""

    stage: str
    files: dict[str, str]


def default_cache_dir() -> Path:
    """The user's cache folder of edgesr."""
    return Path(platformdirs.user_cache_dir("edgesr"))


class StageCache:
    """Folder of stage results, least recently used dropped above ``limit_bytes``. Use inside `locked`.

    Threads that need the same result wait for the one that makes it.
    """

    def __init__(self, root: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.root = root
        self.limit_bytes = limit_bytes
        self.conversions: list[str] = []
        self._one_at_a_time: dict[str, threading.Lock] = {}

    @contextmanager
    def locked(self, progress: Progress = silent) -> Iterator[None]:
        """One export a cache at a time: waits for the others, clears what killed ones left, trims at the end."""
        require_creatable(self.root)
        self._stages.mkdir(parents=True, exist_ok=True)
        other = f"another export that uses the cache {self.root}"
        with locked(self.root / "lock", other=other, progress=progress):
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir()
            try:
                yield
            finally:
                shutil.rmtree(self._work, ignore_errors=True)
                self._trim()

    def run(self, stage: Stage[P], *args: P.args, **kwargs: P.kwargs) -> Path:
        """Folder with the stage's files: a stored one whose hashes hold, else made by the stage from its arguments."""
        entry = self._stages / stage.key(*args, **kwargs)
        with self._one_at_a_time.setdefault(entry.name, threading.Lock()):
            return self._entry(entry, stage, *args, **kwargs)

    def _entry(self, entry: Path, stage: Stage[P], *args: P.args, **kwargs: P.kwargs) -> Path:
        if _is_intact(entry):
            os.utime(entry / ENTRY_FILE)
            return entry
        folder = Path(tempfile.mkdtemp(dir=self._work))
        stage.produce(folder, *args, **kwargs)
        self.conversions.append(stage.name)
        files = {p.relative_to(folder).as_posix(): sha256_of(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        (folder / ENTRY_FILE).write_text(to_json(_Entry(stage.name, files)))
        shutil.rmtree(entry, ignore_errors=True)
        folder.rename(entry)
        return entry

    @property
    def _stages(self) -> Path:
        return self.root / "stages"

    @property
    def _work(self) -> Path:
        """A place for work that no user's folder has; files that killed exports left there are deleted."""
        return self._stages / ".work"

    def _trim(self) -> None:
        entries = [e for e in self._stages.iterdir() if (e / ENTRY_FILE).is_file()]
        by_age = sorted(entries, key=lambda e: (e / ENTRY_FILE).stat().st_mtime)
        sizes = {e: sum(f.stat().st_size for f in e.rglob("*") if f.is_file()) for e in by_age}
        total = sum(sizes.values())
        for entry in by_age:
            if total <= self.limit_bytes:
                return
            shutil.rmtree(entry)
            total -= sizes[entry]


def _content(value: object) -> Any:
    """The content of an argument beyond JSON: files and arrays by their SHA-256; raises TypeError for one that has no
    content to hash.
    """
    if isinstance(value, Path):
        return {place: sha256_of(file) for place, file in _files(value).items()}
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return {"array": [str(value.dtype), value.shape, digest]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(value):
        return None
    raise TypeError(f"a stage cannot depend on a {type(value).__name__}")


def stage_folder(file: Path) -> Path | None:
    """The folder of the stage that stored a file, None for another file."""
    return next((parent for parent in file.parents if (parent / ENTRY_FILE).is_file()), None)


def _files(path: Path) -> dict[str, Path]:
    """A file, with the others of its model where a stage made it."""
    folder = stage_folder(path)
    return {"file": path, **({} if folder is None else model_files(folder, path))}


def _is_intact(entry: Path) -> bool:
    try:
        files = read_record(_Entry, entry / ENTRY_FILE, remake="convert again").files
        return bool(files) and all(sha256_of(entry / name) == digest for name, digest in files.items())
    except (InputError, OSError, ValueError):
        return False
