"""Compiled contracts as the rest of Dataccord reads them: one frozen value a contract.

Artifacts are committed, so a node needs no compiler. `chaincode.build` writes them and proves that
they are what the sources compile to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

ADDRESSES: Final[Mapping[str, bytes]] = {
    "members": bytes(18) + b"\xda\x01",
    "catalog": bytes(18) + b"\xda\x02",
    "authorizations": bytes(18) + b"\xda\x03",
    "leases": bytes(18) + b"\xda\x04",
    "grants": bytes(18) + b"\xda\x05",
    "closings": bytes(18) + b"\xda\x06",
    "challenges": bytes(18) + b"\xda\x07",
    "templates": bytes(18) + b"\xda\x08",
    "supervision": bytes(18) + b"\xda\x09",
    "statements": bytes(18) + b"\xda\x0a",
    "governance": bytes(18) + b"\xda\x0c",
    "parameters": bytes(18) + b"\xda\x0d",
    "holidays": bytes(18) + b"\xda\x0e",
    "refusals": bytes(18) + b"\xda\x25",
    "lineage": bytes(18) + b"\xda\x20",
    "delegations": bytes(18) + b"\xda\x21",
    "exports": bytes(18) + b"\xda\x23",
    "consents": bytes(18) + b"\xda\x22",
    "versions": bytes(18) + b"\xda\x0f",
    "obligations": bytes(18) + b"\xda\x11",
    "disputes": bytes(18) + b"\xda\x12",
    "sealed": bytes(18) + b"\xda\x18",
    "affirmations": bytes(18) + b"\xda\x26",
    "acceptances": bytes(18) + b"\xda\x24",
    "applications": bytes(18) + b"\xda\x13",
    "sandboxes": bytes(18) + b"\xda\x14",
}
"""Where genesis places each contract; `addresses.vy` tells the contracts the same."""

CONTRACTS: Final = tuple(ADDRESSES)
"""Names of the contracts, in the order genesis constructs them."""

ARTIFACT_BYTES_MAX: Final = 1 << 20


class ArtifactError(Exception):
    """An artifact that is missing, damaged, or not what its sources compile to."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    `constructor` is the init code without arguments: append their ABI encoding to it. `runtime` is
    what lies in the account. `layout` maps each state variable to its slot, `methods` each
    signature to its selector; `reasons` are all strings it can revert with; `sources` maps each
    source file to the SHA-256 of its bytes.
    """

    name: str
    address: bytes
    abi: tuple[Mapping[str, Any], ...]
    constructor: bytes
    runtime: bytes
    layout: Mapping[str, int]
    methods: Mapping[str, bytes]
    reasons: tuple[str, ...]
    sources: Mapping[str, str]
    compiler: str


@cache
def load(name: str) -> Artifact:
    """Return the committed artifact of a contract; ArtifactError when there is none."""
    path = resources.files("chaincode").joinpath("artifacts", f"{name}.json")
    if name not in CONTRACTS or not path.is_file():
        raise ArtifactError(f"chaincode: no contract {name!r}; there are {', '.join(CONTRACTS)}")
    return parse(path.read_bytes())


def parse(data: bytes) -> Artifact:
    """Return the artifact a file holds; ArtifactError when it is not one."""
    if len(data) > ARTIFACT_BYTES_MAX:
        raise ArtifactError(f"chaincode: an artifact of {len(data)} bytes")
    try:
        fields = json.loads(data)
        return Artifact(
            name=fields["name"],
            address=bytes.fromhex(fields["address"][2:]),
            abi=tuple(fields["abi"]),
            constructor=bytes.fromhex(fields["constructor"][2:]),
            runtime=bytes.fromhex(fields["runtime"][2:]),
            layout=fields["layout"],
            methods={name: bytes.fromhex(data[2:]) for name, data in fields["methods"].items()},
            reasons=tuple(fields["reasons"]),
            sources=fields["sources"],
            compiler=fields["compiler"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError("chaincode: a malformed artifact") from error
