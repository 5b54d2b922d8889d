"""One surface over one small ledger for the tests that only read it; a fresh one for the rest."""

import pytest

from .kit import Node


@pytest.fixture(scope="session")
def node() -> Node:
    return Node()


@pytest.fixture
def fresh() -> Node:
    return Node()
