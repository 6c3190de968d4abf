"""Tests of each runtime get the shared bundles that have its files."""

from __future__ import annotations

import pytest

from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.whole_runs import fixture_for


@pytest.fixture
def mobile_bundle(request: pytest.FixtureRequest) -> Bundle:
    """`tests.conftest.mobile_bundle`, or its like."""
    bundle: Bundle = request.getfixturevalue(fixture_for("mobile_bundle", request))
    return bundle


@pytest.fixture
def projection_bundle(request: pytest.FixtureRequest) -> Bundle:
    """`tests.conftest.projection_bundle`, or its like."""
    bundle: Bundle = request.getfixturevalue(fixture_for("projection_bundle", request))
    return bundle
