"""The runtimes that can run on this system: tests of what runtimes compute are over these."""

from __future__ import annotations

from edgesr.runtimes.adapters.registry import RUNTIMES

RUNTIMES_HERE = [name for name, runtime in RUNTIMES.items() if runtime.why_not_here is None]
