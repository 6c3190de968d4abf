"""The needs of tests in a real browser: on CI their absence is a failure, and no reason to skip."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from edgesr.benchmarks.devices.browser.built import App, installed_app
from edgesr.benchmarks.devices.browser.chromium import require_chromium
from edgesr.runtimes.errors import InputError, MissingPackageError


def require_browser() -> App:
    """The built app, with Chromium here."""
    try:
        require_chromium()
        return installed_app()
    except (InputError, MissingPackageError) as error:
        _absent(str(error))


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
