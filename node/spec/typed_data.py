"""EIP-712: digests of typed structures, bound to one chain and one contract.

Only structures of atomic types occur in Dataccord, so a structure is its type string and its words:
each word is 32 bytes, an unsigned integer, or an address. Dynamic members do not exist by choice:
what has no fixed size is hashed first and signed as a bytes32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from node.spec.crypto import keccak256
from node.spec.types import Address, Hash32

Word = int | bytes
"""An unsigned integer, a 20-byte address or a 32-byte string."""

_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True, slots=True)
class Domain:
    """The EIP-712 domain: which application, version, chain and contract a signature is for."""

    name: str
    version: str
    chain_id: int
    verifying_contract: Address


@cache
def type_hash(type_string: str) -> Hash32:
    """Return keccak256 of a type string such as `Close(bytes32 lease,uint64 number)`."""
    return keccak256(type_string.encode("ascii"))


def struct_hash(type_string: str, words: Sequence[Word]) -> Hash32:
    """Return hashStruct(s) = keccak256(typeHash ‖ encodeData(s)) (EIP-712)."""
    return keccak256(type_hash(type_string) + b"".join(_word(word) for word in words))


@cache
def domain_separator(domain: Domain) -> Hash32:
    """Return hashStruct of the domain."""
    return struct_hash(
        _DOMAIN_TYPE,
        (
            keccak256(domain.name.encode()),
            keccak256(domain.version.encode()),
            domain.chain_id,
            domain.verifying_contract,
        ),
    )


def typed_digest(domain: Domain, structure: Hash32) -> Hash32:
    """Return keccak256(0x1901 ‖ domainSeparator ‖ hashStruct): the 32 bytes that are signed."""
    return keccak256(b"\x19\x01" + domain_separator(domain) + structure)


def _word(word: Word) -> bytes:
    if isinstance(word, int):
        return word.to_bytes(32, "big")
    if len(word) not in (20, 32):
        raise ValueError(f"EIP-712: a word of {len(word)} bytes")
    return word.rjust(32, b"\0")
