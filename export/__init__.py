"""PyTorch model -> files -> bundle. Converters import packages whose telemetry is switched off here, before."""

from edgesr.runtimes.telemetry import switch_off_telemetry

switch_off_telemetry()
