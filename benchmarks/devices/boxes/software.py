"""The software that runs a worker on a box: the root that edgesr sends, or a Python of the box itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from edgesr.benchmarks.devices.boxes.payloads import Payload, code_payload, layer_payload
from edgesr.benchmarks.devices.boxes.root.architecture import Architecture
from edgesr.benchmarks.devices.boxes.root.layers import BASE, Root
from edgesr.runtimes.adapters.registry import RUNTIMES, runtime_info


class Software(ABC):
    """The source of Python and its packages."""

    @property
    @abstractmethod
    def runtimes(self) -> tuple[str, ...]:
        """The runtimes that it has builds of."""

    @property
    @abstractmethod
    def packages(self) -> dict[str, str]:
        """Versions of its packages."""

    @abstractmethod
    def payloads(self, runtimes: Iterable[str], /) -> list[Payload]:
        """The payloads that must be on the box for a worker with these runtimes, in the order of PYTHONPATH."""

    @abstractmethod
    def start(self, payloads: list[Payload]) -> tuple[str, ...]:
        """The words that tell the script how Python starts: layer, loader, libraries, program, PYTHONPATH."""


@dataclass(frozen=True)
class PushedRoot(Software):
    """Everything down to the C library is sent: the box needs nothing."""

    architecture: Architecture
    root: Root

    @property
    def runtimes(self) -> tuple[str, ...]:
        return tuple(name for name, one in RUNTIMES.items() if one.distribution in self.root.distributions)

    @property
    def packages(self) -> dict[str, str]:
        return self.root.record.wheels

    def payloads(self, runtimes: Iterable[str], /) -> list[Payload]:
        distributions = [runtime_info(name).distribution for name in runtimes]
        layers = self.root.layers(distributions)
        return [code_payload(), *(layer_payload(self.root, layer) for layer in layers)]

    def start(self, payloads: list[Payload]) -> tuple[str, ...]:
        (base,) = [one.folder for one in payloads if one.folder.startswith(f"{BASE}-")]
        modules = ":".join(one.folder for one in payloads if one.folder != base)
        return (base, self.architecture.loader, ":".join(self.architecture.libraries), "-", modules)


@dataclass(frozen=True)
class OwnPython(Software):
    """A Python of the box in ``program``, with the packages that its owner installed."""

    program: str
    found: dict[str, str]

    @property
    def runtimes(self) -> tuple[str, ...]:
        return tuple(name for name, one in RUNTIMES.items() if one.distribution in self.found)

    @property
    def packages(self) -> dict[str, str]:
        return self.found

    def payloads(self, _runtimes: Iterable[str], /) -> list[Payload]:
        return [code_payload()]

    def start(self, payloads: list[Payload]) -> tuple[str, ...]:
        return ("-", "-", "-", self.program, ":".join(one.folder for one in payloads))
