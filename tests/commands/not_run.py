"""Commands of pages that the script does not run, and those that it expects to end with another exit code than 0.

To leave a command out, add a row to `NOT_RUN` with the reason and, where there is one, what covers it. The script fails
for a row that matches no command of any page. A command that lacks something on this machine alone belongs to `NEEDS`
in ``needs.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.commands.pages import PageCommand


@dataclass(frozen=True)
class NotRun:
    """Commands in which ``pattern`` is found; ``covered_by``: files that run the same in another way."""

    pattern: str
    reason: str
    covered_by: tuple[str, ...] = ()

    def matches(self, command: PageCommand) -> bool:
        return re.search(self.pattern, command.text) is not None


_ACCELERATOR = "tests/sr_model/training/accelerator/test_prepared.py"
_EXERCISES = "tests/house/test_exercises.py"

NOT_RUN = (
    NotRun(r"^pip (install|download) ", "needs a package index", ("tests/house/test_edge_box.py",)),
    NotRun(
        r"^python3\.11 -m venv |^\. \.venv",
        "an environment for what pip then installs",
        ("tests/house/test_edge_box.py",),
    ),
    NotRun(r"^apt ", "changes the system, as root", (".ci/run",)),
    NotRun(r"^(podman|docker) |^make container", "builds and runs containers", ("tests/house/test_container.py",)),
    NotRun(r"^make ", "installs from a package index into .venv", (".ci/run",)),
    NotRun(r"python -m pytest --light ", "tests in the environment of make install-light", (".ci/run", _EXERCISES)),
    NotRun(r"^torchrun ", "four processes of PyTorch", ("tests/sr_model/training/test_processes.py",)),
    NotRun(r"^python run\.py ", "minutes of training on an accelerator", (_ACCELERATOR,)),
    NotRun(r"^edgesr --install-completion", "writes into the shell's start files", ("tests/cli/test_completion.py",)),
    NotRun(r"realesr-general-x4v3\.pth", "weights of others", ("tests/export/foreign/test_recognised.py",)),
    NotRun(r"docs/networks/(measure|lower_precision)\.py", "clones and weights of others"),
    NotRun(r"animevideo", "weights of others, out of a package that is fetched"),
    NotRun(
        r"peers\.py|^peers/bin/pip", "programs of others that need Vulkan", ("tests/benchmarks/quality/test_peers.py",)
    ),
)
"""Commands that need a network, a package index, a system of its own or files of others."""

EXIT_CODES = (
    (r"^edgesr compare |edgesr bench .*--against", (0, 1)),  # 1: something became slower
    (r"^edgesr diff |^edgesr parity .*--outputs", (0, 1)),  # 1: a layer, or an answer, is off
    (r"^edgesr upscale a\.png a\.png$", (2,)),  # the page says that it is refused
)
"""Exit codes other than 0 that are an answer too, by a pattern of the command as it is run."""


def row_for(command: PageCommand) -> NotRun | None:
    """The first row that leaves a command out."""
    return next((row for row in NOT_RUN if row.matches(command)), None)


def expected_codes(text: str) -> tuple[int, ...]:
    """Exit codes with which a command may end."""
    return next((codes for pattern, codes in EXIT_CODES if re.search(pattern, text)), (0,))
