"""What a grant, a lease and a use cost decides the volume that a block of 200 million gas holds."""

import json

import pytest

from tests.chaincode import gas

KEPT = json.loads(gas.SNAPSHOT.read_text("utf-8"))


@pytest.mark.parametrize("part", [gas.grants, gas.leases, gas.receipts])
def test_each_call_costs_what_the_snapshot_says(part):
    found = part()
    assert found == {name: KEPT[name] for name in found}


def test_limits_that_a_figure_must_keep():
    for name, gas_used in KEPT.items():
        if name.startswith(("request", "approve")):
            assert gas_used <= 150_000, name
        if name.startswith("lease, each of 100 of 13"):
            assert gas_used <= 35_000, name
        elif name.startswith(("lease", "receipt", "close")):
            assert gas_used <= 90_000, name
    assert KEPT[gas.FEW] <= 150 * 10_000


def test_a_batch_costs_by_its_leases_not_by_its_receipts():
    one, many = gas.batch(25, 8, 1), gas.batch(25, 8, 3)
    assert one == pytest.approx(many, rel=0.001)
    assert one == pytest.approx(KEPT[gas.FEW], rel=0.001)
