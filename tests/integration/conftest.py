"""One network of four for all integration tests, on free ports, stopped whatever happens."""

from collections.abc import Iterator

import pytest

from node.cli.devnet import DevelopmentNetwork
from scripts.loads import fresh_network


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentNetwork]:
    with fresh_network(tmp_path_factory.mktemp("network") / "net") as network:
        yield network
