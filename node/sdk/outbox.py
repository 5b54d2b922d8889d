"""What an account has signed and not yet seen in a block: kept before the first byte leaves.

One SQLite file, every change synced, so a client that is restarted knows its transactions and sends
the same bytes again: one nonce is one record, however often it is sent. A transaction may carry a
name of its wish, `once`; such a row stays after it is final, and the same name never signs another.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.errors import NotReady, StoreError
from node.spec.crypto import keccak256
from node.spec.types import Address, Hash32

SCHEMA_VERSION: Final = 1
STANDING_MAX: Final = 1_024
"""Most transactions of an account that wait for a block: a pool holds no more of one sender."""

ONCE_MAX: Final = 100_000
"""Most names of wishes that are kept for an account; the oldest are forgotten first."""

_SCHEMA: Final = """
CREATE TABLE signed (
    chain INTEGER NOT NULL, account BLOB NOT NULL, nonce INTEGER NOT NULL,
    wish BLOB NOT NULL, name TEXT NOT NULL, once TEXT NOT NULL, raw BLOB NOT NULL,
    final INTEGER NOT NULL,
    PRIMARY KEY (chain, account, nonce)
) STRICT;
CREATE UNIQUE INDEX by_once ON signed (chain, account, once) WHERE once != '';
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction; `wish` is the hash of what it asks, whatever its nonce."""

    chain: int
    account: Address
    nonce: int
    wish: Hash32
    name: str
    once: str
    raw: bytes
    final: bool = False

    @property
    def hash(self) -> Hash32:
        """The transaction's hash."""
        return keccak256(self.raw)


class Outbox:
    """Signed transactions by account and nonce; without a path they live as long as the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        with self._guarded():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=10)
            self._database.execute("PRAGMA synchronous=FULL")
            self._prepare()

    def _prepare(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._database.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            self._database.close()
            raise StoreError(
                f"{self._path}: written by a newer version",
                why=f"schema {version}, this version knows {SCHEMA_VERSION}",
            )

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def standing(self, chain: int, account: Address) -> tuple[Signed, ...]:
        """Return what an account waits for, by nonce."""
        return self._select(
            "NOT final AND chain = ? AND account = ? ORDER BY nonce", chain, account
        )

    def named(self, chain: int, account: Address, once: str) -> Signed | None:
        """Return the transaction signed for a named wish, None while there is none."""
        found = self._select("chain = ? AND account = ? AND once = ?", chain, account, once)
        return found[0] if found else None

    def taken(self, chain: int, account: Address) -> frozenset[int]:
        """Return the nonces that an account's waiting transactions have."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT nonce FROM signed WHERE NOT final AND chain = ? AND account = ?",
                [chain, account],
            ).fetchall()
            return frozenset(row[0] for row in rows)

    def add(self, signed: Signed) -> None:
        """Keep a transaction before it is sent.

        Raises:
            NotReady: the account has too many that wait.
            StoreError: its nonce or its wish's name is taken.
        """
        if len(self.taken(signed.chain, signed.account)) >= STANDING_MAX:
            raise NotReady(f"{STANDING_MAX} transactions of this account wait for a block")
        with self._guarded():
            self._database.execute(
                "INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                [
                    *(signed.chain, signed.account, signed.nonce),
                    *(signed.wish, signed.name, signed.once, signed.raw),
                ],
            )

    def finish(self, signed: Signed) -> None:
        """Note that a transaction is final: it stays only where its wish has a name."""
        if not signed.once:
            self.forget(signed)
            return
        key = [signed.chain, signed.account]
        with self._guarded():
            self._database.execute(
                "UPDATE signed SET final = 1 WHERE chain = ? AND account = ? AND nonce = ?",
                [*key, signed.nonce],
            )
            self._database.execute(
                "DELETE FROM signed WHERE chain = ? AND account = ? AND final AND nonce < "
                "(SELECT max(nonce) FROM signed WHERE chain = ? AND account = ?) - ?",
                [*key, *key, ONCE_MAX],
            )

    def forget(self, signed: Signed) -> None:
        """Drop a transaction that is final, or that can never be."""
        with self._guarded():
            self._database.execute(
                "DELETE FROM signed WHERE chain = ? AND account = ? AND nonce = ?",
                [signed.chain, signed.account, signed.nonce],
            )

    def _select(self, where: str, *values: object) -> tuple[Signed, ...]:
        columns = "chain, account, nonce, wish, name, once, raw, final"
        with self._guarded():
            rows = self._database.execute(
                f"SELECT {columns} FROM signed WHERE {where}", values
            ).fetchall()
        return tuple(
            Signed(
                row[0],
                Address(row[1]),
                row[2],
                Hash32(row[3]),
                row[4],
                row[5],
                row[6],
                bool(row[7]),
            )
            for row in rows
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self._path}: cannot be read or written as an outbox",
                why=str(error),
                next_command="check free space and ownership of the file",
            ) from error
