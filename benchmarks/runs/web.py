"""The page of a bundle, of the web app that the set-up of the browser device built."""

from __future__ import annotations

from pathlib import Path

from edgesr.benchmarks.devices.browser.built import installed_app
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.web.site import WrittenSite, write_site


def write_web(bundle: Bundle, output: Path | str, *, artifact: str | None = None) -> WrittenSite:
    """Write a static page on which visitors upscale photographs with the bundle, computed on their own machine.

    ``artifact`` puts that one alone on the page. Raises MissingPackageError with the set-up command if the app is not
    built.
    """
    return write_site(bundle, output, app=installed_app().folder, artifact=artifact)
