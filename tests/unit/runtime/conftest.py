"""The ledger's tests run once on each engine there is."""

import pytest

from tests import engines


@pytest.fixture(params=engines.NAMES, autouse=True, scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    engines.choose(request.param)
    return str(request.param)
