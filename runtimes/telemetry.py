"""Switches off what packages of others would send or write about their use. edgesr itself sends nothing."""

from __future__ import annotations

import os

TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime from 1.29: a database, a device id and an uploading thread
    "ENABLE_RUNTIME_UPTIME_TELEMETRY": "0",  # TensorFlow sets it to 1 unless it is set
}
"""Environment of every process that may import them; it is read when they are imported."""


def switch_off_telemetry() -> None:
    """In this process: call it before such a package is imported."""
    os.environ.update(TELEMETRY_OFF)
