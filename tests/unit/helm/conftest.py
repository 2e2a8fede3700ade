"""Helm is built by ``helm/install-helm``; where it is missing, nothing of the chart can be tried.

600 renderings take a while, so they have a recipe of their own: ``just helm-test``.
"""

from __future__ import annotations

import os

import pytest
from tests.unit.helm.chart import MATRIX, Rendered, helm_path, render

collect_ignore_glob = [] if os.environ.get("HELM_TEST") == "1" else ["test_*.py"]


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
