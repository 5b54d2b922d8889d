"""Looking at a whole store: every block, every node of the head's state, every flat entry.

Opening a store checks its newest links; this is the long look that `dataccord store check` takes.
Both functions are generators that yield as they go, so that a command can show progress, and raise
`StoreError` at the first thing that is wrong.
"""

from collections.abc import Iterator

from node.errors import DataccordError, StoreError
from node.spec.account import decode_account
from node.spec.block import receipts_root, transactions_root
from node.spec.codec import decode
from node.spec.crypto import keccak256
from node.spec.receipt import merge_blooms
from node.spec.seal import hash_for_block
from node.spec.trie import PlacedGetter, get_placed
from node.spec.trie_node import (
    Branch,
    Extension,
    Leaf,
    Nibbles,
    Node,
    from_nibbles,
    node_from_item,
)
from node.spec.types import EMPTY_ROOT, Hash32
from node.storage.blocks import Blocks, Place
from node.storage.chain_store import ChainStore
from node.storage.keys import ACCOUNT, SLOT
from node.storage.kv import Reader, prefix_end


def check_blocks(blocks: Blocks) -> Iterator[int]:
    """Yield each block's number, from 0 to the head, once all its parts are found to agree."""
    head = blocks.head()
    parent = None
    for number in range(0 if head is None else head.number + 1):
        block, receipts = blocks.block(number), blocks.receipts(number)
        if block is None or receipts is None:
            raise _wrong(f"block {number} is missing")
        block_hash = hash_for_block(block.header)
        _demand(blocks.hash_of(number) == block_hash, f"hash of block {number}")
        _demand(blocks.number_of(block_hash) == number, f"number of block {number}")
        _demand(parent in (None, block.header.parent_hash), f"parent of block {number}")
        header = block.header
        _demand(transactions_root(block.transactions) == header.transactions_root, f"body {number}")
        _demand(receipts_root(receipts) == header.receipts_root, f"receipts {number}")
        bloom = merge_blooms(receipt.bloom for receipt in receipts)
        _demand(bloom == header.logs_bloom, f"bloom of block {number}")
        for index, raw in enumerate(block.transactions):
            found = blocks.place_of(keccak256(raw))
            _demand(found == Place(number, index), f"place of a transaction of block {number}")
        parent = block_hash
        yield number
    _demand(head is None or head.hash == parent, "hash of the head")


def check_state(store: ChainStore, view: Reader) -> Iterator[int]:
    """Yield a growing count of nodes and entries of the head's state found to agree.

    `view` is the store's own key-value form, or a snapshot taken at the head.
    """
    header = store.blocks.header(store.head().number)
    if header is None:
        raise _wrong("the head's header is missing")
    count = accounts = slots = 0
    for path, leaf in _leaves(None, header.state_root, store):
        accounts += 1
        account = decode_account(leaf)
        store.codes.code(account.code_hash)
        owner = Hash32(from_nibbles(path))
        slots += sum(1 for _ in _leaves(owner, account.storage_root, store))
        count += 1
        yield count
    for key, value in view.scan(ACCOUNT, prefix_end(ACCOUNT)):
        held = get_placed(header.state_root, keccak256(key[1:]), _getter(store))
        _demand(held == value, f"flat account 0x{key[1:].hex()}")
        accounts -= 1
        count += 1
        yield count
    _demand(accounts == 0, "number of flat accounts")
    slots -= sum(1 for _ in view.scan(SLOT, prefix_end(SLOT)))
    _demand(slots == 0, "number of flat slots")


def _getter(store: ChainStore) -> PlacedGetter:
    return lambda path, node_hash: store.nodes.node((None, path, node_hash))


def _leaves(
    owner: Hash32 | None, root: Hash32, store: ChainStore
) -> Iterator[tuple[Nibbles, bytes]]:
    """Yield every key's nibbles and value under a root, each node's hash checked."""
    waiting: list[tuple[Nibbles, object]] = [] if root == EMPTY_ROOT else [(b"", root)]
    while waiting:
        path, reference = waiting.pop()
        node = _node(owner, path, reference, store)
        if isinstance(node, Leaf):
            yield path + node.path, node.value
        elif isinstance(node, Extension):
            waiting.append((path + node.path, node.child))
        elif isinstance(node, Branch):
            children = enumerate(node.children)
            waiting += [(path + bytes([at]), child) for at, child in children if child != b""]


def _node(owner: Hash32 | None, path: Nibbles, reference: object, store: ChainStore) -> Node:
    try:
        if not isinstance(reference, bytes):
            return node_from_item(reference)  # type: ignore[arg-type]
        data = store.nodes.node((owner, path, Hash32(reference)))
        _demand(keccak256(data) == reference, f"state node 0x{reference.hex()}")
        return node_from_item(decode(data))
    except StoreError:
        raise
    except DataccordError as error:
        raise _wrong(f"a state node is damaged: {error.what}") from error


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise _wrong(f"{what} does not agree with the rest")


def _wrong(what: str) -> StoreError:
    return StoreError(
        f"store: {what}",
        why="the store is not what this node once wrote",
        next_command="restore a backup, or remove the folder and let the node sync it again",
    )
