"""One surface over one small ledger for the tests that only read it; a fresh one for the rest.

Both stand on each engine in turn.
"""

import pytest

from tests import engines

from .kit import Node


@pytest.fixture(params=engines.NAMES, autouse=True, scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    engines.choose(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def node(engine_name: str) -> Node:
    return Node()


@pytest.fixture
def fresh(engine_name: str) -> Node:
    return Node()
