"""An outbox is what stands between a lost reply and a doubled record, so it may forget nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.errors import NotReady, StoreError
from node.sdk import outbox as module
from node.sdk.outbox import Outbox, Signed
from node.spec.crypto import keccak256
from tests.unit.chain.kit import SENDER, STRANGER


def signed(nonce: int, once: str = "", **changes: object) -> Signed:
    wish = keccak256(b"wish %d" % nonce)
    standard = Signed(31337, SENDER, nonce, wish, "leases.open", once, b"raw %d" % nonce)
    return replace(standard, **changes)  # type: ignore[arg-type]


def test_what_is_signed_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "account.outbox"
    first = Outbox(path)
    first.add(signed(7))
    first.add(signed(5))
    first.close()
    again = Outbox(path)
    assert again.standing(31337, SENDER) == (signed(5), signed(7))
    assert again.taken(31337, SENDER) == {5, 7}
    assert again.standing(31337, STRANGER) == again.standing(1, SENDER) == ()


def test_what_is_final_goes_and_a_named_wish_stays() -> None:
    box = Outbox()
    box.add(signed(1))
    box.add(signed(2, "rent of May"))
    for one in (signed(1), signed(2, "rent of May")):
        box.finish(one)
    assert box.standing(31337, SENDER) == ()
    assert box.taken(31337, SENDER) == set()
    assert box.named(31337, SENDER, "rent of May") == signed(2, "rent of May", final=True)
    assert box.named(31337, SENDER, "rent of June") is None
    assert box.named(1, SENDER, "rent of May") is None


def test_one_nonce_and_one_name_are_given_once() -> None:
    box = Outbox()
    box.add(signed(1, "rent"))
    for other in (signed(1), signed(2, "rent")):
        with pytest.raises(StoreError, match="outbox"):
            box.add(other)
    box.forget(signed(1, "rent"))
    box.add(signed(2, "rent"))


def test_names_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ONCE_MAX", 2)
    box = Outbox()
    for nonce in range(5):
        box.add(signed(nonce, f"wish {nonce}"))
        box.finish(signed(nonce, f"wish {nonce}"))
    kept = [nonce for nonce in range(5) if box.named(31337, SENDER, f"wish {nonce}")]
    assert kept == [2, 3, 4]


def test_waiting_transactions_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STANDING_MAX", 2)
    box = Outbox()
    box.add(signed(1))
    box.add(signed(2))
    with pytest.raises(NotReady, match="wait for a block"):
        box.add(signed(3))


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "account.outbox"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(StoreError, match="outbox"):
        Outbox(path)
    newer = tmp_path / "newer.outbox"
    Outbox(newer).close()
    box = Outbox(newer)
    box._database.execute("PRAGMA user_version=9")
    box.close()
    with pytest.raises(StoreError, match="newer version"):
        Outbox(newer)
