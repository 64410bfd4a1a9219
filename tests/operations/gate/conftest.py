"""One API server for all tests of this folder in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from azora.errors import AzoraError
from tests.support.api_server import ApiServer, api_server
from tests.support.attacks import checked


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api-server")) as running:
        yield running


@pytest.fixture
def refused_by(request: pytest.FixtureRequest) -> Callable[[AzoraError], None]:
    """Check that the component which the test's marker names is the one that refused."""
    return checked(request)
