"""Who a peer is decides what it may do, so each link of the argument is broken once (N20)."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.errors import ConfigError, DecodeError
from node.p2p.identity import (
    HelloRefused,
    check_hello,
    check_membership,
    make_hello,
    read_certificate,
    read_certificate_pem,
)
from node.spec.types import Hash32

from .kit import GENESIS, Book, authority, identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_hello_names_its_node(folder: Path) -> None:
    node = identity(folder, "node", authority(folder, "bank"))
    hello = make_hello(GENESIS, node.certificate, node.key)
    assert check_hello(hello, node.certificate, GENESIS) == node.address


def test_a_hello_counts_for_one_chain_protocol_and_certificate(folder: Path) -> None:
    bank = authority(folder, "bank")
    node, other = identity(folder, "node", bank), identity(folder, "other", bank)
    hello = make_hello(GENESIS, node.certificate, node.key)
    with pytest.raises(HelloRefused, match="another chain"):
        check_hello(hello, node.certificate, Hash32(bytes(32)))
    with pytest.raises(HelloRefused, match="another certificate"):
        check_hello(hello, other.certificate, GENESIS)
    with pytest.raises(HelloRefused, match="protocol 2"):
        check_hello(replace(hello, version=2), node.certificate, GENESIS)


def test_a_changed_hello_names_another_node(folder: Path) -> None:
    node = identity(folder, "node", authority(folder, "bank"))
    hello = make_hello(GENESIS, node.certificate, node.key)
    later = replace(node.certificate, not_after=node.certificate.not_after + 1)
    stretched = replace(hello, not_after=later.not_after)
    assert check_hello(stretched, later, GENESIS) != node.address


def test_membership_needs_the_registry_and_the_members_own_authority(folder: Path) -> None:
    bank, utility = authority(folder, "bank"), authority(folder, "utility")
    node = identity(folder, "node", bank)
    book = Book({node.address: 1}, {1: (bank.der,), 2: (utility.der,)})
    assert check_membership(node.address, node.certificate, book) == 1
    with pytest.raises(HelloRefused, match="not registered"):
        check_membership(node.address, node.certificate, Book({}, book.trusted))
    for wrong in ({node.address: 2}, {node.address: 3}):
        with pytest.raises(HelloRefused, match="not issued by its member"):
            check_membership(node.address, node.certificate, Book(wrong, book.trusted))


def test_two_authorities_overlap(folder: Path) -> None:
    old, new = authority(folder, "old"), authority(folder, "new")
    node = identity(folder, "node", new)
    book = Book({node.address: 1}, {1: (old.der, new.der)})
    assert check_membership(node.address, node.certificate, book) == 1
    book.trusted[1] = (old.der,)
    with pytest.raises(HelloRefused):
        check_membership(node.address, node.certificate, book)


def test_what_is_no_certificate_is_named(folder: Path) -> None:
    with pytest.raises(DecodeError, match="not a DER certificate"):
        read_certificate(b"\x30\x00")
    with pytest.raises(ConfigError, match="not a PEM certificate"):
        read_certificate_pem(b"nothing", "file.pem")
