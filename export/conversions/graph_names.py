"""Names of the tensors that every exported graph has."""

from __future__ import annotations

from edgesr.runtimes.bundle.manifest import GraphKind

INPUT_NAME = "lr"
OUTPUT_NAMES: dict[GraphKind, str] = {"full": "sr", "tile": "residual"}
