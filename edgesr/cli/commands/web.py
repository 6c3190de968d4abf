"""The sub-command `web`: a page that upscales photographs in the browsers of its visitors."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.terminal import ArtifactOption, BundleArgument, print_lines

if TYPE_CHECKING:
    from edgesr.runtimes.bundle.opening import Bundle


def web(
    bundle: BundleArgument,
    *,
    output: Annotated[
        Path, typer.Option(help="Folder to write the page to; an older page there is replaced.", metavar="DIR")
    ],
    artifact: ArtifactOption = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Also serve the page, to browsers of this machine alone, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of --serve; 0 takes one that is free.", min=0, max=65535)] = 8000,
) -> None:
    """Write a static web page that upscales photographs in the visitor's browser, on the visitor's machine."""
    import edgesr

    opened = edgesr.open_bundle(bundle)
    if not serve:
        _write(opened, output, artifact)
        return
    from edgesr.runtimes.web.serving import folder_server

    with folder_server(output, port) as server:
        _write(opened, output, artifact)
        print_lines([f"{server.url} until Ctrl-C"])
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _write(bundle: Bundle, output: Path, artifact: str | None) -> None:
    import edgesr

    written = edgesr.write_web(bundle, output, artifact=artifact)
    print_lines(
        [
            f"{output}: {written.size_bytes / 1e6:.1f} MB, {', '.join(one.id for one in written.site.artifacts)}",
            f"first load, with {written.site.default}: {written.first_load_bytes / 1e6:.1f} MB, "
            f"{written.first_load_gzip_bytes / 1e6:.1f} MB gzipped",
            *(f"left out: {name}: {why}" for name, why in written.left_out.items()),
        ]
    )
