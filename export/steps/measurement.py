"""The cost of a generator, and how far around a tile it looks."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.records import Measurement, write_measurement
from edgesr.export.steps.loading import load_generator
from edgesr.runtimes.bundle.contract import proven_tiling
from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.foreign.archive import is_archive


def measure(folder: Path, checkpoint: Path) -> None:
    """Write the halo, the multiply-accumulates per HR pixel and the number of parameters."""
    from edgesr.export.conversions.full_and_tile import measure_halo
    from edgesr.sr_model.generators.checkpoint import load_checkpoint
    from edgesr.sr_model.generators.cost import count_mac_per_hr_pixel

    if is_archive(checkpoint):
        write_measurement(folder, _measured(checkpoint))
        return
    generator = load_checkpoint(checkpoint)
    parameters = sum(p.numel() for p in generator.parameters())
    write_measurement(
        folder, Measurement(proven_tiling(measure_halo(generator)), count_mac_per_hr_pixel(generator), parameters)
    )


def _measured(archive: Path) -> Measurement:
    """The measurement of a user's generator, whose tiles are compared with whole pictures."""
    from edgesr.export.tiling.tile_proof import measure_tiling
    from edgesr.export.tiling.tiled_network import tiled_network
    from edgesr.sr_model.generators.foreign.program import (
        ForeignGenerator,
        count_parameters,
        count_program_mac_per_hr_pixel,
    )

    generator = load_generator(archive, zero_padded=False)
    assert isinstance(generator, ForeignGenerator)
    mac_per_hr_pixel = count_program_mac_per_hr_pixel(generator)
    if mac_per_hr_pixel == 0:
        raise InputError(f"{generator.config.name}: has no convolution and no matrix product: it is no network")
    tiling = measure_tiling(tiled_network(generator, mac_per_hr_pixel=mac_per_hr_pixel))
    return Measurement(tiling, mac_per_hr_pixel, count_parameters(generator))
