"""A light client: the newest final header, proved from a genesis hash, and proved reads under it.

It asks one node and believes none: headers by the seals of validator sets proved since genesis
(`node.spec.finality`), state by proofs under a final header's state root. A node can only be silent
or old, and how old is visible in the header's timestamp. A set that was replaced seals nothing
after the block that replaced it: whoever holds the keys of removed validators shows no later head.
"""

from typing import Final

from node.errors import ProofError, RemoteError
from node.sdk.client import Client
from node.spec import registry
from node.spec.finality import (
    FinalHeader,
    ValidatorSets,
    bare,
    genesis_sets,
    proved_set,
    verify_final,
)
from node.spec.header import Header
from node.spec.registry import (
    MEMBERS,
    VALIDATOR_SET_VERSION,
    VALIDATORS,
    VALIDATORS_MAX,
    slot_of_validator,
)
from node.spec.seal import hash_for_block
from node.spec.state_proof import SlotProof, StorageProof, reader, verify_storage
from node.spec.types import Address, Hash32

SET_CHANGES_MAX: Final = 1_000


class LightClient:
    """Follows final headers through one node."""

    def __init__(self, client: Client, genesis_hash: Hash32) -> None:
        self.client = client
        self.genesis_hash = genesis_hash
        self.sets: dict[int, tuple[Address, ...]] = {}
        self.changes: list[tuple[FinalHeader, StorageProof]] = []
        """What proved each set after the first, in order; evidence for others (N15)."""
        self._proved_at: dict[int, int] = {}
        self.head: Header | None = None

    @property
    def current(self) -> Header:
        """The newest header that was proved."""
        if self.head is None:
            raise ProofError("light client: no header is proved yet")
        return self.head

    async def start(self) -> None:
        """Prove the genesis validator set."""
        genesis = await self.client.header(0)
        proof = await self.set_proof(0)
        self.sets = dict(genesis_sets(genesis, self.genesis_hash, proof))
        self._proved_at = dict.fromkeys(self.sets, 0)
        self.head = genesis

    async def advance(self) -> Header:
        """Prove and return the node's newest header; heads never go back."""
        number = await self.client.block_number()
        if number > self.current.number:
            self.head = await self.prove(number)
        return self.current

    async def prove(self, number: int) -> Header:
        """Return the header at a height, proved final."""
        if number == 0:
            return await self.client.header(0)
        claim = await self.final_header(number)
        await self._learn_set(claim)
        self._check_not_replaced(claim)
        verify_final(claim, self.sets)
        return claim.header

    def _check_not_replaced(self, claim: FinalHeader) -> None:
        """Raise `ProofError` where a later set than the claim's was already in force before it."""
        version, number = _version_of(claim), claim.header.number
        later = [v for v, at in self._proved_at.items() if v > version and at < number]
        if later:
            raise ProofError(
                f"block {number}: sealed by validator set {version}, which was replaced",
                why=f"set {max(later)} was in force after block {self._proved_at[max(later)]}",
            )

    async def final_header(self, number: int) -> FinalHeader:
        """Return what shows that a header is final, not verified yet."""
        header = await self.client.header(number)
        parent = bare(await self.client.header(number - 1))
        version = await self.storage(MEMBERS, (VALIDATOR_SET_VERSION,), number - 1)
        if header.number != number or parent.number != number - 1:
            raise RemoteError(f"block {number}: the node gave another header")
        return FinalHeader(header, parent, version)

    async def storage(self, address: Address, slots: tuple[int, ...], number: int) -> StorageProof:
        """Return the proof of some slots at a height, not verified yet."""
        ordered = tuple(sorted(set(slots)))
        found = await self.client.proof(address, ordered, number)
        return StorageProof(
            found.account, tuple(SlotProof(slot, found.storage[slot]) for slot in ordered)
        )

    async def read(
        self, address: Address, slots: tuple[int, ...], at: Header | None = None
    ) -> dict[int, int]:
        """Return slots' values under a proved header, the newest where none is given."""
        head = self.current if at is None else at
        proof = await self.storage(address, slots, head.number)
        return dict(verify_storage(head.state_root, address, proof))

    async def set_proof(self, number: int) -> StorageProof:
        """Return the proof of the whole validator set in the state after a block."""
        count = reader(await self._claimed(number, (VALIDATORS,)))(VALIDATORS)
        if not 0 < count <= VALIDATORS_MAX:
            raise ProofError(f"block {number}: a validator set of {count}")
        slots = (VALIDATORS, *(slot_of_validator(i) for i in range(count)), VALIDATOR_SET_VERSION)
        return await self.storage(MEMBERS, slots, number)

    async def _claimed(self, number: int, slots: tuple[int, ...]) -> dict[int, int]:
        header = await self.client.header(number)
        return dict(
            verify_storage(header.state_root, MEMBERS, await self.storage(MEMBERS, slots, number))
        )

    async def _version_at(self, number: int) -> int:
        values = await self._claimed(number, (VALIDATOR_SET_VERSION,))
        return registry.validator_set_version(reader(values))

    async def _learn_set(self, claim: FinalHeader) -> None:
        """Prove the sets between the last known one and the one that sealed `claim` (step 3)."""
        for _ in range(SET_CHANGES_MAX):
            if _version_of(claim) in self.sets:
                return
            await self.next_set(claim.header.number - 1)
        raise ProofError(f"more than {SET_CHANGES_MAX} validator set changes to prove")

    async def next_set(self, last: int) -> tuple[FinalHeader, StorageProof]:
        """Prove the first set after the newest known one, changed at or before block `last`."""
        known = max(self.sets)
        number = await self._first_change(known, max(0, self.current.number - 1), last)
        claim, proof = await self.final_header(number), await self.set_proof(number)
        self._check_not_replaced(claim)
        verify_final(claim, self.sets)
        found: ValidatorSets = proved_set(claim.header, proof)
        if all(version <= known for version in found):
            raise ProofError(f"block {number}: proves no later validator set than {known}")
        self.sets.update(found)
        self._proved_at.update(dict.fromkeys(found, number))
        self.changes.append((claim, proof))
        return claim, proof

    async def _first_change(self, known: int, low: int, high: int) -> int:
        """Return the first block in (low, high] after which the version is above `known`."""
        while high - low > 1:
            middle = (low + high) // 2
            if await self._version_at(middle) > known:
                high = middle
            else:
                low = middle
        return high

    async def chain_to(self, first: Header, last: Header) -> list[Header]:
        """Return the headers after `first` up to `last`, linked back from `last` by hashes."""
        found = [last]
        while found[-1].number > first.number + 1:
            parent = await self.client.header(found[-1].number - 1)
            if hash_for_block(parent) != found[-1].parent_hash:
                raise ProofError(f"block {parent.number}: is not the parent of the block after it")
            found.append(parent)
        if found[-1].parent_hash != hash_for_block(first):
            raise ProofError(f"block {last.number}: does not descend from block {first.number}")
        return found[::-1]


def _version_of(claim: FinalHeader) -> int:
    """Return the version of the set that had to seal the header."""
    values = verify_storage(claim.parent.state_root, MEMBERS, claim.version)
    return registry.validator_set_version(reader(values))
