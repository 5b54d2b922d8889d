"""Who a peer is: its TLS certificate, its hello, and what the registry says of both (N20).

TLS proves that the peer holds its certificate's key. The hello, signed by the node key, names that
certificate and this chain. The registry says which member a node belongs to, and which authorities
issue that member's certificates. Together: this connection ends at that member's node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from node.errors import ConfigError, DataccordError, DecodeError
from node.p2p.wire import PROTOCOL_VERSION, Hello
from node.spec.crypto import recover, sign
from node.spec.types import Address, Hash32


class HelloRefused(DataccordError):
    """A peer's hello does not show that it may speak here."""


class Registry(Protocol):
    """What the ledger's head says about nodes and certificate authorities."""

    def member_of_node(self, node: Address) -> int:
        """Return the index of the member a node belongs to, 0 for none."""
        ...

    def authorities(self) -> Mapping[int, tuple[bytes, ...]]:
        """Return each active member's CA certificates, as DER."""
        ...


@dataclass(frozen=True, slots=True)
class Certificate:
    """A TLS certificate's facts as the hello names them; `not_after` in Unix seconds."""

    der: bytes
    hash: bytes
    not_after: int


def read_certificate(der: bytes) -> Certificate:
    """Return the facts of a DER certificate.

    Raises:
        DecodeError: the bytes are no certificate.
    """
    try:
        parsed = x509.load_der_x509_certificate(der)
        not_after = int(parsed.not_valid_after_utc.timestamp())
    except ValueError as error:
        raise DecodeError("certificate: not a DER certificate") from error
    return Certificate(der, parsed.fingerprint(hashes.SHA256()), not_after)


def read_certificate_pem(pem: bytes, where: str) -> Certificate:
    """Return the facts of the first certificate in a PEM file's bytes."""
    try:
        parsed = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise ConfigError(
            f"{where}: not a PEM certificate",
            why=str(error),
            next_command="issue a new one with `dataccord net reset` or your own CA",
        ) from error
    return read_certificate(parsed.public_bytes(Encoding.DER))


def make_hello(genesis_hash: Hash32, certificate: Certificate, node_key: bytes) -> Hello:
    """Return the signed hello for a connection that shows `certificate`."""
    bare = Hello(genesis_hash, certificate.hash, certificate.not_after, PROTOCOL_VERSION)
    return Hello(
        bare.genesis_hash,
        bare.certificate_hash,
        bare.not_after,
        bare.version,
        sign(node_key, bare.digest()),
    )


def check_hello(hello: Hello, peer: Certificate, genesis_hash: Hash32) -> Address:
    """Return the node that said hello over a connection showing the certificate `peer`.

    Raises:
        HelloRefused: another chain or protocol, or another certificate than the connection's.
    """
    if hello.genesis_hash != genesis_hash:
        raise HelloRefused(
            f"peer is on another chain (genesis 0x{hello.genesis_hash.hex()})",
            why=f"this node's genesis is 0x{genesis_hash.hex()}",
        )
    if hello.version != PROTOCOL_VERSION:
        raise HelloRefused(f"peer speaks protocol {hello.version}, this node {PROTOCOL_VERSION}")
    if (hello.certificate_hash, hello.not_after) != (peer.hash, peer.not_after):
        raise HelloRefused("hello names another certificate than the connection shows")
    return recover(hello.digest(), hello.signature)


def check_membership(node: Address, peer: Certificate, registry: Registry) -> int:
    """Return the member whose node this is, its certificate issued by that member's authority.

    Raises:
        HelloRefused: the node is not registered, or the certificate is another member's.
    """
    member = registry.member_of_node(node)
    if not member:
        raise HelloRefused(f"node 0x{node.hex()} is not registered")
    certificate = x509.load_der_x509_certificate(peer.der)
    for authority in registry.authorities().get(member, ()):
        try:
            certificate.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
        except (ValueError, TypeError, InvalidSignature):
            continue
        return member
    raise HelloRefused(
        f"the certificate of node 0x{node.hex()} is not issued by its member {member}",
        why="the registry names other authorities for that member",
    )
