"""TLS 1.3 contexts that follow the registry without a restart.

The server's context trusts exactly the registry's authorities. When those or the node's own
certificate change, a new context is built, and `sni_callback` hands it to each new connection. The
dialing side pins a node address instead: its peer is known by the hello's signature over the
certificate that TLS has proved, so it needs no authority (N9: a node dials its pinned peers
whatever its registry says).
"""

import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from node.errors import ConfigError


def dialing_context(certificate: Path, private_key: Path) -> ssl.SSLContext:
    """Return the context with which pinned peers are dialed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _load_own(context, certificate, private_key)
    return context


class AcceptingContext:
    """The listening side's context, rebuilt at each change of the registry."""

    def __init__(self, certificate: Path, private_key: Path, authorities: Iterable[bytes]) -> None:
        self._files = (certificate, private_key)
        self._authorities = frozenset(authorities)
        self._current = self._build()
        self.entrance = self._build()
        self.entrance.sni_callback = self._swap

    def update(self, authorities: Iterable[bytes]) -> bool:
        """Trust `authorities` from the next connection on; return whether they are others."""
        fresh = frozenset(authorities)
        changed = fresh != self._authorities
        if changed:
            self._authorities = fresh
            self._current = self._build()
        return changed

    def _swap(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        _load_own(context, *self._files)
        pems = [
            x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
            for der in sorted(self._authorities)
        ]
        if pems:
            context.load_verify_locations(cadata=b"".join(pems).decode("ascii"))
        return context


def _load_own(context: ssl.SSLContext, certificate: Path, private_key: Path) -> None:
    try:
        context.load_cert_chain(certificate, private_key)
    except OSError as error:  # ssl.SSLError is an OSError: unreadable, mismatched, malformed
        raise ConfigError(
            f"TLS: {certificate} with {private_key} cannot be used",
            why=str(error),
            next_command="check that key and certificate belong together (openssl x509 -noout)",
        ) from error
