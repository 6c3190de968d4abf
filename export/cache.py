"""Stage results by content: the same inputs, package versions and source are not converted twice."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs

from runtimes.files import require_creatable, sha256_of
from runtimes.registry import installed_version

DEFAULT_LIMIT_BYTES = 2 * 1024**3
_ENTRY_FILE = "entry.json"


@dataclass(frozen=True)
class Stage:
    """A kind of conversion; its result depends on the source of ``modules`` and the versions of ``distributions``."""

    name: str
    modules: tuple[str, ...]
    distributions: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Installed versions of its packages."""
        return {name: installed_version(name) or "absent" for name in self.distributions}

    def key(self, inputs: Mapping[str, object]) -> str:
        """SHA-256 over the stage, its source, its package versions and its inputs."""
        sources = {module: _source_sha256(module) for module in self.modules}
        content = {"stage": self.name, "sources": sources, "versions": self.versions(), "inputs": dict(inputs)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def default_cache_dir() -> Path:
    """The user's cache folder of edgesr."""
    return Path(platformdirs.user_cache_dir("edgesr"))


class StageCache:
    """Folder of stage results, least recently used dropped above ``limit_bytes``. Use inside `locked`."""

    def __init__(self, root: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.root = root
        self.limit_bytes = limit_bytes
        self.conversions: list[str] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One export a cache at a time: waits for the others, clears what killed ones left, trims at the end."""
        require_creatable(self.root)
        self._stages.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.root / "lock"):
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir()
            try:
                yield
            finally:
                self._trim()

    def run(self, stage: Stage, inputs: Mapping[str, object], produce: Callable[[Path], None]) -> Path:
        """Folder with the stage's files: a stored one whose hashes hold, else made by ``produce(folder)``."""
        entry = self._stages / stage.key(inputs)
        if _is_intact(entry):
            os.utime(entry / _ENTRY_FILE)
            return entry
        self.conversions.append(stage.name)
        folder = Path(tempfile.mkdtemp(dir=self._work))
        produce(folder)
        files = {p.name: sha256_of(p) for p in sorted(folder.iterdir())}
        (folder / _ENTRY_FILE).write_text(json.dumps({"stage": stage.name, "files": files}, indent=2))
        shutil.rmtree(entry, ignore_errors=True)
        folder.rename(entry)
        return entry

    @property
    def _stages(self) -> Path:
        return self.root / "stages"

    @property
    def _work(self) -> Path:
        return self.root / "work"

    def _trim(self) -> None:
        entries = [e for e in self._stages.iterdir() if (e / _ENTRY_FILE).is_file()]
        by_age = sorted(entries, key=lambda e: (e / _ENTRY_FILE).stat().st_mtime)
        sizes = {e: sum(f.stat().st_size for f in e.iterdir()) for e in by_age}
        total = sum(sizes.values())
        for entry in by_age:
            if total <= self.limit_bytes:
                return
            shutil.rmtree(entry)
            total -= sizes[entry]


def _is_intact(entry: Path) -> bool:
    try:
        files = json.loads((entry / _ENTRY_FILE).read_text())["files"]
        return all(sha256_of(entry / name) == digest for name, digest in files.items())
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return False


def _source_sha256(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, module
    return sha256_of(Path(spec.origin))
