"""Manifests of earlier releases in the form of this one."""

from __future__ import annotations

from typing import Any

from edgesr.runtimes.bundle.manifest import SCHEMA_VERSION
from edgesr.runtimes.json_records import DecodeError

_ONE_FILE = 5
"""The schema version of edgesr 0.1.0, whose artifacts had one file and one runtime."""
_OF_RUNTIME = ("resizable", "memory", "delegate")


def in_newest_form(data: dict[str, Any], version: int) -> dict[str, Any]:
    """The JSON object of a manifest of that schema version; what is damaged stays as it is, for the reader to refuse,
    or is a DecodeError.

    edgesr 0.1.0 told how an artifact's one runtime takes it in the artifact itself, and gave each tensor a
    quantization, which was always null: all inputs and outputs are float32.
    """
    artifacts = data.get("artifacts")
    if version > _ONE_FILE or not isinstance(artifacts, list):
        return data
    added = {"multiple": 1, "colour": "rgb", "tiling": None, "reference": "pytorch"}
    if added.keys() & data.keys():
        raise DecodeError("has names of a later version")
    return data | added | {"schema_version": SCHEMA_VERSION, "artifacts": [_artifact(one) for one in artifacts]}


def _artifact(old: object) -> object:
    if not isinstance(old, dict) or not isinstance(old.get("runtimes"), list):
        return old
    if {"uses", "files"} & old.keys():
        raise DecodeError("an artifact has names of a later version")
    new = {name: value for name, value in old.items() if name not in ("runtimes", "file", *_OF_RUNTIME)}
    told = {name: old[name] for name in _OF_RUNTIME if name in old}
    new["uses"] = [{"name": runtime, **told} for runtime in old["runtimes"]]
    if "file" in old:
        new["files"] = [old["file"]]
    for name in ("inputs", "outputs"):
        if isinstance(old.get(name), list):
            new[name] = [_tensor(tensor) for tensor in old[name]]
    return new


def _tensor(old: object) -> object:
    if not isinstance(old, dict):
        return old
    if "quantization" not in old:
        raise DecodeError("a tensor is missing quantization")
    if old["quantization"] is not None:
        return old
    return {name: value for name, value in old.items() if name != "quantization"}
