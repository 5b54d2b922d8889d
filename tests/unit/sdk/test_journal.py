"""The journal is a party's only memory of its uses: nothing twice, nothing lost, damage named."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from node.errors import Refused, StoreError
from node.sdk.journal import SCHEMA_VERSION, Journal, Use
from node.sdk.settlement import RangeRequest, build_batch
from node.spec import merkle
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.usage import Receipt, Request, lease_id, pack_ranges, ranges_hash, receipt_hash
from node.spec.vocabulary import ReceiptKind

AUTHORIZATION = Hash32(b"\xaa" * 32)
LEASE = lease_id(AUTHORIZATION, 1)
WORD = Hash32(b"\x01" * 32)
NONE = Hash32(bytes(32))
CHAIN_ID = 31337


def asked(number: int) -> Use:
    return Use(Request(LEASE, number, WORD, WORD), '{"kind":"record"}', b"s" * 65)


def answered(number: int, kind: ReceiptKind = ReceiptKind.DELIVERED, block: int = 5) -> Use:
    receipt = Receipt(LEASE, number, WORD, WORD, int(kind), block, 7, 1, 0, NONE, WORD, WORD)
    return replace(
        asked(number), receipt=receipt, salt=b"t" * 32, result="{}", provider_signature=b"p" * 65
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "uses.sqlite")


def test_a_use_grows_from_request_to_countersignature(journal: Journal) -> None:
    journal.add(asked(1))
    assert journal.get(LEASE, 1) == asked(1)
    journal.complete(answered(1))
    journal.countersign(LEASE, 1, b"c" * 65)
    done = replace(answered(1), consumer_signature=b"c" * 65)
    assert journal.uses(LEASE) == (done,)
    assert journal.last(LEASE) == done
    (signed,) = journal.signed_receipts(LEASE)
    assert signed.receipt == done.receipt
    assert (signed.provider_signature, signed.consumer_signature) == (b"p" * 65, b"c" * 65)
    assert journal.get(LEASE, 2) is None
    assert journal.last(WORD) is None


def test_a_number_is_given_once(journal: Journal) -> None:
    journal.add(asked(1))
    with pytest.raises(StoreError, match="cannot be read or written"):
        journal.add(asked(1))
    assert len(journal.uses(LEASE)) == 1


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = Journal(tmp_path / "uses.sqlite")
    first.add(asked(1))
    first.complete(answered(1))
    first.close()
    again = Journal(tmp_path / "uses.sqlite")
    assert again.uses(LEASE) == (answered(1),)
    again.close()


def test_only_a_bare_request_can_be_withdrawn(journal: Journal) -> None:
    journal.add(asked(1))
    journal.withdraw(LEASE, 1)
    assert journal.get(LEASE, 1) is None
    journal.complete(answered(1))
    journal.withdraw(LEASE, 1)
    assert journal.get(LEASE, 1) == answered(1)


def test_unsigned_receipts_are_counted_and_void_ones_are_not(journal: Journal) -> None:
    for number in (1, 2, 3):
        journal.complete(answered(number))
    journal.complete(answered(4, ReceiptKind.VOID))
    journal.add(asked(5))
    assert journal.unsigned(LEASE) == 3
    journal.countersign(LEASE, 2, b"c" * 65)
    assert journal.unsigned(LEASE) == 2


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"not a database, but long enough to be read as one" * 50)
    with pytest.raises(StoreError, match="not a journal"):
        Journal(tmp_path / "text")
    with pytest.raises(StoreError, match="not a journal"):
        Journal(tmp_path)
    Journal(tmp_path / "newer").close()
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(StoreError, match="another version"):
        Journal(tmp_path / "newer")


def test_what_opens_a_fee_statement_is_kept(journal: Journal) -> None:
    assert journal.fees(WORD) is None
    assert journal.price_plan(keccak256(b"plan")) is None
    journal.keep_fees(WORD, b"salt", b"content", [b"plan", b"other"])
    journal.keep_fees(WORD, b"salt", b"content", [b"plan"])
    assert journal.fees(WORD) == (b"salt", b"content")
    assert journal.price_plan(keccak256(b"other")) == b"other"


def test_a_journal_of_the_version_before_is_carried_on(tmp_path: Path) -> None:
    """Its uses stay, and what opens fee statements can be kept beside them."""
    first = Journal(tmp_path / "older")
    first.complete(answered(1))
    first.close()
    older = sqlite3.connect(tmp_path / "older")
    older.executescript("DROP TABLE fee_statement; DROP TABLE price_plan;")
    older.execute(f"PRAGMA user_version={SCHEMA_VERSION - 1}")
    older.close()
    again = Journal(tmp_path / "older")
    again.keep_fees(WORD, b"salt", b"content", [])
    assert again.uses(LEASE) == (answered(1),)
    again.close()
    assert Journal(tmp_path / "older").fees(WORD) == (b"salt", b"content")


# Batches built from it ----


def test_a_batch_is_over_the_countersigned_receipts(journal: Journal) -> None:
    for number in (1, 2, 3):
        journal.complete(answered(number, block=number))
        journal.countersign(LEASE, number, b"c" * 65)
    wish = RangeRequest(AUTHORIZATION, 1, 2, 3, closes=True)
    built = build_batch(journal, 7, 8, [wish], CHAIN_ID)
    leaves = [use.receipt for use in journal.uses(LEASE)[1:] if use.receipt is not None]
    hashes = tuple(receipt_hash(receipt, CHAIN_ID) for receipt in leaves)
    assert built.leaves == hashes
    assert built.batch.root == merkle.root(hashes)
    assert built.batch.ranges == ranges_hash(pack_ranges(built.ranges))
    assert (built.ranges[0].first, built.ranges[0].last, built.ranges[0].closes) == (2, 3, True)


@pytest.mark.parametrize("last", [2, 3])
def test_a_batch_needs_every_receipt_countersigned(journal: Journal, last: int) -> None:
    journal.complete(answered(1))
    journal.countersign(LEASE, 1, b"c" * 65)
    journal.complete(answered(2))
    assert build_batch(journal, 7, 8, [RangeRequest(AUTHORIZATION, 1, 1, 1, False)], CHAIN_ID)
    with pytest.raises(Refused, match="receipt missing"):
        build_batch(journal, 7, 8, [RangeRequest(AUTHORIZATION, 1, 1, last, False)], CHAIN_ID)
