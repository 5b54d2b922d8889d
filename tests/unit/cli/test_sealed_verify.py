"""Opening a seal trusts a genesis hash and no node: every word comes from a proof (R19)."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.cli import main
from node.cli import sealed as cli
from node.execution.engine import Outcome
from node.sdk import sealed as sdk
from node.sdk import sealed_file
from node.sdk.contracts import Call
from node.sdk.governance import set_mandate
from node.sdk.light import LightClient
from node.sdk.sealed_file import SealedFile
from node.sdk.view import LedgerView
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.usage import SignedReceipt
from node.spec.vocabulary import MemberKind, Reason, Zone, mask
from tests.chaincode import sealed as kit
from tests.chaincode import world as w
from tests.unit.audit.factory import Chain

CARRIER = "regulator.approver"


class Carried(Chain):
    """A ledger on which the kit's calls are carried by the regulator's one approver."""

    def carry_out(self, sender: str, call: Call) -> Outcome | None:
        assert sender.startswith("regulator.")
        self.send_data(CARRIER, call.to, call.data)
        return None


@pytest.fixture
def chain(tmp_path: Path) -> Carried:
    found = Carried(tmp_path / "journal.db")
    found.govern(set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    return found


def story(chain: Any) -> tuple[Hash32, list[SignedReceipt]]:
    authorization = kit.grant(chain)
    receipts = kit.uses(chain, kit.open_lease(chain, authorization), 3)
    kit.settle(chain, authorization, 1, receipts, closes=True)
    return authorization, receipts


Verify = Callable[[SealedFile, Hash32], tuple[int, Any]]


@pytest.fixture
def verify(
    chain: Carried,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Verify:
    """Run `sealed verify` on a file against this ledger; return its exit code and its JSON."""
    monkeypatch.setattr(cli, "Client", lambda _: chain.client())

    def run(file: SealedFile, genesis: Hash32) -> tuple[int, Any]:
        path = tmp_path / "share.sealed"
        sealed_file.write(path, sealed_file.encode(file))
        command = ("verify", "--file", str(path), "--genesis-hash", "0x" + genesis.hex())
        code = main(["sealed", *command, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_whole_file_is_proved_from_the_genesis_hash_on(chain: Carried, verify: Verify) -> None:
    authorization, receipts = story(chain)
    code, told = verify(SealedFile(w.CHAIN_ID, kit.disclosure(receipts)), chain.genesis.hash)
    assert code == 0, told
    assert told["authorization"] == "0x" + authorization.hex()
    assert (told["provider"], told["consumer"], told["uses"]) == (w.A, w.B, 3)
    assert told["height"] == chain.number


def test_a_receipt_left_out_or_another_genesis_is_refused(chain: Carried, verify: Verify) -> None:
    _, receipts = story(chain)
    file = SealedFile(w.CHAIN_ID, kit.disclosure(receipts[:2]))
    code, told = verify(file, chain.genesis.hash)
    assert code == 5
    assert "2 of 3 receipts" in told["error"]
    whole = replace(file, shown=kit.disclosure(receipts))
    code, told = verify(whole, keccak256(b"another genesis"))
    assert code == 5
    assert "genesis" in told["error"]


async def test_a_gateways_view_forgets_what_was_made_unavailable(chain: Carried) -> None:
    authorization, _ = story(chain)
    view = LedgerView(LightClient(chain.client(), chain.genesis.hash))
    await view._light.start()
    await view.advance()
    assert await view.is_sealed_available(authorization, chain.time)
    assert not await view.is_sealed_available(authorization, kit.sealed_terms().valid_until)
    assert not await view.is_sealed_available(keccak256(b"never granted"), chain.time)
    ground = sdk.ground_of(authorization, Reason.REGULATOR_ORDER)
    chain.carry_out(CARRIER, sdk.make_unavailable(ground))
    assert await view.is_sealed_available(authorization, chain.time), "the view has not moved yet"
    await view.advance()
    assert not await view.is_sealed_available(authorization, chain.time)
