"""The content of a model file, read in a process of its own: a damaged file may crash the library that reads it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.delegates.registry import all_refusals
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.delegates.tflite_file import operators_of
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import is_text
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.packages import require_packages

MODEL_FILES = {".onnx": ("an ONNX file", "onnx", "export"), ".tflite": ("a TFLite file", "ai-edge-litert", "tflite")}
"""By suffix: what it is, the package that reads it, the extra that installs that."""

_READER = "edgesr.export.inspection.model_file"
_MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Description:
    """Facts on a file with what delegates would refuse of it, or why it was refused itself."""

    facts: dict[str, str]
    refusal: str | None
    delegates: tuple[Refusals, ...] = ()


def describe_model(path: Path) -> Description:
    """Facts on an ONNX or TFLite file; one that cannot be read, or whose reader crashes or hangs, is an EdgesrError."""
    kind, package, extra = MODEL_FILES[path.suffix]
    require_packages(f"inspecting {kind}", (package,), extra=extra)
    if not is_text(path.absolute()):
        raise InputError(f"{path}: {package} opens no path that is not UTF-8; rename it")
    with tempfile.TemporaryDirectory(prefix="edgesr-inspect-") as name:
        result = Path(name) / "description.json"
        run_converter(
            _READER,
            [str(path.absolute()), result.name],
            folder=result.parent,
            result=result,
            what=f"{path}: cannot be read as {kind}, it may be damaged",
            timeout_seconds=_MOST_SECONDS,
        )
        described = read_record(Description, result, remake="inspect it again")
    if described.refusal is not None:
        raise InputError(f"{path}: {described.refusal}")
    return described


def describe(path: Path) -> Description:
    """The description, made in this process."""
    try:
        if path.suffix == ".onnx":
            from edgesr.export.inspection.onnx_file import describe_onnx, predicted_of

            facts = describe_onnx(path)
            try:
                return Description(facts, None, predicted_of(path))
            except EdgesrError as error:
                return Description({**facts, "delegates": f"cannot be told: {error}"}, None)
        from edgesr.export.inspection.tflite_file import describe_tflite

        return Description(describe_tflite(path), None, all_refusals(operators_of(path)))
    except InputError as error:
        return Description({}, str(error))


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(to_json(describe(Path(sys.argv[1]))))
