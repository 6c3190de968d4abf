"""MNN's converter, in a process of its own: it prints, and what it cannot read may end the process.

python -P -m edgesr.export.mnn.converter FORMAT SOURCE RESULT [OPTION...]

FORMAT is that of the source, ONNX or MNN; the options are those of the converter.

``MNN.tools``, where the package's own command is, installs a package from the network when it is imported: it never is,
and no pip can be found while the converter runs.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from edgesr.runtimes.interface.standard_streams import flush_libraries

_REFUSING = "#!/bin/sh\necho 'edgesr lets no converter install packages' >&2\nexit 1\n"
_STDOUT = 1
_NAMES = ("pip", "pip3", f"pip{sys.version_info[0]}.{sys.version_info[1]}")


def convert(form: str, source: str, result: str, options: list[str]) -> None:
    """Write ``result``, whose bytes depend on what is converted alone; where it cannot, the process ends with why."""
    with tempfile.TemporaryDirectory(prefix="edgesr-no-pip-") as name:
        _refuse_pip(Path(name))
        import _tools

        given = ["mnnconvert", "-f", form, "--modelFile", source, "--MNNModel", result, *options]
        printed = _printed(lambda: _tools.mnnconvert(given))
    if not Path(result).is_file():
        sys.exit(_reason(printed))
    _name_by_content(Path(result))


def _printed(call: Callable[[], object]) -> str:
    """The text that a call prints, also when it prints from code below Python."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(_STDOUT)
        os.dup2(file.fileno(), _STDOUT)
        try:
            call()
        finally:
            flush_libraries()
            os.dup2(kept, _STDOUT)
            os.close(kept)
        file.seek(0)
        return file.read().decode(errors="replace")


def _reason(printed: str) -> str:
    """The reason why there is no file, by the converter's output: its own exit code is 0."""
    lacking = re.search(r"These Op Not Support: (.*)", printed)
    if lacking is not None:
        named = ", ".join(dict.fromkeys(name.split("::")[-1] for name in lacking[1].split()))
        return f"MNN has no operator for {named}; replace it in the network, or leave mnn out of --targets"
    *_, last = ["it says nothing", *printed.strip().splitlines()]
    return last


def _refuse_pip(folder: Path) -> None:
    """Programs that refuse, in a folder that is searched first."""
    for name in _NAMES:
        program = folder / name
        program.write_text(_REFUSING)
        program.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join((str(folder), os.environ.get("PATH", os.defpath)))


def _name_by_content(file: Path) -> None:
    """The file's random number is replaced by one that follows from all other bytes."""
    import MNN

    number, content = MNN.get_model_uuid(str(file)).encode(), file.read_bytes()
    before, after = content.split(number)
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, (before + after).hex()))
    file.write_bytes(before + name.encode() + after)


if __name__ == "__main__":
    form, source, result, *options = sys.argv[1:]
    convert(form, source, result, options)
