"""Manifests of earlier releases in the form of this one."""

from __future__ import annotations

from typing import Any

_WITH_TENSOR_QUANTIZATION = 5
"""The schema version of edgesr 0.1.0."""


def in_newest_form(data: dict[str, Any], version: int) -> dict[str, Any]:
    """The JSON object of a manifest of that schema version; what is damaged stays as it is, for the reader to refuse.

    edgesr 0.1.0 gave each tensor a quantization, which was always null: all inputs and outputs are float32.
    """
    artifacts = data.get("artifacts")
    if version > _WITH_TENSOR_QUANTIZATION or not isinstance(artifacts, list):
        return data
    return data | {"artifacts": [_with_bare_tensors(artifact) for artifact in artifacts]}


def _with_bare_tensors(artifact: object) -> object:
    if not isinstance(artifact, dict):
        return artifact
    lists = {name: artifact[name] for name in ("inputs", "outputs") if isinstance(artifact.get(name), list)}
    return artifact | {name: [_bare(tensor) for tensor in tensors] for name, tensors in lists.items()}


def _bare(tensor: object) -> object:
    if not isinstance(tensor, dict) or tensor.get("quantization", ...) is not None:
        return tensor
    return {name: value for name, value in tensor.items() if name != "quantization"}
