"""The sub-command `goldens`: what a runner that is not edgesr's takes and should give, as raw tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgesr.cli.terminal import BundleArgument, print_lines
from edgesr.runtimes.wording import counted


def goldens(
    bundle: BundleArgument,
    *,
    output: Annotated[
        Path, typer.Option(help="Folder to write the tensors to; older ones there are replaced.", metavar="DIR")
    ],
) -> None:
    """Write the inputs and PyTorch outputs of a bundle as raw tensors with a README, for programs other than edgesr."""
    import edgesr

    written = edgesr.write_raw_goldens(edgesr.open_bundle(bundle), output)
    calls = sum(len(artifact.calls) for artifact in written.index.artifacts)
    print_lines(
        [
            f"{output}: {counted(calls, 'call')} of {counted(len(written.index.artifacts), 'artifact')}, "
            f"{written.size_bytes / 1e6:.1f} MB; README.md there tells how to run them",
            f"then: edgesr parity {bundle} --outputs OUT, where OUT is what a runner wrote",
        ]
    )
