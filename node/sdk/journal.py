"""A party's own record of uses: durable before anything it says leaves the process.

One SQLite file, every change synced. Each use of a lease is one row from the signed request to the
countersigned receipt, so a restart forgets nothing: a provider never gives one number to two
requests, and a consumer can always show what it got. Provider and consumer keep the same table.
Beside it stand the contents of fee statements with their salts, and the price plans they name:
what the ledger holds of a statement is nothing without them (R18).
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

from node.errors import StoreError
from node.spec.consents import Consent, SignedConsent
from node.spec.crypto import keccak256
from node.spec.types import Hash32
from node.spec.usage import Receipt, Request, SignedReceipt
from node.spec.vocabulary import ReceiptKind

SCHEMA_VERSION: Final = 3
_SCHEMA: Final = """
CREATE TABLE use (
    lease BLOB NOT NULL, number INTEGER NOT NULL,
    previous BLOB NOT NULL, request_hash BLOB NOT NULL,
    query TEXT NOT NULL, request_signature BLOB NOT NULL,
    kind INTEGER, state_block INTEGER, used_at INTEGER, record_count INTEGER,
    data_since INTEGER, consent BLOB, input_commitment BLOB, output_commitment BLOB,
    salt BLOB, result TEXT, provider_signature BLOB, consumer_signature BLOB,
    consent_document TEXT UNIQUE, consent_signature BLOB,
    PRIMARY KEY (lease, number)
) STRICT;
"""
_FEE_SCHEMA: Final = """
CREATE TABLE fee_statement (
    statement BLOB PRIMARY KEY, salt BLOB NOT NULL, content BLOB NOT NULL
) STRICT;
CREATE TABLE price_plan (hash BLOB PRIMARY KEY, document BLOB NOT NULL) STRICT;
"""
"""What version 3 added to version 2."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use as a party knows it; the receipt is None while the request is all there is."""

    request: Request
    query: str
    request_signature: bytes
    receipt: Receipt | None = None
    salt: bytes = b""
    result: str = ""
    provider_signature: bytes = b""
    consumer_signature: bytes | None = None
    consent: SignedConsent | None = None
    """The subject's consent to this use, in subject mode `perUse`; each permits one use."""


class Journal:
    """A party's uses by lease and number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: not a journal of uses", why=str(error)) from error

    def _prepare(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version in (0, SCHEMA_VERSION - 1):
            made = (_SCHEMA if version == 0 else "") + _FEE_SCHEMA
            self._database.executescript(
                f"BEGIN IMMEDIATE; {made} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise StoreError(
                f"{self._path}: written by another version",
                why=f"schema {version}, this version knows {SCHEMA_VERSION}",
            )

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def uses(self, lease: Hash32) -> tuple[Use, ...]:
        """Return all uses of a lease in order."""
        with self._guarded() as database:
            rows = database.execute("SELECT * FROM use WHERE lease = ? ORDER BY number", [lease])
            return tuple(_use(row) for row in rows)

    def last(self, lease: Hash32) -> Use | None:
        """Return the latest use of a lease."""
        with self._guarded() as database:
            row = database.execute(
                "SELECT * FROM use WHERE lease = ? ORDER BY number DESC LIMIT 1", [lease]
            ).fetchone()
            return None if row is None else _use(row)

    def get(self, lease: Hash32, number: int) -> Use | None:
        """Return one use."""
        with self._guarded() as database:
            row = database.execute(
                "SELECT * FROM use WHERE lease = ? AND number = ?", [lease, number]
            ).fetchone()
            return None if row is None else _use(row)

    def has_used(self, consent: SignedConsent) -> bool:
        """Whether some use was made on a consent."""
        with self._guarded() as database:
            found = database.execute(
                "SELECT 1 FROM use WHERE consent_document = ?", [_document(consent.consent)]
            ).fetchone()
            return found is not None

    def unsigned(self, lease: Hash32) -> int:
        """Return how many delivered receipts of a lease lack the consumer's signature (R10)."""
        with self._guarded() as database:
            found = database.execute(
                "SELECT count(*) FROM use "
                "WHERE lease = ? AND kind = ? AND consumer_signature IS NULL",
                [lease, int(ReceiptKind.DELIVERED)],
            ).fetchone()
            return int(found[0])

    def add(self, use: Use) -> None:
        """Keep a new use; one number is given once only."""
        row = _row(use)
        marks = ", ".join("?" * len(row))
        with self._guarded() as database:
            database.execute(f"INSERT INTO use VALUES ({marks})", row)

    def complete(self, use: Use) -> None:
        """Keep a use's receipt and result, its number known already."""
        with self._guarded() as database, _transaction(database):
            database.execute(
                "DELETE FROM use WHERE lease = ? AND number = ?",
                [use.request.lease, use.request.number],
            )
            row = _row(use)
            database.execute(f"INSERT INTO use VALUES ({', '.join('?' * len(row))})", row)

    def withdraw(self, lease: Hash32, number: int) -> None:
        """Forget a request that was refused; one with a receipt stays."""
        with self._guarded() as database:
            database.execute(
                "DELETE FROM use WHERE lease = ? AND number = ? AND kind IS NULL", [lease, number]
            )

    def countersign(self, lease: Hash32, number: int, signature: bytes) -> None:
        """Keep the consumer's signature over a receipt."""
        with self._guarded() as database:
            database.execute(
                "UPDATE use SET consumer_signature = ? WHERE lease = ? AND number = ?",
                [signature, lease, number],
            )

    def signed_receipts(self, lease: Hash32) -> tuple[SignedReceipt, ...]:
        """Return a lease's receipts as a trail is verified from."""
        return tuple(
            SignedReceipt(use.receipt, use.provider_signature, use.consumer_signature, use.consent)
            for use in self.uses(lease)
            if use.receipt is not None
        )

    def keep_fees(
        self, statement: Hash32, salt: bytes, content: bytes, plans: Iterable[bytes]
    ) -> None:
        """Keep what opens a fee statement, under its id: salt, content, and the plans it names."""
        with self._guarded() as database, _transaction(database):
            database.execute(
                "INSERT OR REPLACE INTO fee_statement VALUES (?, ?, ?)", [statement, salt, content]
            )
            for document in plans:
                row = [keccak256(document), document]
                database.execute("INSERT OR REPLACE INTO price_plan VALUES (?, ?)", row)

    def fees(self, statement: Hash32) -> tuple[bytes, bytes] | None:
        """Return salt and content of a fee statement, None where they are not kept."""
        with self._guarded() as database:
            row = database.execute(
                "SELECT salt, content FROM fee_statement WHERE statement = ?", [statement]
            ).fetchone()
            return None if row is None else (bytes(row[0]), bytes(row[1]))

    def price_plan(self, plan: Hash32) -> bytes | None:
        """Return the document of a price plan, None where it is not kept."""
        with self._guarded() as database:
            row = database.execute(
                "SELECT document FROM price_plan WHERE hash = ?", [plan]
            ).fetchone()
            return None if row is None else bytes(row[0])

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._database
        except sqlite3.Error as error:
            raise StoreError(
                f"{self._path}: cannot be read or written",
                why=str(error),
                next_command="check free space and ownership of the file",
            ) from error


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


_RECEIPT_TAIL: Final = [field.name for field in fields(Receipt)][4:]


_TAIL_END: Final = 6 + len(_RECEIPT_TAIL)


def _row(use: Use) -> list[object]:
    request, receipt, given = use.request, use.receipt, use.consent
    tail = [None] * len(_RECEIPT_TAIL) if receipt is None else list(astuple(receipt))[4:]
    return [
        *(request.lease, request.number, request.previous, request.request_hash),
        *(use.query, use.request_signature),
        *tail,
        *(use.salt, use.result, use.provider_signature, use.consumer_signature),
        *((None, None) if given is None else (_document(given.consent), given.signature)),
    ]


def _use(row: tuple[object, ...]) -> Use:
    lease, number, previous, request_hash, query, request_signature = row[:6]
    head = (lease, number, previous, request_hash)
    request = Request(Hash32(lease), number, Hash32(request_hash), Hash32(previous))  # type: ignore[arg-type]
    tail = row[6:_TAIL_END]
    salt, result, provider, consumer, document, signature = row[_TAIL_END:]
    receipt = None
    if tail[0] is not None:
        receipt = Receipt(*head, *tail)  # type: ignore[arg-type]  # the table is STRICT
    given = None if document is None else _signed_consent(str(document), bytes(signature))  # type: ignore[call-overload]
    values = (salt, result, provider, consumer)
    return Use(request, query, request_signature, receipt, *values, given)  # type: ignore[arg-type]


def _document(consent: Consent) -> str:
    """Return the one text of a consent: its members in the order that is signed."""
    parts = (part.hex() if isinstance(part, bytes) else f"{part:x}" for part in astuple(consent))
    return ",".join(parts)


def _signed_consent(document: str, signature: bytes) -> SignedConsent:
    values: dict[str, Any] = {
        field.name: int(part, 16) if field.type in (int, "int") else bytes.fromhex(part)
        for field, part in zip(fields(Consent), document.split(","), strict=True)
    }
    return SignedConsent(Consent(**values), signature)
