"""Check a bundle: does every artifact compute what its reference computes?"""

from __future__ import annotations

import os
from pathlib import Path

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.outside.outputs import check_outputs
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import require_writable, write_json
from edgesr.benchmarks.runs.options import ParityOptions
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress, silent


def run_parity(
    bundle: Bundle,
    options: ParityOptions | None = None,
    *,
    json: Path | None = None,
    progress: Progress = silent,
) -> ParityResults:
    """Compare every artifact with its float32 reference on the goldens, a fresh process each, here and on devices.

    With ``options.outputs`` nothing is run: what another runner wrote is compared.

    ``json``: also write the results to this file, which is refused before work starts when it cannot be written.
    """
    options = options or ParityOptions()
    require_writable(json, bundle.root)
    if options.outputs is not None:
        _require_outside(json, options.outputs)
        results = _outside(bundle, options, options.outputs)
        write_json(results, json)
        return results
    chosen = select_artifacts(bundle, artifact=options.artifact, runtime=options.runtime, provider=options.provider)
    with opened_devices(options.device, python=options.device_python, progress=progress) as opened:
        devices = [HostDevice(), *(device for device in opened if device.name != HOST)]
        results = check_on_devices(bundle, devices, artifacts=chosen, provider=options.provider, progress=progress)
    write_json(results, json)
    return results


def _outside(bundle: Bundle, options: ParityOptions, outputs: Path) -> ParityResults:
    chosen = bundle.manifest.artifacts if options.artifact is None else (bundle.artifact(options.artifact),)
    return check_outputs(bundle, outputs, artifacts=chosen, runner=options.runner_name)


def _require_outside(json: Path | None, outputs: Path) -> None:
    """Refuse a file of results among the outputs: it belongs to none, and may be one."""
    if json is not None and Path(os.path.realpath(outputs)) in Path(os.path.realpath(json)).parents:
        raise InputError(f"{json}: is in the folder of outputs, {outputs}; write the results into another folder")
