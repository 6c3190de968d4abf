"""The files of this machine that a worker on a box needs: code and bundles, each named by its content."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.boxes.root.layers import Layer, Root
from edgesr.benchmarks.devices.boxes.root.packing import packed
from edgesr.benchmarks.devices.standing import STANDING_WORKER
from edgesr.benchmarks.devices.worker_process import WORKER
from edgesr.runtimes.bundle.manifest import FileEntry
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.import_closure import code_to_send, write_code

_WORKERS = (WORKER, STANDING_WORKER)


@dataclass(frozen=True)
class Payload:
    """A ``folder`` of a box, ``size_bytes`` when unpacked; ``archive`` makes its .tar.gz, or tells where that is."""

    folder: str
    size_bytes: int
    archive: Callable[[], bytes | Path]


def layer_payload(root: Root, layer: Layer) -> Payload:
    return Payload(layer.folder, layer.size_bytes, lambda: root.archive(layer))


def code_payload() -> Payload:
    """The workers' code, with its bytecode."""
    files = {name: content for module in _WORKERS for name, content in code_to_send(module).items()}
    digests = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in files.items()]
    return Payload(_name("code", digests), sum(map(len, files.values())), _packed_code)


def bundle_payload(bundle: Bundle, runtimes: Iterable[str]) -> Payload:
    """The manifest of a bundle, its goldens, and the artifacts of these runtimes; every file is verified on its way."""
    entries = _entries(bundle, frozenset(runtimes))
    if bundle.manifest_sha256 is None:
        raise InputError(f"{bundle.root}: its manifest was not read from a file; open the bundle again")
    digests = [bundle.manifest_sha256, *(f"{one.path} {one.sha256}" for one in entries)]

    def archive() -> bytes:
        manifest = bundle.root / MANIFEST_FILE
        if sha256_of(manifest) != bundle.manifest_sha256:
            raise InputError(f"{bundle.root}: was replaced while it was measured; measure again")
        content = [(one.path, bundle.path(one).read_bytes()) for one in entries]
        return packed([(MANIFEST_FILE, manifest.read_bytes()), *content])

    return Payload(_name("bundle", digests), sum(one.size_bytes for one in entries), archive)


def _entries(bundle: Bundle, runtimes: frozenset[str]) -> list[FileEntry]:
    """The files to send, each once."""
    artifacts = [one for one in bundle.manifest.artifacts if runtimes & set(one.runtimes)]
    files = [file for one in artifacts for file in one.files]
    goldens = [file for golden in bundle.manifest.goldens for file in golden.files()]
    return list({one.path: one for one in (*files, *goldens)}.values())


def _packed_code() -> bytes:
    with tempfile.TemporaryDirectory(prefix="edgesr-code-") as name:
        folder = Path(name)
        for module in _WORKERS:
            write_code(module, folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return packed((file.relative_to(folder).as_posix(), file.read_bytes()) for file in files)


def _name(kind: str, digests: Iterable[str]) -> str:
    return f"{kind}-{hashlib.sha256(chr(10).join(digests).encode()).hexdigest()[:32]}"
