"""The contracts of Dataccord: Vyper sources, their vocabulary, and the compiled artifacts.

One contract a concern, each at a fixed address in genesis (`ADDRESSES`): members and validators,
catalog, grants, authorizations, leases, closings, challenges; README.md beside this file says what
each keeps and how they ask each other. Constructors take the genesis content, so no
contract has an initialiser that could be called later, and none has immutables: the runtime code is
the same in every network, which `artifacts/*.json` pin together with the hash of every source file.
`python -m chaincode.build` compiles, `--check` compares.

This package knows nothing of the node: it can be read, compiled and deployed on its own.
"""

from chaincode.artifact import ADDRESSES, CONTRACTS, Artifact, ArtifactError, load

__all__ = ["ADDRESSES", "CONTRACTS", "Artifact", "ArtifactError", "load"]
