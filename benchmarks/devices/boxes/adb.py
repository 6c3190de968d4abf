"""Android devices that are reached by adb, where Linux builds of the runtimes run in the shell's own folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from edgesr.benchmarks.devices.boxes.transport import Transport, reason_in, require_plain
from edgesr.runtimes.errors import MissingPackageError

PREFIX = "adb:"
_STATES = {
    "unauthorized": "allow USB debugging from this computer on its screen",
    "not found": "'adb devices' lists those that are connected",
    "offline": "connect it again",
    "no devices": "'adb devices' lists those that are connected",
}
"""What to do, by what adb says."""


@dataclass
class AdbTransport(Transport):
    """The device of that serial number. adb ends with 0 when it loses a device: its exit code tells nothing."""

    serial: str
    folder: str = "/data/local/tmp/edgesr"

    def __post_init__(self) -> None:
        require_plain(PREFIX, self.serial)

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.serial}"

    def command(self, line: str) -> list[str]:
        program = shutil.which("adb")
        if program is None:
            raise MissingPackageError(f"{self.name} needs adb, which is not installed: apt install adb")
        return [program, "-s", self.serial, "shell", "-T", line]

    def why_unreached(self, returncode: int, errors: str) -> str | None:
        why = reason_in(errors)
        if returncode == 0 and not errors.strip():
            return "the connection to it was lost"
        if not why.startswith(("error:", "adb:", "* ")):
            return None
        advice = next((advice for sign, advice in _STATES.items() if sign in why), "try 'adb devices'")
        return f"{why}: {advice}"

    def is_refusal(self, why: str) -> bool:
        return "unauthorized" in why

    @property
    def machine(self) -> str:
        return self.name

    def close(self) -> None:
        """Do nothing: no connection is kept open, and adb's own server is the user's."""
