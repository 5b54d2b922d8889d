"""Keys and certificates on disk: made here, readable by their owner only, never overwritten."""

import datetime
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.errors import ConfigError
from node.spec.crypto import CURVE_ORDER, address_of
from node.spec.types import Address

AUTHORITY_DAYS: Final = 3_650
CERTIFICATE_DAYS: Final = 90
"""Short, as rotation is by reload (N20): a year-old key is a year of exposure."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A member's certificate authority."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as the registry holds it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read; refuse to overwrite one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written", why=str(error.strerror)) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def new_key(path: Path) -> Address:
    """Write a new private key as hex and return its address."""
    while not 0 < int.from_bytes(key := secrets.token_bytes(32), "big") < CURVE_ORDER:
        continue
    write_secret(path, key.hex().encode() + b"\n")
    return address_of(key)


def new_authority(folder: Path, name: str) -> Authority:
    """Make a member's certificate authority in `folder`: ca-cert.pem and ca-key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_pair(folder, "ca", certificate, key)
    return Authority(certificate, key)


def issue_certificate(folder: Path, authority: Authority, name: str) -> None:
    """Make a TLS key and certificate in `folder`: tls-cert.pem and tls-key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identity = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key(), CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback]), critical=False
        )
        .add_extension(identity, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    _write_pair(folder, "tls", certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_pair(
    folder: Path, stem: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_secret(folder / f"{stem}-key.pem", pem)
    (folder / f"{stem}-cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
