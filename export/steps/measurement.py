"""What a generator costs, and how far around a tile it looks."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.records import Measurement, write_measurement


def measure(folder: Path, checkpoint: Path) -> None:
    """Write the halo, the multiply-accumulates per HR pixel and the number of parameters."""
    from edgesr.export.conversions.full_and_tile import measure_halo
    from edgesr.sr_model.generators.checkpoint import load_checkpoint
    from edgesr.sr_model.generators.cost import count_mac_per_hr_pixel

    generator = load_checkpoint(checkpoint)
    parameters = sum(p.numel() for p in generator.parameters())
    write_measurement(folder, Measurement(measure_halo(generator), count_mac_per_hr_pixel(generator), parameters))
