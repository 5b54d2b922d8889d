"""A block's part of a bundle: its final header, and the wanted transactions inside their proofs."""

from collections.abc import Iterable, Sequence

from node.audit.bundle import BlockRecord, Inclusion
from node.errors import ProofError
from node.sdk.light import LightClient
from node.spec.block import decode_block
from node.spec.codec import encode
from node.spec.receipt import encode_receipt
from node.spec.trie import NodeGetter, list_update, prove
from node.spec.types import Hash32


async def collect_block(light: LightClient, number: int, indices: Iterable[int]) -> BlockRecord:
    """Return a block with the proofs of some of its transactions.

    Raises:
        ProofError: what the node gives does not lead to the header's roots.
    """
    final = await light.final_header(number)
    wanted = sorted(indices)
    if not wanted:
        return BlockRecord(final, ())
    raws = decode_block(await light.client.block(number)).transactions
    receipts = [encode_receipt(part) for part in await light.client.receipts(number)]
    transactions = _nodes_of(raws, final.header.transactions_root, number)
    held = _nodes_of(receipts, final.header.receipts_root, number)
    return BlockRecord(
        final,
        tuple(
            Inclusion(
                index,
                prove(final.header.transactions_root, encode(index), transactions),
                prove(final.header.receipts_root, encode(index), held),
            )
            for index in wanted
        ),
    )


def _nodes_of(values: Sequence[bytes], root: Hash32, number: int) -> NodeGetter:
    """Return the nodes of an indexed list, which must lead to a header's root."""
    found, made = list_update(values)
    if found != root:
        raise ProofError(f"block {number}: the node gives another list than its header's")
    nodes = dict(made.values())
    return nodes.__getitem__
