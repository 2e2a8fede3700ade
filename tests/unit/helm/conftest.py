"""Helm is built by ``helm/install-helm``; where it is missing, nothing of the chart can be tried."""

from __future__ import annotations

import pytest
from tests.unit.helm.chart import MATRIX, Rendered, helm_path, render


@pytest.fixture(scope="session", autouse=True)
def _helm() -> None:
    if helm_path() is None:
        pytest.skip("there is no Helm; `helm/install-helm` builds it")


@pytest.fixture(params=MATRIX)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """The chart with each set of values."""
    return render(request.param)


@pytest.fixture
def everything() -> Rendered:
    """The chart with all that can be switched on."""
    return render("everything")
