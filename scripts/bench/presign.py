"""Transactions signed beforehand, so that signing takes nothing from the machine under load.

One file serves every case: a line is a raw transaction and its hash, line i being sender i mod 50's
transaction of nonce i div 50. So the first lines of a longer file are a shorter one, and a file
that is too short grows. Signing is split over processes. The file's name carries a fingerprint of
its first line: after a change of the work nobody is served an older one.

Fees are offered, because a peer may ask for them; a network of this project takes a transaction at
any price.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from node.cli.devnet import CHAIN_ID
from node.cli.mnemonic import DEVELOPMENT_MNEMONIC, derive_keys
from node.spec.crypto import address_of, keccak256
from node.spec.transaction import created_address, sign_dynamic_fee
from node.spec.types import Address
from scripts.loads import DEPLOY_GAS, PROJECT, RECORD_GAS, RECORD_SELECTOR, SENDERS
from scripts.plain_web3 import RECORD_CODE

FOLDER: Final = PROJECT / "run" / "bench"
CHUNK: Final = 2_000
TIP: Final = 10**9
FEE_MAX: Final = 10**11


@cache
def _keys() -> tuple[bytes, ...]:
    return tuple(derive_keys(DEVELOPMENT_MNEMONIC, SENDERS + 1))


def contract() -> Address:
    """Return where the deployment's contract will be."""
    return created_address(address_of(_keys()[SENDERS]), 0)


def counter_slots() -> list[str]:
    """Return where the contract counts each sender's records that succeeded, as 0x text.

    Vyper keeps key k of the mapping at slot 1 at keccak256(1 as 32 bytes, k as 32 bytes).
    """
    place = (1).to_bytes(32, "big")
    senders = [address_of(key) for key in _keys()[:SENDERS]]
    return ["0x" + keccak256(place + sender.rjust(32, b"\0")).hex() for sender in senders]


def deployment() -> str:
    """Return the raw transaction that makes the contract, as 0x text."""
    return _signed(SENDERS, 0, None, bytes.fromhex(RECORD_CODE[2:]), DEPLOY_GAS)


def record_id(index: int) -> bytes:
    """Return the id that record `index` writes at; none is used twice."""
    return keccak256(b"record" + index.to_bytes(8, "big"))


def record(index: int) -> str:
    """Return one line: raw transaction and hash, each as 0x text, a space between."""
    data = RECORD_SELECTOR + record_id(index) + keccak256(record_id(index))
    raw = _signed(index % SENDERS, index // SENDERS, contract(), data, RECORD_GAS)
    return f"{raw} 0x{keccak256(bytes.fromhex(raw[2:])).hex()}\n"


def _signed(sender: int, nonce: int, to: Address | None, data: bytes, gas: int) -> str:
    raw = sign_dynamic_fee(
        _keys()[sender],
        chain_id=CHAIN_ID,
        nonce=nonce,
        gas=gas,
        to=to,
        data=data,
        max_fee=FEE_MAX,
        max_priority_fee=TIP,
    )
    return "0x" + raw.hex()


def _records(first: int) -> str:
    return "".join(record(index) for index in range(first, first + CHUNK))


def presigned(count: int, folder: Path = FOLDER) -> Path:
    """Return a file of at least `count` lines, signing what it lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"presigned-{keccak256(record(0).encode()).hex()[:8]}.txt"
    held = whole_chunks(path)
    missing = range(held, count, CHUNK)
    if missing:
        # Spawned, not forked: whoever calls this may have threads.
        workers = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
        with workers, path.open("a", encoding="ascii") as file:
            file.writelines(workers.map(_records, missing))
    return path


def whole_chunks(path: Path) -> int:
    """Return how many lines of whole chunks a file holds, cutting off what was left unfinished."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        lines = sum(1 for line in file if line.endswith(b"\n"))
        kept = lines - lines % CHUNK
        file.seek(0)
        file.truncate(sum(map(len, islice(file, kept))))
    return kept


def lines(path: Path, span: range) -> Iterator[tuple[int, str, str]]:
    """Yield index, raw transaction and hash of the lines in a span."""
    with path.open(encoding="ascii") as file:
        for index, line in enumerate(islice(file, span.start, span.stop), start=span.start):
            raw, _, transaction_hash = line.rstrip("\n").partition(" ")
            yield index, raw, transaction_hash
