"""Who is in the consortium of the contracts' tests, and their keys."""

from functools import cache

from node.spec.crypto import address_of, keccak256, sign
from node.spec.types import Address
from node.spec.vocabulary import MemberKind

A, B, EXCHANGE, REGULATOR, C = 1, 2, 3, 4, 5
NAMES = {A: "a", B: "b", EXCHANGE: "exchange", REGULATOR: "regulator", C: "c"}
KINDS = {
    A: MemberKind.BANK,
    B: MemberKind.BANK,
    EXCHANGE: MemberKind.EXCHANGE,
    REGULATOR: MemberKind.REGULATOR,
    C: MemberKind.BANK,
}
IDENTIFIERS = {
    A: b"529900T8BM49AURSDO55",
    B: b"5493001KJTIIGC8Y1R12",
    EXCHANGE: b"91350100M000100Y43",
    REGULATOR: b"213800D1EI4B9WTWWD28",
    C: b"HWUPKR0MPOU8FGXBT394",
}
"""Real LEIs from the public index, and the example code of GB 32100-2015."""


@cache
def key(name: str) -> bytes:
    """The private key of `a.gateway`, `a.node`, `subject` and so on."""
    return keccak256(b"key " + name.encode())


@cache
def account(name: str) -> Address:
    return address_of(key(name))


def signature(name: str, digest: bytes) -> bytes:
    return sign(key(name), digest)
