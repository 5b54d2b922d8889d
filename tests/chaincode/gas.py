"""What the calls of a grant, a lease and a use cost: `python -m tests.chaincode.gas [--write]`.

Each figure is the gas used of one transaction on a fresh consortium, constructed as genesis does.
The test beside this file compares them with `gas.json`, so a change of cost is always seen.
"""

import json
import sys
from pathlib import Path

from node.spec import usage
from node.spec.vocabulary import Role, mask
from tests.chaincode import world as w

SNAPSHOT = Path(__file__).with_name("gas.json")
AT_ONCE = "request and activate at once, both approvals in one transaction"
FEW = "10,000 receipts, 200 leases of 25 authorizations, settled and closed at once"
SPREAD = "10,000 receipts, 200 leases of 200 authorizations, settled and closed at once"
WIDE = "10,000 receipts, 2,500 leases of 2,500 authorizations, in ten batches"


def grants() -> dict[str, int]:
    """Asking for, approving and granting at once; of a firm's data and of one person's."""
    found = {}
    for name, agreed in (("firms", w.terms()), ("person", w.personal_terms(exchange=w.EXCHANGE))):
        world = w.market()
        identity = w.identifier(agreed)
        found[f"request, {name}"] = world.send("b.approver", *w.requesting(agreed)).gas_used
        if name == "person":
            signed = w.signature("subject", identity)
            carried = world.send("exchange.approver", *w.approving(agreed, signed))
            found["approve, subject and exchange"] = carried.gas_used
        approved = world.send("a.approver", *w.approving(agreed)).gas_used
        found[f"approve and activate, {name}"] = approved
    world = w.market()
    _fill_lists(world)
    agreed = w.personal_terms(exchange=w.EXCHANGE)
    asked = world.send("b.approver", *w.requesting(agreed)).gas_used
    found["request, person, both lists in force"] = asked
    world, agreed = w.market(), w.terms()
    signed = w.signature("a.approver", w.identifier(agreed))
    found[AT_ONCE] = world.send("b.approver", *w.requesting(agreed, signed)).gas_used
    return found


def _fill_lists(world: w.World) -> None:
    """Entries of both lists that forbid nothing here, but have to be read."""
    second = w.account("regulator.second")
    roles = mask(Role.SENDER, Role.APPROVER)
    world.send("regulator.governor", "members", "admitAccount", second, roles)
    for sender in ("regulator.approver", "regulator.second"):
        world.send(sender, "templates", "refuse", 0, 0, 1 << 50)
        world.send(sender, "templates", "caution", 0, 0, (1 << 50, 1))


def leases() -> dict[str, int]:
    """Opening: the first of a pair, a later one, and a hundred in one transaction."""
    found, gateway = {}, w.account("a.gateway")
    world = w.market()
    authorization = w.grant(world)
    for name in ("first of a pair", "later"):
        opening = w.opening(authorization, world)
        opened = world.send("b.gateway", "leases", "open", opening, gateway)
        found[f"lease, {name}"] = opened.gas_used
    _fill_lists(world)
    opening = w.opening(authorization, world)
    opened = world.send("b.gateway", "leases", "open", opening, gateway)
    found["lease, negative list in force"] = opened.gas_used
    for name, each in (("of 13 authorizations", 8), ("of 100 authorizations", 1)):
        world = w.market()
        count = -(-100 // each)
        made = [w.grant(world, nonce=nonce) for nonce in range(count)]
        openings = [w.opening(one, world, uses=1) for one in made for _ in range(each)][:100]
        opened = world.send("b.gateway", "leases", "openMany", openings, gateway)
        found[f"lease, each of 100 {name}"] = opened.gas_used // 100
    return found


def receipts() -> dict[str, int]:
    """Settling one receipt after another, and closing by both."""
    world = w.market()
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    found = {}
    chained = w.chain(world, lease, 2)
    for name, receipt in zip(("first", "later"), chained, strict=True):
        call = ("leases", "settle", authorization, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
        found[f"receipt alone, {name}"] = world.send("a.gateway", *call).gas_used
    last = w.hashed(chained[-1])
    digest = usage.close_digest(lease, 2, last, w.CHAIN_ID)
    call = ("leases", "close", authorization, 1, 2, last, *w.both(digest))
    found["close by both"] = world.send("a.gateway", *call).gas_used
    return found


def batch(authorizations: int, each: int, uses: int, parts: int = 1) -> int:
    """Gas to settle and close `each` leases of each authorization, in `parts` transactions."""
    world = w.market()
    made = [w.grant(world, nonce=nonce, maximum_uses=1_000) for nonce in range(authorizations)]
    wanted = [w.opening(one, world, uses=uses) for one in made for _ in range(each)]
    for start in range(0, len(wanted), 100):
        part = wanted[start : start + 100]
        world.send("b.gateway", "leases", "openMany", part, w.account("a.gateway"))
    places = [(one, number) for one in made for number in range(1, each + 1)]
    calls = [_settling(world, uses, places[part::parts]) for part in range(parts)]
    return sum(world.send("a.gateway", *call).gas_used for call in calls)


def _settling(world: w.World, uses: int, places: list[tuple[bytes, int]]) -> tuple[object, ...]:
    ranges, leaves = [], []
    for authorization, number in places:
        chained = w.chain(world, usage.lease_id(authorization, number), uses)
        last = w.hashed(chained[-1])
        ranges.append(usage.UseRange(authorization, number, 1, uses, last, True))
        leaves += chained
    return w.settling(w.batch_of(ranges, leaves), ranges)


def measured() -> dict[str, int]:
    """Every figure by its name."""
    return {
        **grants(),
        **leases(),
        **receipts(),
        FEW: batch(25, 8, 50),
        SPREAD: batch(200, 1, 50),
        WIDE: batch(2_500, 1, 4, parts=10),
    }


def main() -> None:
    """Print the figures; with `--write`, keep them."""
    found = measured()
    for name, gas in found.items():
        print(f"{gas:>12,}  {name}")
    if "--write" in sys.argv[1:]:
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
