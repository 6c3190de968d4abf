"""The properties of a user's network, found before any conversion of it."""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.tables.refusals import refusal_table
from edgesr.benchmarks.tables.table import Table
from edgesr.export.foreign import child_process
from edgesr.export.foreign.files import generator_file
from edgesr.export.foreign.live import split_source
from edgesr.export.options import ExportOptions
from edgesr.export.stages.cache import StageCache, default_cache_dir
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.bundle.contract import COLOUR_TEXTS, REFERENCES, Tiling, next_multiple
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.progress import Progress, silent
from edgesr.runtimes.wording import counted
from edgesr.sr_model.generators.foreign.archive import is_archive, read_contract, read_why_no_trace
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.live import Generator


def inspect_module(
    source: ExportOptions | Generator, *, cache_dir: Path | None = None, progress: Progress = silent
) -> list[Table]:
    """Tables of the properties of a network that is not edgesr's, and of what delegates would refuse of it.

    The network is that of ``module`` or ``checkpoint`` of the options, whose code runs in a process of its own, or one
    that the caller holds. An export of it finds the result in the cache. Raises InputError for a network that cannot be
    exported.
    """
    options, live = split_source(source, None)
    if live is None and not options.is_foreign and options.checkpoint is None:
        raise InputError("give module='FILE.py:NAME', a function that gives a torch.nn.Module, or onnx=FILE")
    name = options.source_name() if live is None else live.title
    cache = StageCache(cache_dir or default_cache_dir())
    with cache.locked(progress):
        archive = generator_file(options, live, cache, progress)
        if not is_archive(archive):
            raise InputError(f"{archive}: a generator that edgesr knows: give it to inspect")
        runner = StageRunner(cache, archive, progress, pooled_tiles=True)
        measurement, tiling = runner.measurement, runner.tiling
        notes = child_process.read_notes(archive.parent)
        predicted, why_not_predicted = _predicted(name, runner)
    contract = read_contract(archive)
    why_not = read_why_no_trace(archive)
    facts = {
        **_contract_facts(contract),
        "reference": REFERENCES["pytorch" if options.onnx is None else "onnxruntime"],
        "parameters": f"{measurement.parameters:,}",
        "MAC per HR pixel": f"{measurement.mac_per_hr_pixel:,.1f}",
        "tiles": _tiles_text(tiling),
        "TorchScript": "can be traced" if why_not is None else f"cannot be made: {why_not}",
        **({"delegates": f"cannot be told: {why_not_predicted}"} if why_not_predicted else {}),
        **({"notes": "; ".join(notes)} if notes else {}),
    }
    return [Table(name, ("what", "value"), tuple(facts.items())), *predicted]


def _predicted(name: str, runner: StageRunner) -> tuple[list[Table], str]:
    """A table of what delegates would refuse of the TFLite file that the network will become, or why that cannot be
    told.
    """
    import onnx

    from edgesr.export.delegates.prediction import PREDICTED_SIDE, predicted_refusals

    side = next_multiple(max(PREDICTED_SIDE, runner.config.minimum_side), runner.config.multiple)
    try:
        found = predicted_refusals(onnx.load(runner.onnx_file("full")), (side, side))
    except (InputError, MissingPackageError):
        raise
    except EdgesrError as error:
        return [], str(error)
    return [refusal_table([(name, found)], first="as a TFLite file")], ""


def _contract_facts(contract: Contract) -> dict[str, str]:
    sides = f"from {contract.network_side} on"
    if contract.multiple > 1:
        sides += f", multiples of {contract.multiple}; others are padded by reflection"
    return {
        "kind": "network of a user",
        "images": COLOUR_TEXTS[contract.colour],
        "scale": str(contract.scale),
        "unit of its images": f"[0,{contract.peak}]; files of a bundle take [0,255]",
        "sides that its code takes": sides,
        "least side of an image": counted(contract.minimum_side, "LR pixel"),
    }


def _tiles_text(tiling: Tiling) -> str:
    return tiling.text if tiling.exact else f"{tiling.text}: it is exported as full graphs alone"
