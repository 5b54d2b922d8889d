"""Node keys of the simulation: real secp256k1, or a cheap scheme that cannot be confused with it.

A cheap signature is the signer's address with a keyed tag over the digest: nobody makes another's
by accident, and liars use only what a liar could, their own key.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from node.errors import SignatureError
from node.spec import crypto, seal
from node.spec.types import Address, Hash32


class Key(Protocol):
    """A node key: what a performer needs to sign."""

    @property
    def address(self) -> Address:
        """Return the key's address."""
        ...

    def sign(self, digest: Hash32) -> bytes:
        """Return a 65-byte signature over a digest."""
        ...


@dataclass(frozen=True, slots=True)
class RealKey:
    """A secp256k1 key."""

    private_key: bytes
    address: Address

    def sign(self, digest: Hash32) -> bytes:
        """Return a real signature."""
        return crypto.sign(self.private_key, digest)


@dataclass(frozen=True, slots=True)
class CheapKey:
    """An address that can vouch for itself."""

    address: Address

    def sign(self, digest: Hash32) -> bytes:
        """Return address, tag and padding: 65 bytes."""
        return self.address + _tag(self.address, digest) + bytes(13)


def _tag(address: bytes, digest: bytes) -> bytes:
    return hashlib.blake2b(digest, key=address, digest_size=32).digest()


def recover_cheap(digest: bytes, signature: bytes) -> Address:
    """Return the signer of a cheap signature, as `crypto.recover` does of a real one."""
    address = signature[:20]
    if signature[20:52] != _tag(address, digest) or signature[52:] != bytes(13):
        raise SignatureError("signature: recovers to no key")
    return Address(address)


_REMEMBERED: dict[tuple[bytes, bytes], Address] = {}


def recover_real(digest: bytes, signature: bytes) -> Address:
    """Return the signer of a real signature; each is recovered once in a process."""
    key = (bytes(digest), signature)
    if key not in _REMEMBERED:
        if len(_REMEMBERED) > 20_000:
            _REMEMBERED.clear()
        _REMEMBERED[key] = crypto.recover(digest, signature)
    return _REMEMBERED[key]


def cheap_keys(count: int) -> list[CheapKey]:
    """Return keys in ascending order of address."""
    return [CheapKey(Address(bytes([16 * (i + 1)]) * 20)) for i in range(count)]


def real_keys(count: int) -> list[RealKey]:
    """Return keys in ascending order of address."""
    secrets = [hashlib.sha256(b"dataccord simulation %d" % i).digest() for i in range(count)]
    made = [RealKey(secret, crypto.address_of(secret)) for secret in secrets]
    return sorted(made, key=lambda key: key.address)


@contextmanager
def sealed_by(recover: Callable[[bytes, bytes], Address]) -> Iterator[None]:
    """Let the product's check of commit seals know a story's kind of signature, and no other."""
    genuine = seal.__dict__["recover"]
    seal.__dict__["recover"] = recover
    try:
        yield
    finally:
        seal.__dict__["recover"] = genuine
