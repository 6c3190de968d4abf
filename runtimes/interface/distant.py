"""Sessions whose model runs in another process, such as a browser's page: that process tells what a call took."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from edgesr.runtimes.arrays import FloatArray


@runtime_checkable
class DistantSession(Protocol):
    """A `Session` that sends tensors to another process and back, which is no part of a call.

    ``load_ms`` is what that process took to import the runtime and open the file.
    """

    @property
    def load_ms(self) -> float: ...

    def run(self, image: FloatArray) -> FloatArray:
        """Run as `Session.run` does."""

    def call_ms(self, image: FloatArray) -> float:
        """The time of one call, by that process's clock."""

    def peak_rss_bytes(self) -> int:
        """Highest resident memory of that process."""
